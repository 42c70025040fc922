"""A blocking HTTP/1.1 client for tests: one connection, on which it says what it is told, byte for
byte if need be; and a user who can answer challenges.

In a test that runs the server in its own process, the calls go into threads:
C{await deferToThread(client.ask, "GET", "/")}.
"""

from __future__ import annotations

import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.support.digest import Digest
from tests.support.httptext import Answer, Headers, request, takeAnswer
from tests.support.siptext import Address

#: Seconds to wait for an answer.
PATIENCE = 30.0


class NoAnswer(AssertionError):
    """Nothing has come in time, or the connection has ended before."""


class Basic:
    """A user who tells his password to whoever asks (RFC 7617)."""

    def __init__(self, user: str, password: str) -> None:
        self._token = b64encode(f"{user}:{password}".encode()).decode("ascii")

    def proof(self, method: str, uri: str, body: bytes = b"") -> tuple[str, str]:
        """
        @return: the header field that goes into a request.
        """
        return "Authorization", f"Basic {self._token}"


class HTTPClient:
    """One connection to a server, opened again when the server has closed it.

    @ivar user: answers challenges: L{Digest} does when it has been challenged, L{Basic} always.
    @ivar interim: the provisional answers (1xx) that have come before the last one.
    """

    def __init__(
        self,
        address: Address,
        user: Digest | Basic | None = None,
        tls: ssl.SSLContext | None = None,
        host: str | None = None,
        source: str = "",
    ) -> None:
        """
        @param tls: for C{https}: whom to trust.
        @param host: what Host says; the address if nothing.
        @param source: the address to come from; empty leaves it to the kernel.
        """
        self.address = address
        self.user = user
        self.host = host or f"{address[0]}:{address[1]}"
        self.interim: list[Answer] = []
        self._tls = tls
        self._source = source
        self._socket: socket.socket | None = None
        self._received = b""
        self._challenged = isinstance(user, Basic)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def socket(self) -> socket.socket:
        """The connection, opened if there is none."""
        if self._socket is None:
            sock = socket.create_connection(self.address, PATIENCE, (self._source, 0))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_hostname=self.address[0])
            self._socket = sock
            self._received = b""
        return self._socket

    @property
    def isOpen(self) -> bool:
        """Whether the next request goes out on the connection of the last one."""
        return self._socket is not None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # As a client does.

    def ask(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes | None = None,
        timeout: float = PATIENCE,
    ) -> Answer:
        """Send a request and wait for its answer; if that is a challenge and there is a user who
        has not been asked yet, or has given a nonce that has ended, answer it.

        @param target: path and query, as they go out.
        @raise NoAnswer: when none comes in time.
        """
        answer = self._once(method, target, headers, body, timeout)
        if answer.status == 401 and isinstance(self.user, Digest):
            stale = "stale=true" in "".join(answer.getAll("www-authenticate")).lower()
            if stale or not self._challenged:
                self.user.challenged(answer)
                self._challenged = True
                answer = self._once(method, target, headers, body, timeout)
        return answer

    def get(self, target: str, headers: Headers = ()) -> Answer:
        return self.ask("GET", target, headers)

    def put(self, target: str, mimeType: str, body: bytes, headers: Headers = ()) -> Answer:
        return self.ask("PUT", target, [("Content-Type", mimeType), *headers], body)

    def delete(self, target: str, headers: Headers = ()) -> Answer:
        return self.ask("DELETE", target, headers)

    def pipeline(
        self, requests: Sequence[tuple[str, str]], timeout: float = PATIENCE
    ) -> list[Answer]:
        """Send requests, each a method and a target, at once.

        @return: the answers, in their order.
        """
        self.send(b"".join(self.written(method, target) for method, target in requests))
        return [self.receive(method, timeout) for method, _ in requests]

    def written(
        self, method: str, target: str, headers: Headers = (), body: bytes | None = None
    ) -> bytes:
        """
        @return: a request as L{ask} sends it, proof and all.
        """
        if self.user is not None and self._challenged:
            headers = [*headers, self.user.proof(method, target, body or b"")]
        return request(method, target, self.host, headers, body)

    def _once(
        self, method: str, target: str, headers: Headers, body: bytes | None, timeout: float
    ) -> Answer:
        self.send(self.written(method, target, headers, body))
        answer = self.receive(method, timeout)
        if answer.isLast:
            self.close()
        return answer

    # As bytes.

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, method: str = "GET", timeout: float = PATIENCE) -> Answer:
        """Wait for a final answer; those before it are kept in L{interim}.

        @param method: what it answers.
        @raise NoAnswer: when none comes in time.
        """
        self.interim = []
        deadline = time.monotonic() + timeout
        ended = False
        while True:
            taken = takeAnswer(self._received, method, ended)
            if taken is None:
                if ended:
                    raise NoAnswer(f"the connection has ended after {self._received!r}")
                ended = not self._more(deadline)
                continue
            answer, self._received = taken
            if answer.status >= 200:
                return answer
            self.interim.append(answer)

    def awaitInterim(self, timeout: float = PATIENCE) -> Answer:
        """Wait for a provisional answer."""
        deadline = time.monotonic() + timeout
        while (taken := takeAnswer(self._received)) is None:
            if not self._more(deadline):
                raise NoAnswer("the connection has ended")
        answer, self._received = taken
        return answer

    def awaitEnd(self, timeout: float = PATIENCE) -> bytes:
        """Wait until the server closes the connection.

        @return: what came before, and was not taken yet.
        @raise NoAnswer: when it does not.
        """
        deadline = time.monotonic() + timeout
        try:
            while self._more(deadline):
                pass
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            # It was closed while something was on its way there.
            pass
        self.close()
        return self._received

    def _more(self, deadline: float) -> bool:
        """Wait for more.

        @return: false if the connection has ended.
        """
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = self.socket.recv(65536)
        except TimeoutError as error:
            raise NoAnswer(f"not in time; there is {self._received!r}") from error
        self._received += data
        return bool(data)

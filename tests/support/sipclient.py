"""A blocking SIP socket for tests: sends what it is told, waits with a deadline, and knows how
to register, to ask OPTIONS and to read what comes back."""

from __future__ import annotations

import socket
import ssl
import time
from types import TracebackType
from typing import Any, Self

from tests.support.siptext import Address, Headers, Received, newBranch, newToken, request

#: Seconds to wait for a message.
PATIENCE = 30.0
#: Seconds until a datagram that nobody answers is sent again (T1, RFC 3261 §17.1.1.1).
T1 = 0.5


class NoMessage(AssertionError):
    """Nothing has come in time."""


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class SIPSocket:
    """What the transports have in common: everything but how bytes leave and arrive."""

    transport = "UDP"

    def __init__(self, sock: socket.socket, server: Address) -> None:
        self.socket = sock
        self.server = server
        self.local: Address = sock.getsockname()[:2]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        raise NotImplementedError

    def answer(self, message: Received, data: bytes) -> None:
        """Send back to where a message came from."""
        self.send(data)

    def receive(self, timeout: float = PATIENCE) -> Received:
        """
        @raise NoMessage: when no complete message comes in time.
        """
        raise NotImplementedError

    @property
    def sentBy(self) -> str:
        return f"{bracketed(self.local[0])}:{self.local[1]}"

    def via(self, branch: str | None = None) -> str:
        return f"SIP/2.0/{self.transport} {self.sentBy};branch={branch or newBranch()};rport"

    def contact(self, user: str) -> str:
        suffix = "" if self.transport == "UDP" else f";transport={self.transport.lower()}"
        return f"sip:{user}@{self.sentBy}{suffix}"

    def ask(
        self,
        method: str,
        uri: str,
        *,
        fromURI: str = "sip:tester@example.test",
        toURI: str | None = None,
        callID: str | None = None,
        cseq: int = 1,
        first: Headers = (),
        extra: Headers = (),
        body: bytes = b"",
        timeout: float = PATIENCE,
    ) -> Received:
        """Send a request outside of a dialog and wait for its final response.

        @raise NoMessage: when none comes in time, whatever else may come.
        """
        callID = callID or newToken("ask-")
        data = request(
            method,
            uri,
            via=self.via(),
            fromValue=f"<{fromURI}>;tag={newToken()}",
            toValue=f"<{toURI or uri}>",
            callID=callID,
            cseq=cseq,
            first=first,
            extra=extra,
            body=body,
        )
        return self._exchange(data, method, callID, cseq, timeout)

    def _exchange(
        self, data: bytes, method: str, callID: str, cseq: int, timeout: float
    ) -> Received:
        deadline = time.monotonic() + timeout
        self.send(data)
        again = time.monotonic() + T1
        while True:
            try:
                message = self.receive(max(0.0, min(again, deadline) - time.monotonic()))
            except NoMessage:
                if time.monotonic() >= deadline:
                    raise
                if self.transport == "UDP":
                    self.send(data)
                again = time.monotonic() + 2 * T1
                continue
            if (
                message.status >= 200
                and (message.callID, message.cseq) == (callID, cseq)
                and message.method == method
            ):
                return message

    def options(self, uri: str, **arguments: Any) -> Received:
        return self.ask("OPTIONS", uri, **arguments)

    def register(
        self,
        user: str,
        domain: str = "example.test",
        *,
        expires: int = 600,
        contact: str | None = None,
        callID: str | None = None,
        cseq: int = 1,
    ) -> Received:
        """Bind this socket to C{sip:user@domain}; C{contact=""} asks for the bindings."""
        contact = f"<{self.contact(user)}>" if contact is None else contact
        aor = f"sip:{user}@{domain}"
        extra = [("Contact", contact), ("Expires", str(expires))] if contact else []
        return self.ask(
            "REGISTER",
            f"sip:{domain}",
            fromURI=aor,
            toURI=aor,
            callID=callID,
            cseq=cseq,
            extra=extra,
        )


class UDPSocket(SIPSocket):
    """A datagram socket of its own port; answers come from anywhere."""

    def __init__(self, server: Address, host: str | None = None, port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        # Bursts of several hundred messages have to fit: lost ones would blur what is tested.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        sock.bind((host or ("::1" if family == socket.AF_INET6 else "127.0.0.1"), port))
        super().__init__(sock, server)

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, self.server)

    def answer(self, message: Received, data: bytes) -> None:
        self.socket.sendto(data, message.source)

    def receive(self, timeout: float = PATIENCE) -> Received:
        self.socket.settimeout(max(timeout, 0.001))
        try:
            data, source = self.socket.recvfrom(65536)
        except TimeoutError:
            raise NoMessage(f"nothing at {self.sentBy} within {timeout:.1f} s") from None
        return Received(data, source[:2], self.local)


class StreamSocket(SIPSocket):
    """A TCP or TLS connection to the server."""

    def __init__(
        self,
        server: Address,
        context: ssl.SSLContext | None = None,
        name: str = "localhost",
        host: str = "",
    ) -> None:
        """
        @param context: makes it a TLS connection.
        @param name: that the server's certificate has to be for.
        @param host: the address to come from.
        """
        sock = socket.create_connection(server, PATIENCE, (host, 0) if host else None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            # An end of the connection that TLS has not announced is an error.
            sock = context.wrap_socket(sock, server_hostname=name, suppress_ragged_eofs=False)
        super().__init__(sock, server)
        self.transport = "TLS" if context else "TCP"
        self._buffer = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, timeout: float = PATIENCE) -> Received:
        deadline = time.monotonic() + timeout
        while True:
            # Keep-alives may stand between messages (RFC 3261 §7.5).
            self._buffer = self._buffer.lstrip(b"\r\n")
            message = self._takeMessage()
            if message is not None:
                return message
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                raise NoMessage(f"nothing at {self.sentBy} within {timeout:.1f} s") from None
            if not data:
                raise ConnectionResetError("the server has closed the connection")
            self._buffer += data

    def _takeMessage(self) -> Received | None:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = int(Received(head).get("content-length") or "0")
        if len(rest) < length:
            return None
        size = len(head) + len(separator) + length
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return Received(data, self.server, self.local)

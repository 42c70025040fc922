"""Sends one message as it is, as one datagram, and sees everything that comes of it.

An answer goes to the address that the datagram came from and the port that the topmost Via names
(RFC 3261 §18.2.2), 5060 as a rule. So every message is sent from a loopback address of its own,
and those ports are listened at there. What is forwarded reaches a phone that is registered under
the Request-URI, over UDP or, if it is long, over TCP (§18.1.1).
"""

from __future__ import annotations

import contextlib
import random
import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.support.ports import freePort
from tests.support.sipclient import UDPSocket
from tests.support.siptext import Address, Received

#: Seconds in which a message that is to be answered has its answer.
PATIENCE = 5.0
#: Seconds of silence after the server is known to have read the message.
SILENCE = 0.3

DEFAULT_PORT = 5060
COPIED = ("via", "from", "to", "call-id", "cseq", "record-route", "v", "f", "t", "i")
#: Header fields that a proxy has to change; all the others have to arrive as they were.
CHANGED = ("via", "v", "max-forwards", "route", "record-route", "content-length", "l")

_TOPMOST_VIA = re.compile(
    rb"^(?:via|v)[ \t]*:\s*SIP\s*/\s*\d\.\d\s*/\s*(\w+)\s+([^;,]+)", re.IGNORECASE | re.MULTILINE
)
_RPORT = re.compile(rb"^(?:via|v)[ \t]*:[^\r]*;rport", re.IGNORECASE | re.MULTILINE)


def rawFields(message: bytes) -> list[tuple[str, bytes]]:
    """
    @return: lower-case name and bytes of each header field, folded lines included.
    """
    head = message.partition(b"\r\n\r\n")[0].partition(b"\r\n")[2]
    lines = re.split(rb"\r\n(?![ \t])", head)
    return [(line.partition(b":")[0].strip().lower().decode("latin-1"), line) for line in lines]


def answerPort(message: bytes) -> int | None:
    """
    @return: the port that an answer has to go to; C{None} is the one that the message came from
        and -1 if RFC 3261 leaves it open, since the Via is not for UDP.
    """
    via = _TOPMOST_VIA.search(message)
    if via is None:
        return None
    if _RPORT.search(message):
        return None
    port = re.search(rb":(\d+)\s*$", via[2].strip())
    if port:
        return int(port[1])
    return DEFAULT_PORT if via[1].upper() == b"UDP" else -1


def transactionKey(message: bytes) -> tuple[bytes, ...]:
    """
    @return: what a server would take two messages for the same by (RFC 3261 §17.2.3), or more.
    """
    fields = dict(reversed(rawFields(message)))
    via = fields.get("via", fields.get("v", b""))
    return message.partition(b" ")[0], re.sub(rb"\s", b"", via)


class Lanes:
    """Endpoints with a worker, and so with transactions, of their own.

    Some messages share branch, sent-by and method: at one worker, the second would be taken for
    the first one, sent again. So they are spread.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._lanes: list[tuple[Address, set[tuple[bytes, ...]]]] = [
            (address, set()) for address in addresses
        ]

    def choose(self, message: bytes) -> Address:
        """
        @return: an endpoint that has not seen anything like this message.
        """
        key = transactionKey(message)
        for address, seen in self._lanes:
            if key not in seen:
                seen.add(key)
                return address
        raise LookupError("another lane is needed")


@dataclass
class Outcome:
    """What has come of a message."""

    #: Final responses, and the port of ours that each came to.
    answers: list[tuple[Received, int]] = field(default_factory=list)
    #: What has reached the phone.
    forwarded: list[bytes] = field(default_factory=list)

    def describe(self) -> list[int | str]:
        """
        @return: the words of C{expected.toml} for it.
        """
        if self.forwarded:
            return ["forwarded"]
        return list(dict.fromkeys(answer.status for answer, _ in self.answers)) or ["silence"]


class Phone:
    """Takes requests over UDP and TCP at one port, and answers each: busy, or 200."""

    def __init__(self) -> None:
        self.address: Address = ("127.0.0.1", freePort())
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(self.address)
        self.listener = socket.create_server(self.address)
        self.connections: list[socket.socket] = []

    @property
    def contact(self) -> str:
        return f"sip:phone@127.0.0.1:{self.address[1]}"

    def takeDatagram(self) -> bytes:
        data, source = self.datagrams.recvfrom(65536)
        for answer in self._answer(data):
            self.datagrams.sendto(answer, source)
        return data

    def accept(self) -> socket.socket:
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        self.connections.append(connection)
        return connection

    def takeStream(self, connection: socket.socket) -> bytes:
        """Read the one message that a connection is opened for; it says how long it is."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(Received(head).get("content-length"))
        while len(body) < length:
            more = connection.recv(65536)
            body += more
            data += more
        for answer in self._answer(data):
            connection.sendall(answer)
        return data

    def _answer(self, data: bytes) -> Iterator[bytes]:
        method = data.partition(b" ")[0]
        if method == b"ACK":
            return
        start = b"SIP/2.0 486 Busy Here" if method == b"INVITE" else b"SIP/2.0 200 OK"
        lines = [start]
        for name, line in rawFields(data):
            if name in COPIED:
                isTagless = name in ("to", "t") and b"tag=" not in line
                lines.append(line + b";tag=phone" if isTagless else line)
        yield b"\r\n".join([*lines, b"Content-Length: 0", b"", b""])

    def close(self) -> None:
        for sock in (self.datagrams, self.listener, *self.connections):
            sock.close()


class Tormentor:
    """A place to send one message from."""

    def __init__(self, server: Address, message: bytes) -> None:
        self.server = server
        self.message = message
        self.port = answerPort(message)
        self.phone = Phone()
        # Nobody else is at this address, so any port can be bound there.
        self.host = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])
        self.source = self._bind(0)
        ports = {DEFAULT_PORT, DEFAULT_PORT + 1, self.port or DEFAULT_PORT} - {-1}
        self.collectors = [self.source, *(self._bind(port) for port in ports)]
        self.outcome = Outcome()

    def _bind(self, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((self.host, port))
        return sock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.phone.close()
        for sock in self.collectors:
            sock.close()

    def register(self) -> int:
        """Register the phone, and nobody else, under the Request-URI of the message: others may
        be there from the messages before.

        @return: the status of the answer.
        """
        self._register("*", 0)
        return self._register(f"<{self.phone.contact}>", 60)

    def _register(self, contact: str, expires: int) -> int:
        uri = self.message.split(b" ")[1].decode("latin-1")
        domain = uri.rpartition("@")[2].partition(";")[0]
        with UDPSocket(self.server) as client:
            answer = client.ask(
                "REGISTER",
                f"sip:{domain}",
                fromURI=uri,
                toURI=uri,
                extra=[("Contact", contact), ("Expires", str(expires))],
            )
            return answer.status

    def run(self, *, awaitAnswer: bool) -> Outcome:
        """Send the message.

        @param awaitAnswer: false if there is to be none: no patience is spent on it.
        """
        with selectors.DefaultSelector() as selector:
            for sock in self.collectors:
                selector.register(sock, selectors.EVENT_READ, self._takeAnswer)
            selector.register(self.phone.datagrams, selectors.EVENT_READ, self._takeForwarded)
            selector.register(self.phone.listener, selectors.EVENT_READ, self._takeConnection)
            self.source.sendto(self.message, self.server)
            if awaitAnswer:
                self._watch(selector, PATIENCE, untilAnswered=True)
            # The server reads in order: when it has answered this, it has read the message.
            with UDPSocket(self.server) as client:
                assert client.options("sip:example.com").status == 200
            self._watch(selector, SILENCE, untilAnswered=False)
        return self.outcome

    def _watch(
        self, selector: selectors.BaseSelector, patience: float, *, untilAnswered: bool
    ) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not (untilAnswered and self.outcome.answers):
            for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                key.data(selector, key.fileobj)

    def _takeAnswer(self, selector: selectors.BaseSelector, sock: socket.socket) -> None:
        answer = Received(sock.recv(65536))
        if answer.status >= 200:
            self.outcome.answers.append((answer, sock.getsockname()[1]))

    def _takeForwarded(self, selector: selectors.BaseSelector, sock: socket.socket) -> None:
        self._keep(self.phone.takeDatagram())

    def _takeConnection(self, selector: selectors.BaseSelector, sock: socket.socket) -> None:
        selector.register(self.phone.accept(), selectors.EVENT_READ, self._takeStream)

    def _takeStream(self, selector: selectors.BaseSelector, sock: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            data = self.phone.takeStream(sock)
            if data:
                self._keep(data)
                return
        selector.unregister(sock)

    def _keep(self, data: bytes) -> None:
        if not data.startswith(b"ACK "):
            self.outcome.forwarded.append(data)

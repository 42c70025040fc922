"""A phone that is registered over a connection of its own: messages to and from bytes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from tests.support.siptext import Received, newBranch, response

_PONG = b"\r\n"


class Phone:
    """One connection, which does not block.

    @ivar user: who is registered with it. @ivar pongs: answers to keep-alives that have come.
    """

    __slots__ = ("_rest", "address", "pongs", "socket", "user")

    def __init__(self, user: str, connection: socket.socket) -> None:
        self.user = user
        self.socket = connection
        # Two small messages follow one another, and the second is not to wait for the first.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address: tuple[str, int] = connection.getsockname()
        self.pongs = 0
        self._rest = b""

    # What a call has to know of its end: see tests.support.dialog.

    def via(self, branch: str | None = None) -> str:
        host, port = self.address
        return f"SIP/2.0/TCP {host}:{port};branch={branch or newBranch()};rport"

    def contact(self, user: str) -> str:
        host, port = self.address
        return f"sip:{user}@{host}:{port};transport=tcp"

    def send(self, data: bytes) -> None:
        """
        @raise OSError: if not all of it goes out at once.
        """
        if self.socket.send(data) != len(data):
            raise BlockingIOError

    def reply(self, request: Received, status: int, reason: str) -> None:
        """Answer a request, as the callee of it."""
        contact = ("Contact", f"<{self.contact(self.user)}>")
        self.send(response(request, status, reason, toTag="callee", extra=[contact]))

    def received(self, data: bytes) -> Iterator[Received]:
        """
        @param data: what has come.
        @return: the messages that are complete with it.
        """
        data = self._rest + data
        while data:
            if data.startswith(_PONG):
                self.pongs += 1
                data = data[len(_PONG) :]
                continue
            head, end, body = data.partition(b"\r\n\r\n")
            if not end:
                break
            length = int(Received(head).get("content-length") or 0)
            if len(body) < length:
                break
            yield Received(head + end + body[:length])
            data = body[length:]
        self._rest = data

"""Phones that do nothing: a process that holds many registered connections and keeps them alive.

C{python -m bench.compare.phones SOURCE COUNT INTERVAL HOST PORT}, started by L{bench.compare.idle}.
It says on standard output how many are registered, and when its standard input is closed, what has
become of them; each as a line of JSON.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections.abc import Iterator

from tests.support.configuration import DOMAIN
from tests.support.siptext import request

#: Seconds that a server may take to accept and register one phone.
_PATIENCE = 10.0
_PING = b"\r\n\r\n"
_PONG = b"\r\n"
#: Linux's IP_BIND_ADDRESS_NO_PORT: the port is chosen when the peer is known, so that there are
#: enough of them.
_ADDRESS_ONLY = 24


class Phones:
    """Connections from one source address.

    @ivar pings: keep-alives sent (RFC 5626 §3.5.1).
    @ivar pongs: answers to them.
    @ivar closed: connections that the server has closed.
    """

    def __init__(self, source: str, server: tuple[str, int]) -> None:
        self._source = source
        self._server = server
        self._sockets: list[socket.socket] = []
        self.pings = self.pongs = self.closed = 0

    def connect(self, count: int) -> int:
        """Connect and register phones, one after the other, until one cannot.

        @return: how many could.
        """
        for number in range(count):
            try:
                self._sockets.append(self._registered(f"{self._source}-{number}"))
            except OSError:
                break
        return len(self._sockets)

    def _registered(self, user: str) -> socket.socket:
        """
        @raise OSError: if the server does not accept or register it.
        """
        phone = socket.socket()
        try:
            phone.settimeout(_PATIENCE)
            phone.setsockopt(socket.IPPROTO_IP, _ADDRESS_ONLY, 1)
            phone.bind((self._source, 0))
            phone.connect(self._server)
            host, port = phone.getsockname()
            phone.sendall(
                request(
                    "REGISTER",
                    f"sip:{DOMAIN}",
                    via=f"SIP/2.0/TCP {host}:{port};branch=z9hG4bK{port};rport",
                    fromValue=f"<sip:{user}@{DOMAIN}>;tag={port}",
                    toValue=f"<sip:{user}@{DOMAIN}>",
                    callID=f"{user}@idle",
                    cseq=1,
                    extra=[
                        ("Contact", f"<sip:{user}@{host}:{port};transport=tcp>"),
                        ("Expires", "3600"),
                    ],
                )
            )
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = phone.recv(4096)
                if not piece:
                    raise ConnectionError("closed")
                answer += piece
            if not answer.startswith(b"SIP/2.0 200"):
                raise ConnectionError(answer.partition(b"\r\n")[0])
            phone.setblocking(False)
        except OSError:
            phone.close()
            raise
        return phone

    def keepAlive(self, interval: float) -> None:
        """Send each phone's keep-alives, evenly spread, until standard input is closed."""
        poll = select.epoll()
        poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        phones = {phone.fileno(): phone for phone in self._sockets}
        for descriptor in phones:
            poll.register(descriptor, select.EPOLLIN)
        due = self._schedule(interval)
        upcoming = next(due, None)
        while True:
            wait = -1.0 if upcoming is None else max(0.0, upcoming[0] - time.monotonic())
            for descriptor, _ in poll.poll(wait):
                if descriptor == sys.stdin.fileno():
                    return
                self._read(poll, phones[descriptor])
            while upcoming is not None and upcoming[0] <= time.monotonic():
                self._ping(upcoming[1])
                upcoming = next(due)

    def _schedule(self, interval: float) -> Iterator[tuple[float, socket.socket]]:
        """
        @return: when which phone sends its next keep-alive, for ever.
        """
        due = time.monotonic()
        while self._sockets:
            for phone in self._sockets:
                due += interval / len(self._sockets)
                yield due, phone

    def _ping(self, phone: socket.socket) -> None:
        try:
            phone.send(_PING)
            self.pings += 1
        except OSError:
            pass  # it is counted when its end is read

    def _read(self, poll: select.epoll, phone: socket.socket) -> None:
        try:
            data = phone.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            poll.unregister(phone)
            self.closed += 1
        self.pongs += data.count(_PONG)


def _say(**facts: int) -> None:
    print(json.dumps(facts), flush=True)


def main(arguments: list[str]) -> None:
    source, count, interval, host, port = arguments
    phones = Phones(source, (host, int(port)))
    _say(registered=phones.connect(int(count)))
    phones.keepAlive(float(interval))
    _say(pings=phones.pings, pongs=phones.pongs, closed=phones.closed)


if __name__ == "__main__":
    main(sys.argv[1:])

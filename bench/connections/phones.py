"""A process of phones, started by L{bench.connections.run}: C{python -m bench.connections.phones
ORDER}.

C{ORDER} is an L{Order} as JSON. It says on standard output how many phones are registered, makes
calls once there is a line on standard input, and ends some time after that is closed: when there
are no more calls, and it has said what has become of them. All of that is lines of JSON.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import select
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

from bench.compare.phones import Phones
from bench.connections.calls import Calls
from bench.connections.phone import Phone

_PING = b"\r\n\r\n"
#: Seconds between two looks at calls that wait for too long.
_LOOK = 1.0
#: Seconds that the last answers to keep-alives may take.
_LAST = 2.0

Due = tuple[float, int, Callable[[], None]]
"""When something is to be done: time, a number that no other has, and what."""


@dataclass
class Order:
    """What a process is to do.

    @ivar source: the address that its connections come from, one of L{sources}.
    @ivar sources: those of all processes, with how many phones are to be there.
    @ivar interval: seconds between two keep-alives of a phone. @ivar rate: calls in a second.
    """

    source: str
    sources: dict[str, int]
    server: Sequence[object]
    interval: float
    rate: float


@dataclass
class Report:
    """What has become of it.

    @ivar pings: keep-alives sent (RFC 5626 §3.5.1). @ivar pongs: answers to them.
    @ivar closed: connections that the server has closed. The others are of L{Calls}.
    """

    pings: int = 0
    pongs: int = 0
    closed: int = 0
    made: int = 0
    failed: int = 0
    reasons: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


class Talkers(Phones):
    """Phones that keep their connections alive, call each other, and are called."""

    def __init__(self, order: Order) -> None:
        host, port = order.server
        super().__init__(order.source, (str(host), int(str(port))))
        self._order = order
        self._calls = Calls()
        self._phones: dict[int, Phone] = {}
        self._poll = select.epoll()
        self._number = 0
        self._isCalling = False
        self._end: float | None = None

    def connect(self, count: int) -> int:
        registered = super().connect(count)
        for number, sock in enumerate(self._sockets):
            self._phones[sock.fileno()] = Phone(f"{self._source}-{number}", sock)
            self._poll.register(sock, select.EPOLLIN)
        return registered

    def run(self) -> Report:
        """Do all that is ordered, until the end."""
        self._poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        due = heapq.merge(self._pings(), self._looks(), self._attempts())
        at, _, do = next(due)
        while not self._isOver():
            for descriptor, _ in self._poll.poll(max(0.0, at - time.monotonic())):
                if descriptor in self._phones:
                    self._hear(self._phones[descriptor])
                elif descriptor == sys.stdin.fileno():
                    self._told()
            while at <= time.monotonic():
                do()
                at, _, do = next(due)
        calls = self._calls
        pongs = sum(phone.pongs for phone in self._phones.values()) + self.pongs
        return Report(
            self.pings, pongs, self.closed, calls.made, calls.failed, calls.reasons, calls.waits
        )

    def _isOver(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end and not self._calls

    def _told(self) -> None:
        if os.read(sys.stdin.fileno(), 100):
            self._isCalling = True
        else:
            self._poll.unregister(sys.stdin.fileno())
            self._isCalling = False
            self._end = time.monotonic() + _LAST

    # What there is to do, and when.

    def _every(self, interval: float, do: Callable[[], None]) -> Iterator[Due]:
        at = time.monotonic()
        while True:
            at += interval
            self._number += 1
            yield at, self._number, do

    def _pings(self) -> Iterator[Due]:
        phones = self._round()
        if not self._phones:
            return iter(())
        return self._every(
            self._order.interval / len(self._phones), lambda: self._alive(next(phones))
        )

    def _looks(self) -> Iterator[Due]:
        return self._every(_LOOK, self._calls.giveUp)

    def _attempts(self) -> Iterator[Due]:
        return self._every(1 / self._order.rate, self._attempt)

    def _round(self) -> Iterator[Phone | None]:
        """All phones in turn, for ever; C{None} for one that has lost its connection."""
        descriptors = tuple(self._phones)
        while True:
            for descriptor in descriptors:
                yield self._phones.get(descriptor)

    def _alive(self, phone: Phone | None) -> None:
        if phone is not None and self._end is None:
            try:
                phone.send(_PING)
                self.pings += 1
            except OSError:
                pass  # it is counted when its end is read

    def _attempt(self) -> None:
        if not self._isCalling:
            return
        caller = random.choice(tuple(self._phones.values()))
        sources = self._order.sources
        (source,) = random.choices(tuple(sources), tuple(sources.values()))
        self._calls.begin(caller, f"{source}-{random.randrange(sources[source])}")

    # What comes.

    def _hear(self, phone: Phone) -> None:
        try:
            data = phone.socket.recv(65536)
            for message in phone.received(data):
                self._calls.received(phone, message)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._poll.unregister(phone.socket)
            self.closed += 1
            self.pongs += self._phones.pop(phone.socket.fileno()).pongs


def main(arguments: list[str]) -> None:
    order = Order(**json.loads(arguments[0]))
    talkers = Talkers(order)
    print(json.dumps({"registered": talkers.connect(order.sources[order.source])}), flush=True)
    print(json.dumps(asdict(talkers.run())), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

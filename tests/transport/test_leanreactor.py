"""L{sipapp.transport.leanreactor}: it calls those who wait for events, whatever they do."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from twisted.logger import LogEvent, eventAsText, globalLogPublisher

from sipapp.transport.leanreactor import LeanReactor


class Reader:
    """One end of a pair of sockets."""

    def __init__(self, end: socket.socket, read: Callable[[], object]) -> None:
        self.doRead = read
        self.fileno = end.fileno
        self.lost: list[object] = []

    def logPrefix(self) -> str:
        return "test"

    def connectionLost(self, reason: object) -> None:
        self.lost.append(reason)


Pairs = list[tuple[socket.socket, socket.socket]]


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    pairs = [socket.socketpair() for _ in range(2)]
    yield pairs
    for pair in pairs:
        for end in pair:
            end.close()


@pytest.fixture
def reactor(pairs: Pairs) -> Iterator[LeanReactor]:
    """It lets go of the sockets before they are closed."""
    reactor = LeanReactor()
    yield reactor
    reactor.removeAll()
    reactor._poller.close()


def test_read(reactor: LeanReactor, pairs: Pairs) -> None:
    """Nothing is called before there is something to read, and then only who waits for it."""
    calls: list[bytes] = []
    (near, far), (other, _) = pairs
    reactor.addReader(Reader(near, lambda: calls.append(near.recv(10))))
    reactor.addReader(Reader(other, lambda: calls.append(b"nobody has written this")))
    reactor.iterate(0)
    assert calls == []
    far.send(b"hello")
    reactor.iterate(1)
    assert calls == [b"hello"]


def test_waited(reactor: LeanReactor, pairs: Pairs) -> None:
    """It knows for how long it had nothing to do."""
    before = reactor.waited
    reactor.iterate(0.01)
    assert reactor.waited > before


def test_exception(reactor: LeanReactor, pairs: Pairs) -> None:
    """It is logged, and disconnects who has raised it and nobody else."""
    calls: list[bytes] = []
    (near, far), (other, otherFar) = pairs

    def fail() -> None:
        raise RuntimeError("a reader fails")

    failing = Reader(near, fail)
    reactor.addReader(failing)
    reactor.addReader(Reader(other, lambda: calls.append(other.recv(10))))
    far.send(b"x")
    otherFar.send(b"y")
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    reactor.iterate(1)
    globalLogPublisher.removeObserver(events.append)
    assert ["RuntimeError: a reader fails" in eventAsText(event) for event in events] == [True]
    assert len(failing.lost) == 1
    assert calls == [b"y"]
    assert failing not in reactor.getReaders()


def test_closedByAnother(reactor: LeanReactor, pairs: Pairs) -> None:
    """Of two that have something to read, the first takes the second out of the reactor."""
    calls: list[str] = []
    readers: list[Reader] = []

    def readerOf(index: int) -> Reader:
        def read() -> None:
            calls.append("read")
            reactor.removeReader(readers[1 - index])

        return Reader(pairs[index][0], read)

    readers.extend(map(readerOf, range(2)))
    for reader, (_, far) in zip(readers, pairs, strict=True):
        reactor.addReader(reader)
        far.send(b"x")
    reactor.iterate(1)
    assert calls == ["read"]

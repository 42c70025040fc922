"""L{sipapp.transport.bus}: frames between real inboxes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from sipapp.transport import outlet as outletModule
from sipapp.transport.bus import Bus, Deliver, Failed, FlowRecord, Frame, Send
from sipapp.transport.turns import Turns
from tests.transport.workers import until


class Mailbox:
    """Collects frames and tells when there are enough."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._waiting: list[tuple[int, Deferred[None]]] = []

    def received(self, frame: Frame) -> None:
        self.frames.append(frame)
        for count, waiting in self._waiting:
            if count == len(self.frames):
                waiting.callback(None)

    def have(self, count: int) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        if len(self.frames) >= count:
            done.callback(None)
        else:
            self._waiting.append((count, done))
        return done


Pair = tuple[Bus, Mailbox, Bus, Mailbox]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two workers, C{a} and C{b}; neither reads before it is started."""
    sockets, buses, boxes = [], [], []
    for code in "ab":
        inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        inbox.bind(str(tmp_path / code))
        sockets.append(inbox)
        boxes.append(Mailbox())
        buses.append(Bus(reactor, Turns(reactor), inbox, str(tmp_path), boxes[-1].received))
    yield buses[0], boxes[0], buses[1], boxes[1]
    for one in buses:
        one.stop()
    for inbox in sockets:
        inbox.close()


SOURCE = FlowRecord("TCP", "5c1", ("192.0.2.1", 5060), ("2001:db8::7", 4711), "w3", "1f.9")


@ensureDeferred
async def test_frames(pair: Pair) -> None:
    """Each kind of frame arrives as it was sent, whatever bytes and size, and in order."""
    a, _, b, box = pair
    b.start()
    frames: list[Frame] = [
        Deliver(bytes(range(256)) * 256, SOURCE),
        Send("1f.9", b"x" * 200_000, "a", "INVITE z9hG4bKx"),
        Failed("INVITE z9hG4bKx"),
    ]
    for frame in frames:
        assert a.send("b", frame)
    await box.have(3)
    assert box.frames == frames
    assert (a.hops, a.dropped) == (3, 0)


@ensureDeferred
async def test_bothWays(pair: Pair) -> None:
    """A worker that reads can answer."""
    a, boxA, b, boxB = pair
    a.start()
    b.start()
    a.send("b", Failed("question"))
    await boxB.have(1)
    b.send("a", Failed("answer"))
    await boxA.have(1)
    assert boxA.frames == [Failed("answer")]


@ensureDeferred
async def test_fullInbox(pair: Pair) -> None:
    """What does not fit in the kernel's queue waits for room and loses neither frame nor order."""
    a, _, b, box = pair
    for number in range(500):
        assert a.send("b", Failed(str(number)))
    assert a.waiting > 400
    b.start()
    await box.have(500)
    assert (a.hops, a.waiting, b.arrived, b.waiting) == (500, 0, 500, 0)
    assert [frame.reference for frame in box.frames if isinstance(frame, Failed)] == [
        str(number) for number in range(500)
    ]
    assert a.dropped == 0


@ensureDeferred
async def test_boundedQueue(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A destination that does not read costs a bounded amount of memory; the drops are counted."""
    monkeypatch.setattr(outletModule, "_QUEUED_FRAMES", 20)
    a, _, b, box = pair
    sent = sum(a.send("b", Failed(str(number))) for number in range(1000))
    assert 20 <= sent < 900
    assert a.dropped == 1000 - sent
    b.start()
    await box.have(sent)
    assert a.send("b", Failed("again"))
    await box.have(sent + 1)


def test_unknownWorker(pair: Pair) -> None:
    """A code that is not on this machine, or no longer, is no error."""
    a, *_ = pair
    assert not a.knows("zz")
    assert not a.send("zz", Failed("x"))
    assert a.dropped == 1


@ensureDeferred
async def test_inboxThatComesBack(tmp_path: Path) -> None:
    """An inbox that does not exist yet drops frames; once it does, the next one arrives."""

    def bound(code: str, received: Callable[[Frame], None]) -> tuple[Bus, socket.socket]:
        inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        inbox.bind(str(tmp_path / code))
        return Bus(reactor, Turns(reactor), inbox, str(tmp_path), received), inbox

    a, inboxA = bound("a", Mailbox().received)
    assert not a.send("b", Failed("lost"))
    box = Mailbox()
    b, inboxB = bound("b", box.received)
    b.start()
    assert a.send("b", Failed("found"))
    await box.have(1)
    for one in (a, b):
        one.stop()
    inboxA.close()
    inboxB.close()
    assert not a.send("b", Failed("lost again"))
    a.stop()


@ensureDeferred
async def test_nonsense(pair: Pair, tmp_path: Path) -> None:
    """Bytes that are no frame are counted and do not stop the reading."""
    a, _, b, box = pair
    b.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"\xc1garbage", str(tmp_path / "b"))
        stranger.sendto(b"", str(tmp_path / "b"))
    a.send("b", Failed("sense"))
    await box.have(1)
    assert b.malformed == 2


@ensureDeferred
async def test_inboxThatDisappears(tmp_path: Path) -> None:
    """Frames that wait for an inbox are dropped when it goes, and counted."""
    inbox, own = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    inbox.bind(str(tmp_path / "b"))
    a = Bus(reactor, Turns(reactor), own, str(tmp_path), Mailbox().received)
    sent = sum(a.send("b", Failed(str(number))) for number in range(100))
    assert sent == 100
    inbox.close()
    await until(lambda: a.dropped)
    assert 0 < a.dropped <= 100
    assert not a.send("b", Failed("nobody"))
    a.stop()
    own.close()

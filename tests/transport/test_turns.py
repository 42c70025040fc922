"""L{sipapp.transport.turns}: what is done once for all that a worker does in one go."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from sipapp.sip import about
from sipapp.transaction import TransactionLayer
from sipapp.transport.turns import Turns
from sipapp.transport.vias import addVia
from tests.transport.workers import LOOPBACK, Outcome, Site, TakeAll, hop, made, request, until


class Notes:
    """Counts."""

    def __init__(self) -> None:
        self.ended = 0

    def note(self, data: bytes) -> None:
        pass

    def done(self) -> None:
        self.ended += 1


def test_oneTime() -> None:
    """The clock is read once; what is part of a turn does not end it."""
    clock = Clock()
    turns = Turns(clock)
    turns.notes = notes = Notes()
    calls: list[str] = []
    assert turns.begin() == 0
    clock.rightNow = 7.0
    turns.atEnd(lambda: calls.append("first"))
    assert turns.begin() == 0 == turns.clock()
    turns.atEnd(lambda: calls.append("second"))
    turns.end()
    assert (calls, notes.ended) == ([], 0)
    turns.end()
    assert (calls, notes.ended) == (["first", "second"], 1)
    assert turns.begin() == 7
    turns.end()
    assert calls == ["first", "second"]
    assert not clock.getDelayedCalls()


@pytest.mark.parametrize("inTurn", [True, False])
def test_clockThatIsSetBack(inTurn: bool) -> None:
    """What waits is not late by that, nor is what is begun after it."""
    clock = Clock()
    clock.rightNow = 7200.0
    turns = Turns(clock)
    turns.begin()
    turns.end()
    layer = turns.layer = TransactionLayer(TakeAll(), clock=turns.clock)
    fired: list[str] = []

    class Owner:
        def timerFired(self, name: str, now: float) -> None:
            fired.append(name)

    turns.begin()
    layer.timers.start(turns.now, 1.0, Owner(), "before")
    turns.end()
    clock.rightNow = 3600.0
    if inTurn:
        turns.begin()
    layer.timers.start(turns.clock(), 1.0, Owner(), "after")
    if inTurn:
        turns.end()
    clock.advance(0)
    clock.advance(1.1)
    assert fired == ["before", "after"]
    assert layer.now == clock.seconds()
    turns.stop()


def test_clockThatIsSetBackWithoutALayer() -> None:
    clock = Clock()
    clock.rightNow = 7.0
    turns = Turns(clock)
    for time in (7.0, 6.0):
        clock.rightNow = time
        assert turns.begin() == time
        turns.end()


def test_endingOfAnEnding() -> None:
    """What is registered at the end of a turn belongs to it; an exception stops nobody else."""
    turns = Turns(Clock())
    calls: list[str] = []
    events: list[LogEvent] = []

    def fail() -> None:
        turns.atEnd(lambda: calls.append("third"))
        raise RuntimeError("an ending fails")

    turns.begin()
    turns.atEnd(fail)
    turns.atEnd(lambda: calls.append("second"))
    globalLogPublisher.addObserver(events.append)
    turns.end()
    globalLogPublisher.removeObserver(events.append)
    assert calls == ["second", "third"]
    assert "end of a turn" in (formatEvent(events[0]) or "")


def test_outsideOfATurn() -> None:
    """All that is registered outside of a turn waits for one, which comes at once; the time is
    then read whenever somebody wants to know it."""
    clock = Clock()
    turns = Turns(clock)
    calls: list[float] = []
    clock.advance(3)
    assert turns.clock() == 3
    for _ in range(2):
        turns.atEnd(lambda: calls.append(turns.now))
    assert calls == []
    assert len(clock.getDelayedCalls()) == 1
    clock.advance(0)
    assert calls == [3, 3]
    assert not clock.getDelayedCalls()


def test_stopped() -> None:
    """A stop does what waits, and lets go of the timer; later nobody waits."""
    clock = Clock()
    turns = Turns(clock)
    calls: list[int] = []
    turns.atEnd(lambda: calls.append(1))
    turns.stop()
    turns.atEnd(lambda: calls.append(2))
    turns.clock()
    assert calls == [1, 2]
    assert not clock.getDelayedCalls()


def test_timers() -> None:
    """There is one reactor timer for all of the layer's, a little after the earliest of them, so
    that it fires what is due at nearly the same time; to fire them is a turn too."""
    clock = Clock()
    turns = Turns(clock)
    layer = turns.layer = TransactionLayer(TakeAll(), clock=turns.clock)
    fired: list[tuple[str, float]] = []

    class Owner:
        def timerFired(self, name: str, now: float) -> None:
            fired.append((name, now))
            turns.atEnd(lambda: fired.append((f"after {name}", turns.now)))
            if name == "B":
                raise RuntimeError("this owner fails")

    owner = Owner()
    turns.begin()
    layer.timers.start(0, 5, owner, "A")
    turns.end()
    turns.begin()
    layer.timers.start(0, 2, owner, "B")
    layer.timers.start(0, 9, owner, "C").cancel()
    layer.timers.start(0, 5.005, owner, "D")
    turns.end()
    (call,) = clock.getDelayedCalls()
    assert call.getTime() == 2.01
    clock.pump([2, 0.01, 2.99, 0.01])
    assert fired == [
        *(("B", 2.01), ("after B", 2.01)),
        *(("A", 5.01), ("D", 5.01), ("after A", 5.01), ("after D", 5.01)),
    ]
    assert not clock.getDelayedCalls()


@pytest.mark.parametrize("how", ["timer", "transport", "sender"])
@ensureDeferred
async def test_whatFails(site: Site, how: str) -> None:
    """Whoever fails when a timer fires, or when a request cannot be sent: the log says with what
    message."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    turns = worker.driver.turns
    events: list[LogEvent] = []

    class User(Outcome):
        def timedOut(self, transaction: object, now: float) -> None:
            self.failed(408, "no response")

        def transportFailed(self, transaction: object, now: float) -> None:
            self.failed(503, "no way there")

        def failed(self, status: int, detail: str) -> None:
            raise RuntimeError("this user fails")

    sent = made("OPTIONS", f"sip:{LOOPBACK}:{site.udpPeer().port}")
    known = about(sent)
    globalLogPublisher.addObserver(events.append)
    try:
        if how == "sender":
            worker.sender.request(sent, hop("sip:192.0.2.1;transport=sctp"), User())
        else:
            flow = worker.driver.flows.straight(sent.uri, 0)
            addVia(sent, flow, "z9hG4bKown")
            key = worker.driver.layer.request(sent, flow, User()).key
            if how == "transport":
                worker.driver.neighbours.transportFailed(key)
        await until(lambda: any("log_failure" in each for each in events))
    finally:
        globalLogPublisher.removeObserver(events.append)
    [event] = [each for each in events if "log_failure" in each]
    assert event["about"] == known
    assert known["method"] == "OPTIONS"
    assert turns.about() == {}


@ensureDeferred
async def test_oneReading(site: Site) -> None:
    """All datagrams that wait are one turn; so are the frames on the bus, and the messages that
    one segment of a connection brings."""
    udp, tcp = site.bind("UDP"), site.bind("TCP")
    driver = site.worker("w1", [0, 1]).driver
    ends: list[int] = []
    seen: list[str] = []

    class User(TakeAll):
        def requestReceived(self, transaction: object, now: float) -> None:
            super().requestReceived(transaction, now)  # type: ignore[arg-type]
            seen.append("request")
            driver.turns.atEnd(lambda: ends.append(len(seen)))

    user = driver.layer.user = User()
    port = driver.flows.ports[0]
    port.stop()
    phone = site.udpPeer()
    for number in range(5):
        phone.send(request("OPTIONS", branch=f"z9hG4bK{number}"), udp)
    port.start()
    for _ in range(4):
        await user.requests.get()
    flow = (await user.requests.get()).request.flow
    await until(lambda: ends)
    assert ends == [5, 5, 5, 5, 5]
    caller = await site.tcpPeer(tcp)
    caller.send(b"".join(request("OPTIONS", via="TCP a", branch=f"z9hG4bKt{n}") for n in range(3)))
    for _ in range(3):
        await user.requests.get()
    await until(lambda: ends[5:])
    assert ends[5:] == [8, 8, 8]
    other = site.worker("w0", []).driver
    driver.bus._reactor.removeReader(driver.bus._inbox)
    for number in range(4):
        data = request("OPTIONS", branch=f"z9hG4bKb{number}")
        assert other.neighbours.deliver("w1", data, flow)
    driver.bus.readAll()
    assert ends[8:] == [12, 12, 12, 12]

"""C{worker.trace}: what comes of what the workers have seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from sipapp.admin.methods.trace import Traces
from sipapp.orders import TraceOrder
from sipapp.rpc import Conflict, InvalidParameters, Unavailable
from sipapp.tracing import Sighting, Traced, Tracer
from tests.admin.methods.hands import Hands
from tests.admin.methods.outcomes import outcome

LOCAL, REMOTE = ("192.0.2.254", 5060), ("192.0.2.1", 5060)
MESSAGE = b"OPTIONS sip:example.com SIP/2.0\r\nCall-ID: one\r\nCSeq: 1 OPTIONS\r\n\r\n"


class Workers(Hands):
    """Those that trace.

    @ivar taps: who sees their messages, by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.taps: dict[str, Any] = {}
        self._endings: list[Callable[[], object]] = []
        for name in ("udp-0/0", "udp-0/1"):
            self._addTracer(name)
        self.traces = Traces(self.workforce, self.clock)

    def _addTracer(self, name: str) -> None:
        def tap(tracer: Tracer | None) -> None:
            self.taps[name] = tracer

        def tell(subject: str, body: bytes) -> Deferred[None]:
            self.workforce.told(name, subject, body)
            return succeed(None)

        tracer = Tracer(name, tap, tell, self._endings.append, self.clock.seconds)
        answers = self.hands[name].answers
        answers.add("trace.start", tracer.start)
        answers.add("trace.stop", tracer.stop)

    def see(self, worker: str, message: bytes = MESSAGE) -> None:
        """One turn."""
        if self.taps[worker] is not None:
            self.taps[worker].seen(message, False, "UDP", LOCAL, REMOTE)
        endings, self._endings[:] = self._endings[:], []
        for ending in endings:
            ending()

    @property
    def tapped(self) -> list[str]:
        return [name for name, tap in self.taps.items() if tap is not None]


class Listener:
    """Who watches."""

    def __init__(self) -> None:
        self.isFull = False
        self.sent: list[Traced] = []
        self.closed: Deferred[None] = Deferred()

    def send(self, parameters: Any) -> None:
        self.sent.append(msgspec.convert(msgspec.to_builtins(parameters), Traced))

    def whenClosed(self) -> Deferred[None]:
        return self.closed


@pytest.fixture
def workers() -> Workers:
    return Workers()


def run(coroutine: Any) -> Deferred[Any]:
    return Deferred.fromCoroutine(coroutine)


def names(sightings: tuple[Sighting, ...]) -> list[str]:
    return [each.worker for each in sightings]


def test_collected(workers: Workers) -> None:
    collecting = run(workers.traces.collect("", 10.0))
    assert workers.tapped == ["udp-0/0", "udp-0/1"]
    workers.clock.advance(1)
    workers.see("udp-0/1")
    workers.clock.advance(1)
    workers.see("udp-0/0")
    assert not collecting.called
    workers.clock.advance(8)
    traced = outcome(collecting)
    assert names(traced.sightings) == ["udp-0/1", "udp-0/0"]
    assert (traced.leftOut, traced.isOver) == (0, True)
    assert traced.sightings[0].message == MESSAGE
    assert workers.tapped == []
    assert workers.clock.getDelayedCalls() == []


def test_enough(workers: Workers) -> None:
    """It ends when there is no room for more."""
    collecting = run(workers.traces.collect("", 60.0))
    for _ in range(3):
        for _ in range(190):
            workers.see("udp-0/0")
            workers.see("udp-0/1")
        workers.clock.advance(1)
    traced = outcome(collecting)
    assert len(traced.sightings) == 1000
    assert traced.leftOut > 0
    assert workers.tapped == []


def test_tooLong(workers: Workers) -> None:
    with pytest.raises(InvalidParameters):
        outcome(run(workers.traces.collect("", 61.0)))
    assert workers.tapped == []


def test_watched(workers: Workers) -> None:
    listener = Listener()
    assert outcome(run(workers.traces.watch("one", 600.0, listener))) == Traced()
    workers.see("udp-0/0")
    workers.see("udp-0/1", MESSAGE.replace(b"one", b"two"))
    workers.see("udp-0/1")
    assert [names(each.sightings) for each in listener.sent] == [["udp-0/0"], ["udp-0/1"]]
    listener.closed.callback(None)
    assert workers.tapped == []
    assert workers.clock.getDelayedCalls() == []
    assert listener.sent[-1] == Traced(isOver=True)


def test_whatIsSeenWhileOneIsStillToAnswer(workers: Workers) -> None:
    """The others do not wait for it."""
    listener = Listener()
    busy: Deferred[None] = Deferred()
    workers.hands["udp-0/1"].busy = busy
    watching = run(workers.traces.watch("", 600.0, listener))
    workers.see("udp-0/0")
    busy.callback(None)
    assert outcome(watching) == Traced()
    assert [names(each.sightings) for each in listener.sent] == [["udp-0/0"]]


def test_givenUp(workers: Workers) -> None:
    """What has been seen is there, nothing is left of it, and nobody complains."""
    with capturedLogs() as logged:
        collecting = run(workers.traces.collect("", 10.0))
        workers.see("udp-0/1")
        collecting.cancel()
        assert names(outcome(collecting).sightings) == ["udp-0/1"]
    assert (workers.tapped, workers.traces.orders) == ([], ())
    assert workers.clock.getDelayedCalls() == []
    assert logged == []


def test_watchedToTheEnd(workers: Workers) -> None:
    listener = Listener()
    outcome(run(workers.traces.watch("", 600.0, listener)))
    workers.clock.advance(600)
    assert listener.sent == [Traced(isOver=True)]
    assert workers.tapped == []
    listener.closed.callback(None)


def test_whoReadsTooSlowly(workers: Workers) -> None:
    listener = Listener()
    outcome(run(workers.traces.watch("", 600.0, listener)))
    listener.isFull = True
    workers.see("udp-0/0")
    workers.see("udp-0/0")
    assert listener.sent == []
    listener.isFull = False
    workers.see("udp-0/1")
    assert [(len(each.sightings), each.leftOut) for each in listener.sent] == [(1, 2)]


def test_aWorkerIsReplaced(workers: Workers) -> None:
    """What its successor is told, and what both have left out."""
    listener = Listener()
    outcome(run(workers.traces.watch("one", 600.0, listener)))
    workers.clock.advance(100)
    [order] = workers.traces.orders
    assert (order.subject, order.seconds) == ("one", 500.0)
    for count in (250, 260):
        for _ in range(count):
            workers.see("udp-0/0")
        workers.clock.advance(1)
        workers.see("udp-0/0")
        workers.hands["udp-0/0"].answers.__init__()  # type: ignore[misc]  # the next process
        workers._addTracer("udp-0/0")
        outcome(workers.workforce.ask("udp-0/0", "trace.start", **msgspec.to_builtins(order)))
    workers.see("udp-0/0")
    assert listener.sent[-1].leftOut == 50 + 60
    assert isinstance(order, TraceOrder)


def test_aWorkerThatDoesNotAnswer(workers: Workers) -> None:
    workers.hands["udp-0/0"].refusal = "has gone"
    collecting = run(workers.traces.collect("", 10.0))
    workers.see("udp-0/1")
    workers.clock.advance(10)
    assert names(outcome(collecting).sightings) == ["udp-0/1"]


def test_noneAnswers(workers: Workers) -> None:
    for each in workers.hands.values():
        each.refusal = "has gone"
    with pytest.raises(Unavailable, match="udp-0/0 has gone"):
        outcome(run(workers.traces.collect("", 10.0)))
    assert workers.traces.orders == ()


def test_tooMany(workers: Workers) -> None:
    for _ in range(8):
        outcome(run(workers.traces.watch("", 600.0, Listener())))
    with pytest.raises(Conflict):
        outcome(run(workers.traces.watch("", 600.0, Listener())))
    assert len(workers.traces.orders) == 8


def test_reportsOfOthers(workers: Workers) -> None:
    """Of a trace that is over, or of an earlier image of this program."""
    workers.workforce.told("udp-0/0", "trace", b'[{"trace": 7, "left_out": 3}]')

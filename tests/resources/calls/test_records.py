"""Tests of L{sipapp.resources.calls.records}, on a virtual clock, with threads that end when the
test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher
from zope.interface import implementer

from sipapp.interfaces import ICallRecords
from sipapp.resources.calls import CallRecord, CallRecords


def record(number: int) -> CallRecord:
    return CallRecord(callID=str(number), tags=("", ""))


@implementer(ICallRecords)
class Provider:
    """Keeps what it is given.

    @ivar broken: whether it can keep nothing now.
    @ivar staysBroken: whether it cannot even stop.
    """

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.broken = False
        self.staysBroken = False
        self.life: list[str] = []

    def start(self) -> None:
        self.life.append("started")

    def write(self, records: Sequence[CallRecord]) -> None:
        if self.broken:
            raise OSError("no room")
        self.kept += [each.callID for each in records]

    def stop(self) -> None:
        if self.staysBroken:
            raise OSError("no such disk any more")
        self.life.append("stopped")


class Stage:
    """Call records with one provider."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.provider = Provider()
        self.records = CallRecords({"kept": self.provider}, self.clock, self._inThread)
        self._threads: list[tuple[Deferred[Any], Callable[[], Any]]] = []

    def _inThread(self, call: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self._threads.append((done, lambda: call(*arguments)))
        return done

    def note(self, *numbers: int) -> None:
        for number in numbers:
            self.records.note(record(number))

    def endThread(self, number: int = 0) -> None:
        done, call = self._threads.pop(number)
        try:
            result = call()
        except OSError as error:
            done.errback(error)
        else:
            done.callback(result)

    def second(self) -> None:
        """A second passes, and what is written is written."""
        self.clock.advance(1)
        while self._threads:
            self.endThread()

    @property
    def isWriting(self) -> bool:
        return bool(self._threads)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def logged() -> Iterator[list[LogEvent]]:
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


def test_together(stage: Stage) -> None:
    stage.note(1, 2)
    assert not stage.isWriting
    stage.second()
    assert stage.provider.kept == ["1", "2"]
    assert stage.clock.getDelayedCalls() == []


def test_oneAfterTheOther(stage: Stage) -> None:
    """A batch waits until the provider has written the one before."""
    stage.note(1)
    stage.clock.advance(1)
    stage.note(2)
    stage.clock.advance(1)
    stage.endThread()
    assert stage.provider.kept == ["1"]
    stage.second()
    assert stage.provider.kept == ["1", "2"]
    assert stage.clock.getDelayedCalls() == []


def test_aSlowFailure(stage: Stage) -> None:
    """A provider that takes long to fail is not asked once more for each second of that: whoever
    leaves waits for the end of one time, and tries once again."""
    stage.provider.broken = True
    for number in range(20):
        stage.note(number)
        stage.clock.advance(1)
    stopping = Deferred.fromCoroutine(stage.records.stop())
    stage.endThread()
    assert not stopping.called
    stage.endThread()
    assert stopping.called
    assert not stage.isWriting


def test_tooSlow(stage: Stage, logged: list[LogEvent]) -> None:
    """What a provider that never fails has no time for is said as well."""
    stage.note(0)
    stage.clock.advance(1)
    stage.note(*range(1, 10_004))
    stage.endThread()
    stage.second()
    assert len(stage.provider.kept) == 10_001
    assert stage.records.counts == {("kept", "kept"): 10_001, ("kept", "lost"): 3}
    too, again = logged
    assert "too slow" in too["log_format"]
    assert again["lost"] == 3


def test_again(stage: Stage, logged: list[LogEvent]) -> None:
    """What could not be kept is kept later, in its order, and that is said once."""
    stage.provider.broken = True
    stage.note(1)
    for _ in range(5):
        stage.second()
    stage.note(2)
    stage.second()
    stage.provider.broken = False
    stage.second()
    assert stage.provider.kept == ["1", "2"]
    formats = [event["log_format"] for event in logged]
    assert [" ".join(text.split()[1:5]) for text in formats] == [
        "keeps no call records",
        "keeps call records again;",
    ]


def test_tooMany(stage: Stage, logged: list[LogEvent]) -> None:
    stage.provider.broken = True
    stage.note(0)
    stage.clock.advance(1)
    stage.note(*range(1, 10_002))
    stage.endThread()
    stage.provider.broken = False
    stage.second()
    assert stage.provider.kept == [str(number) for number in range(10_000)]
    assert logged[-1]["lost"] == 2


def test_stop(stage: Stage) -> None:
    """What waits is written, after what is being written, and then the provider may go."""
    starting = Deferred.fromCoroutine(stage.records.start())
    assert starting.called
    stage.note(1)
    stage.clock.advance(1)
    stage.note(2)
    stopping = Deferred.fromCoroutine(stage.records.stop())
    stage.endThread()
    assert not stopping.called
    stage.endThread()
    assert stopping.called
    assert stage.provider.kept == ["1", "2"]
    assert stage.provider.life == ["started", "stopped"]
    assert stage.clock.getDelayedCalls() == []


def test_stopWithoutCalls(stage: Stage) -> None:
    stopping = Deferred.fromCoroutine(stage.records.stop())
    assert stopping.called
    assert not stage.isWriting
    assert stage.provider.life == ["stopped"]


def test_stopWithoutRoom(stage: Stage, logged: list[LogEvent]) -> None:
    stage.provider.broken = True
    stage.note(1)
    stopping = Deferred.fromCoroutine(stage.records.stop())
    stage.endThread()
    assert stopping.called
    assert (logged[-1]["provider"], logged[-1]["lost"]) == (stage.provider, 1)
    assert stage.provider.life == ["stopped"]
    assert stage.clock.getDelayedCalls() == []


def test_severalProviders() -> None:
    stage = Stage()
    others = [Provider(), Provider()]
    others[0].broken = True
    records = CallRecords(dict(zip("ab", others, strict=True)), stage.clock, stage._inThread)
    records.note(record(1))
    stage.second()
    assert [other.kept for other in others] == [[], ["1"]]
    assert records.counts == {("b", "kept"): 1}
    others[0].staysBroken = True
    records.note(record(2))
    stopping = Deferred.fromCoroutine(records.stop())
    while stage.isWriting:
        stage.endThread()
    assert stopping.called
    # One that fails to its end takes nothing from the others.
    assert others[1].kept == ["1", "2"]
    assert others[1].life == ["stopped"]
    assert records.counts == {("a", "lost"): 2, ("b", "kept"): 2}


def test_oneThatHangs() -> None:
    """The others do not wait for it at the end."""
    stage = Stage()
    others = {"hanging": Provider(), "well": Provider()}
    records = CallRecords(others, stage.clock, stage._inThread)
    records.note(record(1))
    stopping = Deferred.fromCoroutine(records.stop())
    stage.endThread(1)
    assert others["well"].life == ["stopped"]
    assert not stopping.called
    stage.endThread()
    assert stopping.called

"""Traces: messages as all workers see them, for one who wants to know. The method is
C{worker.trace}."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from sipapp.admin.methods.workforce import Workforce
from sipapp.orders import TraceOrder
from sipapp.rpc import Conflict, Fault, InvalidParameters, Stream, Unavailable
from sipapp.tracing import Report, Sighting, Traced

__all__ = ["Seconds", "SubjectText", "Traces"]

_log = Logger()

#: How many may trace at once: each costs every worker something.
_TRACES = 8
#: Seconds that a trace may last whose messages are collected, and one that is watched.
_LONGEST = 60.0
_LONGEST_LIVE = 86_400.0
#: What is collected at most: messages and their bytes.
_MESSAGES = 1000
_BYTES = 8 << 20

SubjectText = Annotated[str, Meta(max_length=256)]
Seconds = Annotated[float, Meta(gt=0, le=_LONGEST_LIVE)]


class _Trace:
    """One that is under way.

    @ivar end: when it is over, by the clock of the reactor.
    """

    def __init__(
        self, subject: str, end: float, deliver: Callable[[tuple[Sighting, ...], int], int]
    ) -> None:
        """
        @param deliver: takes what was seen, and how much was left out before; returns how much of
            it there was no room for.
        """
        self.subject = subject
        self.end = end
        self._deliver = deliver
        self._leftOut: dict[str, int] = {}
        self._notDelivered = 0

    @property
    def leftOut(self) -> int:
        """How many messages were not shown."""
        return sum(self._leftOut.values()) + self._notDelivered

    def take(self, worker: str, report: Report) -> None:
        """Take what a worker has seen. The next one in its slot counts from 0 again."""
        before = self._leftOut.get(worker, 0)
        if report.leftOut < before:
            self._notDelivered += before
        self._leftOut[worker] = report.leftOut
        if report.sightings:
            self._notDelivered += self._deliver(report.sightings, self.leftOut)


class Traces:
    """All that are under way."""

    def __init__(self, workforce: Workforce, reactor: Any) -> None:
        """
        @param reactor: provides C{IReactorTime}.
        """
        self._workforce = workforce
        self._reactor = reactor
        self._traces: dict[int, _Trace] = {}
        workforce.listeners["trace"] = self._told

    @property
    def orders(self) -> tuple[TraceOrder, ...]:
        """What a worker has to know that begins now."""
        now = self._reactor.seconds()
        return tuple(
            TraceOrder(number, trace.subject, trace.end - now)
            for number, trace in self._traces.items()
            if trace.end > now
        )

    async def collect(self, subject: str, seconds: float) -> Traced:
        """Wait, and return what has been seen meanwhile.

        @raise Fault: if it cannot be.
        """
        if seconds > _LONGEST:
            raise InvalidParameters(f"seconds: at most {_LONGEST:g} unless live")
        seen: list[Sighting] = []
        full: Deferred[None] = Deferred()

        size = 0
        isFull = False

        def keep(sightings: tuple[Sighting, ...], leftOut: int) -> int:
            nonlocal size, isFull
            for index, each in enumerate(sightings):
                size += len(each.message)
                if len(seen) >= _MESSAGES or size > _BYTES:
                    if not isFull:
                        isFull = True
                        # When these have been counted.
                        self._reactor.callLater(0, full.callback, None)
                    return len(sightings) - index
                seen.append(each)
            return 0

        number, trace = await self._begin(subject, seconds, keep)
        await self._orUntil(full, trace.end)
        await self._end(number, trace)
        seen.sort(key=lambda each: each.time)
        return Traced(tuple(seen), trace.leftOut, isOver=True)

    async def watch(self, subject: str, seconds: float, stream: Stream) -> Traced:
        """Send what is seen as a L{Traced}, again and again, for as long as somebody listens.

        @return: the first, with nothing in it.
        @raise Fault: if it cannot be.
        """

        def send(sightings: tuple[Sighting, ...], leftOut: int) -> int:
            if stream.isFull:
                return len(sightings)
            stream.send(Traced(sightings, leftOut))
            return 0

        number, trace = await self._begin(subject, seconds, send)

        async def finish() -> None:
            await self._orUntil(stream.whenClosed(), trace.end)
            await self._end(number, trace)
            stream.send(Traced(leftOut=trace.leftOut, isOver=True))

        finishing = Deferred.fromCoroutine(finish())
        finishing.addErrback(lambda failure: _log.failure("A trace was not ended", failure))
        return Traced()

    async def _begin(
        self, subject: str, seconds: float, deliver: Callable[[tuple[Sighting, ...], int], int]
    ) -> tuple[int, _Trace]:
        if len(self._traces) >= _TRACES:
            raise Conflict(f"there are {_TRACES} traces already")
        # A worker may still have one of a parent that was another program.
        number = secrets.randbits(48)
        trace = _Trace(subject, self._reactor.seconds() + seconds, deliver)
        self._traces[number] = trace
        answers = await self._workforce.askAll(
            "trace.start", kind="sip", trace=number, subject=subject, seconds=seconds
        )
        if answers and all(isinstance(answer, Fault) for answer in answers.values()):
            del self._traces[number]
            raise Unavailable(f"no worker has answered: {next(iter(answers.values()))}")
        return number, trace

    async def _orUntil(self, happened: Deferred[None], end: float) -> None:
        """Wait for something, or until a time has come."""
        over: Deferred[None] = Deferred()
        timer = self._reactor.callLater(
            max(0.0, end - self._reactor.seconds()), over.callback, None
        )
        # Whoever gives it up gets what there is.
        await DeferredList([happened, over], fireOnOneCallback=True, consumeErrors=True)
        if timer.active():
            timer.cancel()

    async def _end(self, number: int, trace: _Trace) -> None:
        answers = await self._workforce.askAll("trace.stop", kind="sip", trace=number)
        del self._traces[number]
        for worker, answer in answers.items():
            if not isinstance(answer, Fault):
                trace.take(worker, msgspec.convert(answer, Report))

    def _told(self, worker: str, reports: Any) -> None:
        for report in msgspec.convert(reports, list[Report]):
            trace = self._traces.get(report.trace)
            if trace is not None:
                trace.take(worker, report)

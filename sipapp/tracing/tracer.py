"""Who looks at the messages of a worker for those who trace, while there is one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from sipapp.sip import Request, Response, SIPError
from sipapp.tracing.masking import masked
from sipapp.tracing.sighting import HostPort, Report, Sighting
from sipapp.tracing.subject import Subject, read

__all__ = ["Tell", "Tracer"]

#: What a worker shows of one trace in a second; more would keep it from its work.
_MESSAGES = 200
_BYTES = 1 << 20
#: Messages that wait for the parent to take those before them.
_WAITING = 400


class _Telling(Protocol):
    def addBoth(self, callback: Callable[[Any], object], /) -> object: ...


Tell = Callable[[str, bytes], _Telling]
"""Tells the parent something: the subject, and JSON. What it returns says when that was heard."""


class _Trace:
    """One that is under way.

    @ivar unreported: what has been seen since the last report.
    @ivar leftOut: how many messages were not shown, all in all.
    """

    def __init__(self, subject: Subject, end: float) -> None:
        self.subject = subject
        self.end = end
        self.unreported: list[Sighting] = []
        self.leftOut = 0
        self._second = 0
        self._messages = 0
        self._bytes = 0

    def admits(self, size: int, now: float) -> bool:
        """Count a message, and tell whether there is room for it in this second."""
        if int(now) != self._second:
            self._second = int(now)
            self._messages = self._bytes = 0
        self._messages += 1
        self._bytes += size
        isTooMuch = self._messages > _MESSAGES or self._bytes > _BYTES
        if isTooMuch or len(self.unreported) >= _WAITING:
            self.leftOut += 1
            return False
        return True

    def report(self, number: int) -> Report:
        """
        @return: what has not been reported yet.
        """
        seen, self.unreported = tuple(self.unreported), []
        return Report(number, seen, self.leftOut)


class Tracer:
    """The traces of one worker. It looks at messages only while there are any."""

    def __init__(
        self,
        worker: str,
        tap: Callable[[Tracer | None], None],
        tell: Tell,
        atEnd: Callable[[Callable[[], object]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        @param worker: its name, for what it has seen.
        @param tap: called with who wants to see each message, C{None} if nobody does any more.
        @param tell: takes L{Report}s, a list of them, for the subject C{trace}.
        @param atEnd: has something called at the end of the worker's turn.
        @param clock: the time, in seconds since the epoch.
        """
        self._worker = worker
        self._tap = tap
        self._tell = tell
        self._atEnd = atEnd
        self._clock = clock
        self._traces: dict[int, _Trace] = {}
        self._isDue = False
        self._isTelling = False

    def start(self, trace: int, subject: str, seconds: float) -> None:
        """Follow somebody. Harmless if that is so already.

        @param trace: the number that reports carry.
        @param subject: as for L{Subject}.
        @param seconds: after which it ends, whether or not it has been stopped.
        """
        if trace not in self._traces:
            self._traces[trace] = _Trace(Subject(subject), self._clock() + seconds)
            self._tap(self)

    def stop(self, trace: int) -> Report:
        """
        @return: what has not been reported yet.
        """
        ended = self._traces.pop(trace, None)
        if not self._traces:
            self._tap(None)
        return Report(trace) if ended is None else ended.report(trace)

    def seen(
        self, data: bytes, isSent: bool, transport: str, local: HostPort, remote: HostPort
    ) -> None:
        """A message has been read, or is written.

        @param isSent: whether it is one of ours. @param transport: C{UDP}, C{TCP} or C{TLS}.
        @param local: our numeric address. @param remote: the peer's.
        """
        now = self._clock()
        message = read(data)
        sighting: Sighting | None = None
        for trace in self._traces.values():
            if now >= trace.end:
                self._comeBack()
            elif trace.subject.isIn(message, remote) and trace.admits(len(data), now):
                if sighting is None:
                    direction: Any = "sent" if isSent else "received"
                    sighting = Sighting(
                        now,
                        self._worker,
                        direction,
                        transport,
                        local,
                        remote,
                        *_named(message),
                        masked(data),
                    )
                trace.unreported.append(sighting)
                self._comeBack()

    def _comeBack(self) -> None:
        if not self._isDue:
            self._isDue = True
            self._atEnd(self._turnEnds)

    def _turnEnds(self) -> None:
        self._isDue = False
        now = self._clock()
        for number in [each for each, trace in self._traces.items() if now >= trace.end]:
            # Whoever has begun it would have stopped it: the parent is another one now.
            self.stop(number)
        self._report()

    def _report(self) -> None:
        """Tell what has been seen, unless the parent still takes what was told before."""
        if self._isTelling:
            return
        reports = [
            trace.report(number) for number, trace in self._traces.items() if trace.unreported
        ]
        if reports:
            self._isTelling = True
            self._tell("trace", msgspec.json.encode(reports)).addBoth(self._told)

    def _told(self, outcome: object) -> None:
        """The parent has taken it; or it never will, which is no matter of ours."""
        self._isTelling = False
        self._report()


def _named(message: Request | Response | None) -> tuple[str, str, int, str]:
    """
    @return: Call-ID, method, status and reason phrase, as far as there are any.
    """
    if message is None:
        return "", "", 0, ""
    callID = _sound(message.get("call-id") or "")
    if isinstance(message, Request):
        return callID, _sound(message.method), 0, ""
    try:
        method = _sound(message.cseq.method)
    except SIPError:
        method = ""
    return callID, method, message.status, _sound(message.reason)


def _sound(text: str) -> str:
    """Text of a message as JSON can have it: its bytes need not be UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

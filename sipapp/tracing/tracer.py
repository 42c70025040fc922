"""Who looks at the messages of a worker for those who trace, while there is one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from sipapp.sip import Message, Request, Response, SIPError
from sipapp.tracing.masking import masked
from sipapp.tracing.sighting import HostPort, Report, Sighting
from sipapp.tracing.subject import Subject, read

__all__ = ["Reporter", "Tracer", "TracerSwitch"]

#: What a worker shows of one trace in a second; more would keep it from its work.
_MESSAGES = 200
_BYTES = 1 << 20

TracerSwitch = Callable[["Tracer | None"], None]
"""Called with who wants to see each message, or with C{None} if nobody does any more."""


class Reporter(Protocol):
    """Takes what is to be told to the parent."""

    def __call__(self, subject: str, body: bytes, /) -> object: ...


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
        if self._messages > _MESSAGES or self._bytes > _BYTES:
            self.leftOut += 1
            return False
        return True


class Tracer:
    """The traces of one worker. It looks at messages only while there are any."""

    def __init__(
        self,
        worker: str,
        switch: TracerSwitch,
        report: Reporter,
        atEnd: Callable[[Callable[[], object]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        @param worker: its name, for what it has seen.
        @param report: tells the parent, of the subject C{trace}, a L{Report} in JSON.
        @param atEnd: has something called at the end of the worker's turn.
        @param clock: the time, in seconds since the epoch.
        """
        self._worker = worker
        self._switch = switch
        self._report = report
        self._atEnd = atEnd
        self._clock = clock
        self._traces: dict[int, _Trace] = {}
        self._isReporting = False

    def start(self, trace: int, subject: str, seconds: float) -> None:
        """Follow somebody. Harmless if that is so already.

        @param trace: the number that reports carry.
        @param subject: as for L{Subject}.
        @param seconds: after which it ends, whether or not it has been stopped.
        """
        if trace not in self._traces:
            self._traces[trace] = _Trace(Subject(subject), self._clock() + seconds)
            self._switch(self)

    def stop(self, trace: int) -> int:
        """
        @return: how many messages were not shown.
        """
        self._tell()
        ended = self._traces.pop(trace, None)
        if not self._traces:
            self._switch(None)
        return 0 if ended is None else ended.leftOut

    def _expire(self) -> None:
        now = self._clock()
        for number in [each for each, trace in self._traces.items() if now >= trace.end]:
            self.stop(number)

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
                self._atEnd(self._expire)
            elif trace.subject.isIn(message, remote) and trace.admits(len(data), now):
                if sighting is None:
                    sighting = self._sighting(now, data, message, isSent, transport, local, remote)
                trace.unreported.append(sighting)
                if not self._isReporting:
                    self._isReporting = True
                    self._atEnd(self._tell)

    def _sighting(
        self,
        now: float,
        data: bytes,
        message: Message | None,
        isSent: bool,
        transport: str,
        local: HostPort,
        remote: HostPort,
    ) -> Sighting:
        return Sighting(
            now,
            self._worker,
            "sent" if isSent else "received",
            transport,
            local,
            remote,
            "" if message is None else _sound(message.get("call-id") or ""),
            _sound(_methodOf(message)),
            message.status if isinstance(message, Response) else 0,
            _sound(message.reason) if isinstance(message, Response) else "",
            masked(data),
        )

    def _tell(self) -> None:
        self._isReporting = False
        for number, trace in self._traces.items():
            if trace.unreported:
                report = Report(number, tuple(trace.unreported), trace.leftOut)
                trace.unreported = []
                self._report("trace", msgspec.json.encode(report))


def _methodOf(message: Message | None) -> str:
    if isinstance(message, Request):
        return message.method
    try:
        return "" if message is None else message.cseq.method
    except SIPError:
        return ""


def _sound(text: str) -> str:
    """Text of a message as JSON can have it: its bytes need not be UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

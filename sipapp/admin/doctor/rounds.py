"""The doctor of a server that runs: looks again and again, and says what is new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.examination import Report, examine
from sipapp.admin.doctor.finding import Finding
from sipapp.admin.doctor.host import Host

__all__ = ["Rounds"]

_log = Logger()


class Rounds(Service):
    """Makes all checks every minute. What the first round finds is known; what a later one finds
    and the one before it did not is logged, if it is worse than a note. A counter that has grown
    is new, too.

    With many connections there is much to read, so that is done in a thread.

    @ivar report: what the last round has found; C{None} before its end.
    """

    def __init__(
        self,
        demand: Callable[[], Demand],
        reactor: IReactorTime,
        host: Callable[[], Host] = Host,
        interval: float = 60.0,
        inThread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        """
        @param demand: says what is asked of the machine at present, and which workers there are.
        @param host: gives the machine, to be read anew.
        @param interval: seconds from one round to the next.
        @param inThread: runs a function where it may block.
        """
        self._demand = demand
        self._host = host
        self._interval = interval
        self._inThread = inThread
        self._known: frozenset[Finding] | None = None
        self._ticks = LoopingCall(self._tick)
        self._ticks.clock = reactor
        self._ended: Deferred[Any] | None = None
        self.report: Report | None = None

    def startService(self) -> None:
        super().startService()
        self._ended = self._ticks.start(self._interval, now=True)

    def stopService(self) -> Deferred[Any] | None:
        """
        @return: fires when a round that is under way has ended.
        """
        super().stopService()
        ended, self._ended = self._ended, None
        if self._ticks.running:
            self._ticks.stop()
        return ended

    def _tick(self) -> Deferred[None]:
        looking = self._inThread(examine, self._host(), self._demand())
        looking.addCallback(self._made)
        # He comes back in a minute; a file that is gone, such as that of a worker, may be back.
        looking.addErrback(lambda failure: _log.failure("The doctor has failed", failure))
        return looking

    def _made(self, report: Report) -> None:
        self.report = report
        known, self._known = self._known, frozenset(report.findings)
        if known is None:
            return
        for each in report.findings:
            if each.severity != "note" and each not in known:
                _log.warn(
                    "The doctor finds {name}: {current}; wanted is {wanted}. {why}",
                    name=each.name,
                    current=each.current,
                    wanted=each.wanted,
                    why=each.why[:1].upper() + each.why[1:],
                )

"""What a worker is told to do besides its work, and may be told anew while it runs: which messages
it shows to those who trace, and what it logs.

A worker asks for its orders before it serves: whoever has a trace running does not lose it by a
reload.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sipapp.answers import Answers, readOutcome
from sipapp.tracing import Tracer

__all__ = ["StandingOrders", "TakenOrders", "TraceOrder"]

#: Seconds to wait for them; a worker serves without.
_PATIENCE = 5.0

_log = Logger()


class TraceOrder(msgspec.Struct, frozen=True):
    """A trace to take part in.

    @ivar trace: its number. @ivar subject: as for L{sipapp.tracing.Subject}.
    @ivar seconds: that are left of it.
    """

    trace: int
    subject: str
    seconds: float


class StandingOrders(msgspec.Struct, frozen=True):
    """What holds for a worker.

    @ivar levels: what it logs, as for L{sipapp.pool.WorkerLog.setLevels}; none is what its
        settings say.
    """

    levels: dict[str, str] = {}
    traces: tuple[TraceOrder, ...] = ()


class _Log(Protocol):
    def setLevels(self, levels: Mapping[str, str]) -> None: ...


class _Channel(Protocol):
    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]: ...


class TakenOrders:
    """The orders of a worker."""

    def __init__(self, channel: _Channel, log: _Log, tracer: Tracer) -> None:
        """
        @param channel: to the parent.
        """
        self._channel = channel
        self._log = log
        self._tracer = tracer

    def addTo(self, answers: Answers) -> None:
        """Take new ones whenever the parent has some."""
        answers.add("log.levels", self._log.setLevels)
        answers.add("trace.start", self._tracer.start)
        answers.add("trace.stop", self._tracer.stop)

    def take(self) -> Deferred[None]:
        """Ask for them.

        @return: fires when they hold; never fails.
        """
        asked: Deferred[Any] = self._channel.ask("orders", b"{}", _PATIENCE)
        asked.addCallback(self._obey)
        return asked.addErrback(
            lambda failure: _log.warn(
                "Traces and levels of the log set at run time are not known here: {cause}",
                cause=failure.getErrorMessage(),
            )
        )

    def _obey(self, outcome: bytes) -> None:
        orders = msgspec.convert(readOutcome(outcome), StandingOrders)
        if orders.levels:
            self._log.setLevels(orders.levels)
        for each in orders.traces:
            self._tracer.start(each.trace, each.subject, each.seconds)

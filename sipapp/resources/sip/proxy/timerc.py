"""Timer C: gives up an INVITE that never gets a final answer (RFC 3261 §16.8).

Every branch has the same duration, so the branches stand in the order in which they end, and one
delayed call of the reactor serves them all: starting, restarting and stopping are dictionary
operations, and a branch that is done leaves nothing behind.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.logger import Logger

__all__ = ["Timed", "TimerC"]

_log = Logger()


class Timed(Protocol):
    """What Timer C runs for."""

    def timerCFired(self) -> None:
        """The time is up."""


class TimerC:
    """The Timer C of every branch of a proxy.

    @param reactor: an C{IReactorTime}.
    @param duration: seconds; RFC 3261 wants more than 180.
    """

    def __init__(self, reactor: Any, duration: float) -> None:
        self._reactor = reactor
        self._duration = duration
        self._running: dict[Timed, float] = {}
        self._call: Any = None

    def __len__(self) -> int:
        """How many are running."""
        return len(self._running)

    def start(self, branch: Timed) -> None:
        """Start or restart it."""
        running = self._running
        running.pop(branch, None)
        running[branch] = self._reactor.seconds() + self._duration
        if self._call is None:
            self._call = self._reactor.callLater(self._duration, self._expire)

    def stop(self, branch: Timed) -> None:
        """Stop it, if it runs."""
        self._running.pop(branch, None)

    def close(self) -> None:
        """Stop all of them."""
        self._running.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _expire(self) -> None:
        self._call = None
        now = self._reactor.seconds()
        while self._running:
            branch, deadline = next(iter(self._running.items()))
            if deadline > now:
                if self._call is None:
                    self._call = self._reactor.callLater(deadline - now, self._expire)
                return
            del self._running[branch]
            try:
                branch.timerCFired()
            except Exception:
                # The others would wait until the next call, and as long again.
                _log.failure("A call could not be given up")

"""What requests were answered with: the Completed state of the non-INVITE server transaction
(RFC 3261 §17.2.2).

Such a transaction that has its final response does one thing more, and for longer than it lived:
until Timer J it gives the same response to the same request. For that nothing is kept but the
bytes of the response, so a server that answers thousands of requests a second does not carry the
objects of the last half minute along.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sipapp.transaction.machine import TIMER_J
from sipapp.transaction.matching import ServerKey
from sipapp.transaction.timers import TimerQueue, TimerSettings

#: How often is looked for what can be forgotten, in parts of Timer J.
_SWEEPS = 32


class Answers:
    """The final responses of the last 64*T1, by the keys of their transactions."""

    __slots__ = ("_answers", "_ends", "_isSwept", "_settings", "_timers")

    def __init__(self, timers: TimerQueue, settings: TimerSettings) -> None:
        self._timers = timers
        self._settings = settings
        self._answers: dict[ServerKey, bytes] = {}
        # When each of them is forgotten, in order.
        self._ends: deque[tuple[float, ServerKey]] = deque()
        self._isSwept = False

    def keep(self, key: ServerKey, answer: bytes, now: float) -> None:
        """
        @param answer: empty if the request was to be met with silence.
        """
        timeout = self._settings.timeout
        self._answers[key] = answer
        self._ends.append((now + timeout, key))
        if not self._isSwept:
            self._isSwept = True
            self._timers.start(now, timeout, self, TIMER_J)

    def get(self, key: ServerKey, now: float) -> bytes | None:
        """
        @return: what a request has been answered with; C{None} if it is new.
        """
        ends = self._ends
        while ends and ends[0][0] <= now:
            del self._answers[ends.popleft()[1]]
        return self._answers.get(key)

    def timerFired(self, name: str, now: float) -> None:
        """Forget what no request has asked for again (called by the L{TimerQueue})."""
        self.get("", now)
        self._isSwept = bool(self._ends)
        if self._isSwept:
            self._timers.start(now, self._settings.timeout / _SWEEPS, self, name)

    def __contains__(self, key: ServerKey) -> bool:
        return key in self._answers

    def __iter__(self) -> Iterator[ServerKey]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)

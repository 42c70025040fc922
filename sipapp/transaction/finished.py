"""What is left of transactions other than INVITE that have their final response: the Completed
state of RFC 3261 §17.1.2 and §17.2.2.

Such a transaction does one thing more, and for longer than it lived: a server gives its response
to the same request until Timer J, a client takes no notice of the same response until Timer K.
For that nothing is kept but the key and the bytes of the response, so a server that answers
thousands of requests a second does not carry the objects of the last half minute along.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sipapp.transaction.timers import TimerQueue

#: How often is looked for what can be forgotten, in parts of the time that it is kept.
_SWEEPS = 32


class Finished:
    """Transactions of one side that have finished lately, by their keys."""

    __slots__ = ("_answers", "_duration", "_ends", "_isSwept", "_name", "_timers")

    def __init__(self, timers: TimerQueue, duration: float, name: str) -> None:
        """
        @param duration: how long each is kept, in seconds.
        @param name: what the timer for that is called.
        """
        self._timers = timers
        self._duration = duration
        self._name = name
        self._answers: dict[str, bytes] = {}
        # When each of them is forgotten, in order.
        self._ends: deque[tuple[float, str]] = deque()
        self._isSwept = False

    def keep(self, key: str, answer: bytes, now: float) -> None:
        """
        @param answer: what to send when the transaction's peer repeats itself; empty for silence.
        """
        self._answers[key] = answer
        self._ends.append((now + self._duration, key))
        if not self._isSwept:
            self._isSwept = True
            self._timers.start(now, self._duration, self, self._name)

    def get(self, key: str, now: float) -> bytes | None:
        """
        @return: what was kept, or C{None} if there is no such transaction or its time is over.
        """
        self._forget(now)
        return self._answers.get(key)

    def timerFired(self, name: str, now: float) -> None:
        """Forget those that nobody has asked for (called by the L{TimerQueue})."""
        self._forget(now)
        self._isSwept = bool(self._ends)
        if self._isSwept:
            self._timers.start(now, self._duration / _SWEEPS, self, name)

    def setBack(self, now: float) -> None:
        """The clock was set back: nothing is kept for longer than from now on."""
        latest = now + self._duration
        self._ends = deque([(min(end, latest), key) for end, key in self._ends])

    def _forget(self, now: float) -> None:
        ends = self._ends
        while ends and ends[0][0] <= now:
            del self._answers[ends.popleft()[1]]

    def __contains__(self, key: str) -> bool:
        return key in self._answers

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)

"""How a worker keeps up: how late its reactor is, and which part of the time it works.

Looked at a few times in a second, and not for each message.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from sipapp.transaction.durations import Durations

__all__ = ["RECENT", "Pulse"]

_INTERVAL = 0.25
RECENT = 8
"""Looks that make up what is told of the present: two seconds."""


class Pulse:
    """The looks of one worker.

    @ivar lags: how late the reactor was at each look.
    """

    def __init__(
        self,
        reactor: Any,
        waited: Callable[[], float],
        atLook: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        @param waited: says how many seconds the reactor has waited for events so far.
        @param atLook: called at each look.
        @param clock: gives seconds that nobody sets.
        """
        self.lags = Durations()
        self._reactor = reactor
        self._waited = waited
        self._atLook = atLook
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=RECENT)
        # When looks began, and what had been waited by then.
        self._began: deque[tuple[float, float]] = deque(maxlen=RECENT)
        self._first = (0.0, 0.0)
        self._due = 0.0
        self._call: Any = None

    def start(self) -> None:
        """Begin to look."""
        self._first = self._now()
        self._began.append(self._first)
        self._lookLater()

    def stop(self) -> None:
        """Look no more."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    @property
    def lag(self) -> float:
        """How late the reactor was at worst lately, in seconds. One that hangs now is late now."""
        late = [*self._recent]
        if self._call is not None:
            late.append(self._clock() - self._due)
        return max(0.0, *late, 0.0)

    @property
    def busy(self) -> float:
        """Which part of the time it worked lately, from 0 to 1."""
        if not self._began:
            return 0.0
        (then, before), (now, waited) = self._began[0], self._now()
        return 1.0 - min(max((waited - before) / (now - then), 0.0), 1.0) if now > then else 0.0

    @property
    def worked(self) -> float:
        """Seconds that it has worked since L{start}."""
        (then, before), (now, waited) = self._first, self._now()
        return max(now - then - (waited - before), 0.0)

    def _now(self) -> tuple[float, float]:
        return self._clock(), self._waited()

    def _lookLater(self) -> None:
        self._due = self._clock() + _INTERVAL
        self._call = self._reactor.callLater(_INTERVAL, self._look)

    def _look(self) -> None:
        late = max(self._clock() - self._due, 0.0)
        self.lags.add(late)
        self._recent.append(late)
        self._began.append(self._now())
        self._atLook()
        self._lookLater()

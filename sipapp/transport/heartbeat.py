"""The time for the transaction layer: one reactor timer, whatever the number of its own.

The layer never looks at a clock. Whoever enters it gives the time, and afterwards it is asked when
it wants to be called next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.logger import Logger

from sipapp.transaction import TransactionLayer

_log = Logger()


class Heartbeat:
    """Calls L{TransactionLayer.handleTimers} when it is due.

    @ivar layer: must be set before the first entry.
    """

    layer: TransactionLayer

    def __init__(self, reactor: Any) -> None:
        self.seconds = reactor.seconds
        self._reactor = reactor
        self._entered = False
        self._call: Any = None
        self._wakeAt = 0.0
        self._stopped = False

    def enter(self) -> float:
        """Somebody is about to enter the layer, and will call L{leave}.

        @return: the time.
        """
        self._entered = True
        now: float = self.seconds()
        return now

    def leave(self, now: float) -> None:
        """See that there is a call when the next timer of the layer is due."""
        self._entered = False
        deadline = self.layer.nextDeadline()
        if deadline is None or (self._call is not None and self._wakeAt <= deadline):
            return
        self._wake(deadline - now)

    @contextmanager
    def entry(self, what: str) -> Iterator[float]:
        """The two together, for where it may take its time. An exception is logged.

        @param what: for the log.
        """
        now = self.enter()
        try:
            yield now
        except Exception:
            _log.failure(what)
        finally:
            self.leave(now)

    def clock(self) -> float:
        """What the layer asks for the time when it is entered from elsewhere, such as by a
        resource that answers late: timers may be started that nobody has asked about yet."""
        if not self._entered:
            # Look after whatever is happening now has happened.
            self._wake(0.0)
        now: float = self.seconds()
        return now

    def stop(self) -> None:
        """No timer fires any more."""
        self._stopped = True
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _wake(self, delay: float) -> None:
        if self._stopped:
            return
        delay = max(delay, 0.0)
        if self._call is None:
            self._call = self._reactor.callLater(delay, self._awake)
        else:
            self._call.reset(delay)
        self._wakeAt = self.seconds() + delay

    def _awake(self) -> None:
        self._call = None
        with self.entry("A transaction failed when its timer fired") as now:
            self.layer.handleTimers(now)

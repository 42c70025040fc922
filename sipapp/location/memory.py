"""Bindings in the memory of one process: for tests, and for servers that run a single worker."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from sipapp.interfaces import ILocationStore
from sipapp.location.binding import Bindings, Change, alive, arrange, earliest, expireOldest
from sipapp.location.outcome import Committed, Outcome, deferredBy

__all__ = ["MemoryLocation"]


@implementer(ILocationStore)
class MemoryLocation:
    """An L{ILocationStore} that nobody shares and that ends with the process.

    C{_due} is a heap of (time, aor); C{_indexed} says which entry of the heap counts for an
    address-of-record. That time is never later than the first expiry: a refresh leaves it alone,
    and L{purge} moves the entry when it comes up.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """
        @param clock: gives the seconds since the epoch.
        """
        self._clock = clock
        self._bindings: dict[str, Bindings] = {}
        self._indexed: dict[str, float] = {}
        self._due: list[tuple[float, str]] = []

    def lookupNow(self, aor: str) -> Bindings:
        return alive(self._bindings.get(aor, ()), self._clock())

    def lookup(self, aor: str) -> Deferred[Bindings]:
        return succeed(self.lookupNow(aor))

    def update(self, aor: str, change: Change) -> Deferred[Bindings]:
        return deferredBy(self.alter, aor, change)

    def alter(self, aor: str, change: Change, committed: Committed) -> None:
        now = self._clock()
        outcome: Outcome
        try:
            outcome = arrange(change(alive(self._bindings.get(aor, ()), now)), now)
        except Exception as error:
            outcome = error
        else:
            self._keep(aor, outcome)
        committed(outcome)

    def _keep(self, aor: str, bindings: Bindings) -> None:
        if not bindings:
            self._bindings.pop(aor, None)
            self._indexed.pop(aor, None)
            return
        self._bindings[aor] = bindings
        first = earliest(bindings)
        if first < self._indexed.get(aor, float("inf")):
            self._index(aor, first)

    def _index(self, aor: str, when: float) -> None:
        self._indexed[aor] = when
        heapq.heappush(self._due, (when, aor))

    def count(self) -> Deferred[int]:
        return succeed(len(self._bindings))

    def purge(self, limit: int) -> Deferred[int]:
        now = self._clock()
        dropped = 0
        while self._due and self._due[0][0] <= now and dropped < limit:
            when, aor = heapq.heappop(self._due)
            if self._indexed.get(aor) != when:
                continue
            left, count = expireOldest(self._bindings[aor], now, limit - dropped)
            dropped += count
            del self._indexed[aor]
            self._keep(aor, left)
        return succeed(dropped)

    def close(self) -> Deferred[None]:
        return succeed(None)

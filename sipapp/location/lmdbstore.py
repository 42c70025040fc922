"""Bindings that all worker processes of one machine share and that survive a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred, execute, succeed
from twisted.logger import Logger
from zope.interface import implementer

from sipapp.interfaces import ILocationStore
from sipapp.location.binding import Bindings, Change, alive
from sipapp.location.bindingfile import BindingFile, LocationStoreFull
from sipapp.location.outcome import Committed, Outcome, deferredBy

__all__ = ["LMDBLocation", "LocationStoreFull"]

_log = Logger()

_BATCH = 512
"""Changes made in one transaction. It bounds how long other workers wait for the write lock."""


@implementer(ILocationStore)
class LMDBLocation:
    """An L{ILocationStore} over a L{BindingFile}.

    Look-ups are synchronous. The updates that are asked for in one turn are made in one
    transaction at its end, which costs each of them a fraction of a transaction of its own.
    """

    def __init__(
        self,
        path: Path,
        endOfTurn: Callable[[Callable[[], object]], object],
        mapSize: int = 1 << 30,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        @param path: the directory of the file, the same in all workers.
        @param endOfTurn: has something called at the end of the turn that is under way, as
            L{sipapp.interfaces.IWorker.endOfTurn} does.
        @param mapSize: bytes that the file may grow to.
        @param clock: gives the seconds since the epoch.
        """
        self._file = BindingFile(path, mapSize)
        self._endOfTurn = endOfTurn
        self._clock = clock
        # What this turn wants changed, and who is told of each change.
        self._changes: list[tuple[str, Change]] = []
        self._waiting: list[Committed] = []

    def lookupNow(self, aor: str) -> Bindings:
        return alive(self._file.read(aor), self._clock())

    def lookup(self, aor: str) -> Deferred[Bindings]:
        return execute(self.lookupNow, aor)

    def update(self, aor: str, change: Change) -> Deferred[Bindings]:
        return deferredBy(self.alter, aor, change)

    def alter(self, aor: str, change: Change, committed: Committed) -> None:
        if not self._changes:
            self._endOfTurn(self._commit)
        self._changes.append((aor, change))
        self._waiting.append(committed)

    def _commit(self) -> None:
        """Make the changes of this turn, and tell of them."""
        changes, waiting = self._changes, self._waiting
        self._changes, self._waiting = [], []
        for start in range(0, len(changes), _BATCH):
            batch = changes[start : start + _BATCH]
            outcomes: list[Outcome]
            try:
                outcomes = self._file.apply(batch, self._clock())
            except Exception as error:
                outcomes = [error] * len(batch)
            for committed, outcome in zip(waiting[start:], outcomes, strict=False):
                try:
                    committed(outcome)
                except Exception:
                    _log.failure("Whoever was told of a change has failed")

    def count(self) -> Deferred[int]:
        return execute(self._file.count)

    def purge(self, limit: int) -> Deferred[int]:
        return execute(self._file.purge, self._clock(), limit)

    def close(self) -> Deferred[None]:
        while self._changes:
            self._commit()
        self._file.close()
        return succeed(None)

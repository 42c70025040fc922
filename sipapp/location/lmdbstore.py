"""Bindings that all worker processes of one machine share and that survive a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from sipapp.interfaces import ILocationStore
from sipapp.location.binding import Bindings, Change, alive
from sipapp.location.bindingfile import BindingFile, LocationStoreFull, Outcome

__all__ = ["LMDBLocation", "LocationStoreFull"]

_BATCH = 512
"""Changes made in one transaction. It bounds how long other workers wait for the write lock."""


@implementer(ILocationStore)
class LMDBLocation:
    """An L{ILocationStore} over a L{BindingFile}.

    Look-ups are synchronous. The updates that are asked for in one turn of the reactor are made
    in one transaction at its end, which costs each of them a fraction of a transaction of its own.
    """

    def __init__(
        self,
        path: Path,
        reactor: IReactorTime,
        mapSize: int = 1 << 30,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        @param path: the directory of the file, the same in all workers.
        @param mapSize: bytes that the file may grow to.
        @param clock: gives the seconds since the epoch.
        """
        self._file = BindingFile(path, mapSize)
        self._reactor = reactor
        self._clock = clock
        self._waiting: list[tuple[str, Change, Deferred[Bindings]]] = []

    def lookupNow(self, aor: str) -> Bindings:
        return alive(self._file.read(aor), self._clock())

    def lookup(self, aor: str) -> Deferred[Bindings]:
        return execute(self.lookupNow, aor)

    def update(self, aor: str, change: Change) -> Deferred[Bindings]:
        if not self._waiting:
            self._reactor.callLater(0, self._flush)
        committed: Deferred[Bindings] = Deferred()
        self._waiting.append((aor, change, committed))
        return committed

    def _flush(self) -> None:
        batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
        if self._waiting:
            self._reactor.callLater(0, self._flush)
        if not batch:
            return
        outcomes: list[Outcome]
        try:
            outcomes = self._file.apply([(aor, change) for aor, change, _ in batch], self._clock())
        except Exception as error:
            outcomes = [error] * len(batch)
        for (_, _, committed), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                committed.errback(outcome)
            else:
                committed.callback(outcome)

    def count(self) -> Deferred[int]:
        return execute(self._file.count)

    def purge(self, limit: int) -> Deferred[int]:
        return execute(self._file.purge, self._clock(), limit)

    def close(self) -> Deferred[None]:
        while self._waiting:
            self._flush()
        self._file.close()
        return succeed(None)

"""What the workers of a server have counted, with those that are gone.

A worker counts from 0 when it starts. Whoever is replaced has told its last numbers before it
ended; of one that has crashed there are those that it was asked for last. What it has counted since
then is lost.
"""

from __future__ import annotations

from collections.abc import Mapping

from sipapp.admin.stats.catalogue import METRICS
from sipapp.admin.stats.snapshot import Snapshot
from sipapp.admin.stats.workerstats import Labels, WorkerStats
from sipapp.transaction.durations import BOUNDS

__all__ = ["Totals"]

_KEPT = 8
"""So many workers of a slot that are gone are remembered one by one, in case they have still
something to tell; those before them as one."""

_ADDED = ("pool", "slot")
"""The labels that come before those that a worker has told."""

_EARLIER = 0
"""Instead of a process id."""


class Totals:
    """Remembers what each worker has told last."""

    def __init__(self) -> None:
        self._told: dict[str, dict[int, Snapshot]] = {}

    def learn(self, worker: str, stats: WorkerStats) -> None:
        """A worker has told its numbers. After an upgrade it may be of another version: what is
        unknown here is left out.

        @param worker: its name, pool and slot.
        """
        pid = stats.pid
        pool, _, slot = worker.rpartition("/")
        told = self._told.setdefault(worker, {_EARLIER: Snapshot()})
        snapshot = told[pid] = Snapshot()
        for name, numbers in stats.numbers.items():
            for labels, value in numbers:
                if _isKnown(name, labels):
                    snapshot.add(name, value, pool, slot, *labels)
        for name, spreads in stats.spreads.items():
            for labels, spread in spreads:
                if _isKnown(name, labels) and len(spread.counts) == len(BOUNDS) + 1:
                    snapshot.addSpread(name, spread, pool, slot, *labels)
        if len(told) > _KEPT + 1:
            oldest = next(each for each in told if each not in (_EARLIER, pid))
            told[_EARLIER].merge(told.pop(oldest), isGone=True)

    def all(self, present: Mapping[str, int]) -> Snapshot:
        """
        @param present: the workers that have just answered: process ids by name. Of others only
            counters and histograms count.
        @return: the numbers of all workers that there are or have been.
        """
        every = Snapshot()
        for worker, told in self._told.items():
            for pid, snapshot in told.items():
                every.merge(snapshot, isGone=present.get(worker) != pid)
        return every


def _isKnown(name: str, labels: Labels) -> bool:
    return name in METRICS and len(labels) + len(_ADDED) == len(METRICS[name].labels)

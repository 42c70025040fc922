"""What a worker has counted, as it tells the parent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from sipapp.transaction.durations import Durations

__all__ = ["Labels", "Spread", "WorkerStats"]

Labels = tuple[str, ...]
"""Values of labels, in the order that L{sipapp.admin.stats.catalogue} has them in."""


class Spread(Struct, array_like=True):
    """How long something took: what L{Durations} has.

    @ivar counts: of each bucket alone. @ivar total: the sum, in seconds.
    """

    counts: list[int]
    total: float


class WorkerStats(Struct):
    """All numbers of a worker.

    @ivar pid: its process id.
    @ivar numbers: counters and gauges by the short name of the metric.
    @ivar spreads: histograms likewise.
    """

    pid: int
    numbers: dict[str, list[tuple[Labels, float]]] = field(default_factory=dict)
    spreads: dict[str, list[tuple[Labels, Spread]]] = field(default_factory=dict)

    def add(self, name: str, value: float, *labels: str) -> None:
        """Add a number."""
        self.numbers.setdefault(name, []).append((labels, value))

    def addAll(self, name: str, values: Mapping[Any, float]) -> None:
        """Add numbers by their labels, which are tuples or single values."""
        for labels, value in values.items():
            many: Iterable[Any] = labels if isinstance(labels, tuple) else (labels,)
            self.add(name, value, *map(str, many))

    def addSpread(self, name: str, durations: Durations, *labels: str) -> None:
        """Add what has been measured."""
        self.spreads.setdefault(name, []).append(
            (labels, Spread(list(durations.counts), durations.total))
        )

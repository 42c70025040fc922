"""The numbers of a server at one time."""

from __future__ import annotations

from collections.abc import Iterator

from sipapp.admin.stats.catalogue import METRICS
from sipapp.admin.stats.workerstats import Labels, Spread

__all__ = ["Snapshot"]


class Snapshot:
    """Values by metric and labels. What is added twice is summed up.

    @ivar numbers: those of counters and gauges, by the short name of the metric.
    @ivar spreads: those of histograms.
    """

    def __init__(self) -> None:
        self.numbers: dict[str, dict[Labels, float]] = {}
        self.spreads: dict[str, dict[Labels, Spread]] = {}

    def add(self, name: str, value: float, *labels: str) -> None:
        """Add a number.

        @param labels: values of all labels of the metric, in their order.
        """
        values = self.numbers.setdefault(name, {})
        values[labels] = values.get(labels, 0) + value

    def addSpread(self, name: str, spread: Spread, *labels: str) -> None:
        """Add what has been measured."""
        values = self.spreads.setdefault(name, {})
        known = values.get(labels)
        if known is not None:
            counts = [one + other for one, other in zip(known.counts, spread.counts, strict=True)]
            spread = Spread(counts, known.total + spread.total)
        values[labels] = spread

    def merge(self, other: Snapshot, isGone: bool = False) -> None:
        """Add all of another.

        @param isGone: whether it is of something that is not there any more, so that its gauges
            mean nothing.
        """
        for name, values in other.numbers.items():
            if not (isGone and METRICS[name].kind == "gauge"):
                for labels, value in values.items():
                    self.add(name, value, *labels)
        for name, spreads in other.spreads.items():
            for labels, spread in spreads.items():
                self.addSpread(name, spread, *labels)

    def rows(self, name: str, **wanted: str) -> Iterator[tuple[dict[str, str], float]]:
        """
        @param wanted: values that labels must have.
        @return: values of a counter or gauge, with their labels by name.
        """
        names = METRICS[name].labels
        for labels, value in self.numbers.get(name, {}).items():
            row = dict(zip(names, labels, strict=True))
            if all(row[key] == each for key, each in wanted.items()):
                yield row, value

    def sum(self, name: str, **wanted: str) -> float:
        """The sum of these values."""
        return sum(value for _, value in self.rows(name, **wanted))

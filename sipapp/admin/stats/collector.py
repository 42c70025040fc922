"""Shows a snapshot to Prometheus: C{docs/decisions/0018-metrics.md}."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from sipapp.admin.stats.catalogue import METRICS
from sipapp.admin.stats.snapshot import Snapshot
from sipapp.admin.stats.workerstats import Spread
from sipapp.transaction.durations import BOUNDS

__all__ = ["SnapshotCollector", "pageOf"]


class SnapshotCollector(Collector):
    """All metrics with the values that they had at one time. One that has no value is there too, so
    that its name and what it means can be found."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for name, metric in METRICS.items():
            if metric.kind == "histogram":
                histogram = HistogramMetricFamily(
                    metric.exported, metric.help, labels=metric.labels
                )
                for labels, spread in self._snapshot.spreads.get(name, {}).items():
                    histogram.add_metric(labels, list(_buckets(spread)), spread.total)
                yield histogram
                continue
            kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family = kind(metric.exported, metric.help, labels=metric.labels)
            for labels, value in self._snapshot.numbers.get(name, {}).items():
                family.add_metric(labels, value)
            yield family


def pageOf(snapshot: Snapshot) -> str:
    """
    @return: the metrics in Prometheus's text format. It takes some milliseconds for each worker.
    """
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(snapshot))
    return generate_latest(registry).decode("utf-8")


def _buckets(spread: Spread) -> Iterable[tuple[str, float]]:
    """Where each bucket ends, and how many there were up to there."""
    ends = [*map(repr, BOUNDS), "+Inf"]
    return zip(ends, accumulate(spread.counts), strict=True)

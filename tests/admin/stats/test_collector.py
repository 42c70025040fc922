"""What Prometheus reads, read by Prometheus's own library."""

from __future__ import annotations

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sipapp.admin.stats.catalogue import METRICS
from sipapp.admin.stats.collector import pageOf
from sipapp.admin.stats.snapshot import Snapshot
from sipapp.admin.stats.workerstats import Spread
from sipapp.transaction.durations import BOUNDS, Durations


def families(snapshot: Snapshot) -> dict[str, list[tuple[str, dict[str, str], float]]]:
    """The samples of each metric, by the name without C{_total}."""
    return {
        family.name: [(one.name, one.labels, one.value) for one in family.samples]
        for family in text_string_to_metric_families(pageOf(snapshot))
    }


def test_nothing() -> None:
    """Every metric is named and explained, also without a value."""
    page = pageOf(Snapshot())
    for metric in METRICS.values():
        assert f"# HELP {metric.exported} {metric.help}\n" in page
        assert f"# TYPE {metric.exported} {metric.kind}\n" in page
    assert families(Snapshot()).keys() == {
        metric.exported.removesuffix("_total") for metric in METRICS.values()
    }


def test_values() -> None:
    snapshot = Snapshot()
    snapshot.add("requests_sent", 12, "udp-0", "0", "INVITE")
    snapshot.add("bans", 3)
    snapshot.add("doctor_findings", 1, "error", 'a "quoted"\nname\\')
    read = families(snapshot)
    labels = {"pool": "udp-0", "slot": "0", "method": "INVITE"}
    assert read["sipapp_requests_sent"] == [("sipapp_requests_sent_total", labels, 12)]
    assert read["sipapp_bans"] == [("sipapp_bans", {}, 3)]
    ((_, labels, _),) = read["sipapp_doctor_findings"]
    assert labels == {"severity": "error", "check": 'a "quoted"\nname\\'}


def test_histogram() -> None:
    """Buckets are cumulative there."""
    durations = Durations()
    for seconds in (0.0005, 0.003, 0.003, 1000.0):
        durations.add(seconds)
    snapshot = Snapshot()
    snapshot.addSpread(
        "answer_seconds", Spread(durations.counts, durations.total), "udp-0", "0", "BYE"
    )
    samples = families(snapshot)["sipapp_answer_seconds"]
    ends = {
        float(labels["le"]): value
        for name, labels, value in samples
        if name == "sipapp_answer_seconds_bucket"
    }
    assert list(ends) == [*BOUNDS, math.inf]
    assert [ends[0.001], ends[0.002], ends[0.004], ends[65.536], ends[math.inf]] == [1, 1, 3, 3, 4]
    rest = {name: value for name, _, value in samples if "bucket" not in name}
    assert rest == {
        "sipapp_answer_seconds_count": 4,
        "sipapp_answer_seconds_sum": pytest.approx(1000.0065),
    }


def test_namesAreOnesOfPrometheus() -> None:
    """Its guidelines: base units, and counters that say so."""
    for name, metric in METRICS.items():
        assert metric.exported.startswith("sipapp_")
        assert metric.exported.endswith("_total") == (metric.kind == "counter")
        assert not any(word in name.split("_") for word in ("total", "ms", "milliseconds", "kb"))
        assert metric.help.endswith(".")
        assert len(set(metric.labels)) == len(metric.labels)

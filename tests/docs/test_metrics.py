"""C{docs/metrics.md} has every metric, as it is; a server that runs has the same ones
(C{tests/server/test_metrics.py})."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sipapp.admin.stats.catalogue import METRICS, WORKER

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
ROWS = {
    name: (kind, tuple(re.findall(r"`(\w+)`", labels)))
    for name, kind, labels in re.findall(
        r"^\| `(sipapp_\w+)` \| (\w+) \| ([^|]*) \| [^|]+ \|$", TEXT, re.MULTILINE
    )
}
OFWORKERS = {metric.name for metric in WORKER}


def test_everyMetricIsExplained() -> None:
    """Once, and nothing else is; those of workers without the labels that all of them have."""
    assert len(re.findall(r"^\| `sipapp_", TEXT, re.MULTILINE)) == len(ROWS)
    assert {
        metric.exported: (
            metric.kind,
            metric.labels[2:] if name in OFWORKERS else metric.labels,
        )
        for name, metric in METRICS.items()
    } == ROWS


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\bsipapp_\w+", TEXT))))
def test_everyNameIsOne(name: str) -> None:
    assert name in ROWS or re.sub(r"_(bucket|sum|count)$", "", name) in ROWS


def test_limitsAreNamed() -> None:
    """Every limit that is counted somewhere."""
    sources = Path(__file__).parents[2] / "sipapp"
    counted = {
        name
        for file in sources.rglob("*.py")
        for name in re.findall(
            r"(?:limitHit\(\s*[\w.]+,|imitLog\.(?:hit|count)\(|\._log\.(?:hit|count)\("
            r"|site\.hit\(|self\.hit\()\s*\"(\w+)\"",
            file.read_text(),
        )
    }
    assert len(counted) > 8
    assert {name for name in counted if f"`{name}`" not in TEXT} == set()

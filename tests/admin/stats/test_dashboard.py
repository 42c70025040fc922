"""C{etc/grafana-sipapp.json}: what it shows is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sipapp.admin.stats.catalogue import METRICS

DASHBOARD = json.loads((Path(__file__).parents[3] / "etc" / "grafana-sipapp.json").read_text())
PANELS = DASHBOARD["panels"]
#: Labels that Prometheus itself adds.
ADDED = {"instance", "job"}


def expressions() -> Iterator[tuple[str, str]]:
    """Each with the title of its panel."""
    for panel in PANELS:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]


EXPRESSIONS = [pytest.param(each, id=title) for title, each in expressions()]


def labelsOf(exported: str) -> set[str] | None:
    """
    @return: the labels of a metric, C{None} if there is none of this name.
    """
    for metric in METRICS.values():
        names = {metric.exported}
        if metric.kind == "histogram":
            names = {f"{metric.exported}_{part}" for part in ("bucket", "sum", "count")}
        if exported in names:
            return {*metric.labels, *ADDED, *(("le",) if metric.kind == "histogram" else ())}
    return None


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_metricsExist(expression: str) -> None:
    """And have the labels that are asked for, or summed by."""
    names = re.findall(r"\bsipapp_\w+", expression)
    assert names
    common: set[str] | None = None
    for name, selected in re.findall(r"\b(sipapp_\w+)(?:\{([^}]*)\})?", expression):
        labels = labelsOf(name)
        assert labels is not None, f"there is no metric {name}"
        assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", selected)) <= labels
        common = labels if common is None else common & labels
    assert common is not None
    for listed in re.findall(r"\bby \(([^)]*)\)", expression):
        assert set(re.split(r",\s*", listed)) <= common
    for pair in ("()", "{}", "[]"):
        assert expression.count(pair[0]) == expression.count(pair[1])


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_countersAreRates(expression: str) -> None:
    """The value of a counter says nothing."""
    for name in re.findall(r"\b(sipapp_\w+(?:_total|_bucket))\b", expression):
        assert re.search(rf"(?:rate|increase)\({name}(?:\{{[^}}]*\}})?\[[^]]+\]\)", expression)


def test_panels() -> None:
    """Each has a number and a place of its own."""
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    references: list[list[Any]] = [[t["refId"] for t in p.get("targets", ())] for p in PANELS]
    assert all(len(set(each)) == len(each) for each in references)


def test_whatItLeavesOut() -> None:
    """Everything that there is can be seen, but for what is there for other programs."""
    shown = " ".join(each for _, each in expressions())
    missing = {
        name for name, metric in METRICS.items() if not re.search(rf"\b{metric.exported}", shown)
    }
    assert missing == {
        "busy_seconds",
        "datagrams_unsent",
        "dns_entries",
        "doctor_checks",
        "generation",
        "keep_alives",
        "messages_handed_over",
        "messages_taken_over",
        "overloaded",
        "requests_sent",
        "responses_received",
        "transactions_created",
        "worker_answers",
        "worker_ready",
    }

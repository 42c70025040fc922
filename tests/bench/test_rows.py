"""What was found is kept as JSON, and shown in tables and a plot."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.compare.plot import plot
from bench.compare.publish import published
from bench.compare.rows import Row
from bench.compare.tables import secondWorker, tables
from bench.rowfile import load, merged, save
from bench.table import number

OURS = Row(
    "options",
    "udp",
    1,
    "sipapp",
    cpu_us=40.0,
    cpu_low=39.0,
    cpu_high=44.0,
    max_rate=9000.0,
    p50_ms=0.4,
    p99_ms=1.2,
    rss_mib=70.0,
)
THEIRS = Row("options", "udp", 1, "kamailio-tuned", cpu_us=20.0, max_rate=18000.0)
IDLE = Row("idle-5000", "tcp", 1, "sipapp", kib_per_connection=3.5, note="5,000 connections")

#: What the rows of build/bench.json have to have, whoever reads them.
FIELDS = {"scenario", "transport", "workers", "server", "cpu_us", "max_rate"} | {
    "p50_ms",
    "p99_ms",
    "rss_mib",
    "failed",
}


def test_savedAndLoaded(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench.json"
    save(file, [OURS, IDLE])
    assert load(file, Row) == [OURS, IDLE]
    assert all(row.keys() >= FIELDS for row in json.loads(file.read_text()))


def test_nothingSavedYet(tmp_path: Path) -> None:
    assert load(tmp_path / "bench.json", Row) == []


def test_rerunReplaces() -> None:
    """A part that is run again replaces its rows, and no others."""
    again = Row("options", "udp", 1, "sipapp", cpu_us=30.0)
    assert merged([OURS, THEIRS], [again]) == [again, THEIRS]


def test_ratios() -> None:
    (table,) = tables([THEIRS, OURS])
    ours, theirs = table.lines
    assert table.title == "options over UDP, 1 worker"
    assert ours[:4] == ("sipapp", "40", "(39 to 44)", "1.00")
    assert (theirs[0], theirs[3], theirs[5]) == ("kamailio-tuned", "2.00", "0.50")


def test_noRatioWithoutOurs() -> None:
    """A part of the comparison may be run without sipapp."""
    (table,) = tables([THEIRS])
    assert table.lines[0][3] == ""


def test_limitsOfTheClientAreShown() -> None:
    (table,) = tables([Row("call", "tcp", 2, "sipapp", max_rate=800.0, client_bound=True)])
    assert table.lines[0][4] == "≥ 800"


def test_idleTable() -> None:
    (table,) = tables([IDLE])
    assert table.title == "5,000 idle connections over TCP, 1 worker"
    assert table.lines[0][1] == "3.5"
    assert table.notes == ["sipapp: 5,000 connections"]


def test_columnsAreAligned() -> None:
    lines = next(tables([OURS, THEIRS])).forTerminal().splitlines()[1:]
    assert len({len(line) for line in lines}) == 1


def test_secondWorker() -> None:
    two = Row("options", "udp", 2, "sipapp", cpu_us=42.0, spread=0.07)
    assert list(secondWorker([OURS, two])) == [
        "options over UDP, sipapp: CPU with two workers is 1.05 of that with one,"
        " shares of the two differ by 7 %"
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.4321, "0.432"), (40.0, "40"), (12247.4, "12,247")]
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_plot() -> None:
    """A bar for each row that has a time, on a scale that they share, with its number."""
    root = ElementTree.fromstring(plot([OURS, THEIRS, IDLE]))
    space = "{http://www.w3.org/2000/svg}"
    bars = {
        server: [
            float(bar.get("width", ""))
            for bar in root.iter(f"{space}rect")
            if bar.get("class") == server
        ]
        for server in ("sipapp", "kamailio-tuned")
    }
    (_, ours), (_, theirs) = bars.values()  # the first is in the legend
    assert ours == pytest.approx(2 * theirs)
    assert {"40", "20", "options: CPU µs for each OPTIONS"} <= {
        text.text for text in root.iter(f"{space}text")
    }


def test_plotSuitsDarkGround() -> None:
    assert "prefers-color-scheme: dark" in plot([OURS])


def test_tablesReplaceThoseInThePage() -> None:
    page = (
        "Before.\n\n"
        "<!-- What stands from here on is written by bench.compare.publish. -->\nold\n"
        "<!-- To here. -->\n\nAfter.\n"
    )
    once = published(page, "Here.", [OURS])
    assert "| sipapp | 40 |" in once
    assert "old" not in once
    assert once.startswith("Before.") and once.endswith("After.\n")
    assert published(once, "Here.", [OURS]) == once


def test_pageWithoutAPlace() -> None:
    with pytest.raises(ValueError, match="no place"):
        published("Text.\n", "Here.", [OURS])

"""Attacks on a real server for a second or two, and what is said of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bench.hostile.__main__ import main
from bench.hostile.attacks import FIELDS, LENGTH, withLongField, withManyFields
from bench.hostile.course import Effort, run
from bench.hostile.goodclient import Answers
from bench.hostile.lines import LINES
from bench.hostile.rows import Row, table
from bench.page import withResults
from bench.rowfile import load, save
from tests.support.siptext import Received

SHORT = Effort(seconds=1.5, rate=5.0, warmUp=0.5, memory=5.0)

GOOD = Row(
    "slow",
    "slow senders",
    asked=700,
    p50_ms=1.0,
    p99_ms=7.0,
    longest_ms=20.0,
    longest="a call",
    before_mib=120.0,
    during_mib=140.0,
    after_mib=121.0,
)


@pytest.mark.slow
@pytest.mark.xdist_group("fixed-ports")
@pytest.mark.parametrize("name", ["slow", "handshakes", "burst", "fields", "flood", "scan"])
def test_goodClientIsServed(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """How soon is not asked here, where others run beside it. If they leave too little time to the
    server, it refuses what is new, and does nothing worse.
    """
    row = run(name, tmp_path_factory.mktemp("line"), SHORT)
    assert row.asked > row.lost
    assert [fault for fault in row.faults if "503 Service Unavailable" not in fault] == []
    assert row.attack


def test_holds() -> None:
    assert GOOD.reasons() == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"asked": 0}, "nothing was asked"),
        ({"lost": 1}, "1 of 700 questions without a good answer"),
        ({"longest_ms": 500.0}, "an answer took 500 ms (a call)"),
        ({"p99_ms": 50.0}, "one of 100 answers took 50 ms or more"),
        ({"after_mib": 140.0}, "memory is 140 MiB"),
        ({"faults": ["workers have been replaced"]}, "workers have been replaced"),
    ],
)
def test_doesNotHold(changes: dict[str, Any], reason: str) -> None:
    row = dataclasses.replace(GOOD, **changes)
    assert row.reasons() == [reason]
    (line,) = table([row]).lines
    assert line[-1] == "no"
    assert table([row]).notes == [f"slow: {reason}"]


def test_missedQuestionsCount() -> None:
    """A server that stands still for a second has not kept one question waiting, but ten."""
    answers = Answers()
    answers.answered(0.01, 0.1)
    answers.answered(0.35, 0.1)
    assert answers.times == pytest.approx([0.01, 0.35, 0.25, 0.15, 0.05])


def test_saved(tmp_path: Path) -> None:
    save(tmp_path / "hostile.json", [GOOD])
    assert load(tmp_path / "hostile.json", Row) == [GOOD]


def test_unknownLine(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        main(["nonsense"])
    assert status.value.code == 2
    assert all(name in capsys.readouterr().err for name in ("nonsense", *LINES)[:1])


def test_messages() -> None:
    assert len(Received(withManyFields()).headers) > FIELDS
    assert len(Received(withLongField("TCP")).get("route")) > LENGTH - 100
    for datagram in (withManyFields(), withLongField()):
        assert len(datagram) < 65_507


def test_pageHasAPlace() -> None:
    page = Path("docs", "security.md").read_text()
    assert "slow senders" in withResults(
        page, "bench.hostile.publish", [table([GOOD]).forDocumentation()]
    )

"""SIP beside a busy XCAP pool, for a second or two, and what is said of it; and what would be said
of updates that are lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bench.page import withResults
from bench.rowfile import load, save
from bench.xcap.__main__ import main
from bench.xcap.answers import Effort, run
from bench.xcap.rows import IDLE, SATURATED, Row, answersTable, reasons, updatesTable
from bench.xcap.updates import Outcome, Update, faults

SHORT = Effort(rounds=1, seconds=1.5, rate=5.0, warmUp=0.5)

QUIET = Row(IDLE, asked=700, p50_ms=1.0, p99_ms=7.0, longest_ms=20.0, sip_ms=0.5)
BUSY = dataclasses.replace(QUIET, name=SATURATED, requests_per_s=900.0, processor=0.95)


@pytest.mark.slow
def test_sipIsAnswered(tmp_path_factory: pytest.TempPathFactory) -> None:
    """How soon is not asked here, where others run beside it."""
    idle, saturated = run(tmp_path_factory.mktemp("answers"), SHORT)
    for row in (idle, saturated):
        assert row.asked > row.lost
        assert row.sip_ms
        assert [fault for fault in row.faults if "503 Service Unavailable" not in fault] == []
    assert saturated.requests_per_s > idle.requests_per_s == 0
    assert saturated.processor > idle.processor


def test_holds() -> None:
    assert reasons(QUIET, BUSY) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"asked": 0}, "nothing was asked"),
        ({"processor": 0.5}, "the XCAP worker took only 50% of a processor"),
        ({"p50_ms": 2.0}, "half of the answers took 2 ms instead of 1"),
        ({"p99_ms": 50.0}, "99 of 100 answers took 50 ms instead of 7"),
        ({"lost": 1, "faults": ["a call: no"]}, "a call: no"),
    ],
)
def test_doesNotHold(changes: dict[str, Any], reason: str) -> None:
    row = dataclasses.replace(BUSY, **changes)
    assert reasons(QUIET, row) == [reason]
    assert answersTable([QUIET, row]).notes == [reason]


def update(condition: str, etag: str | None, status: int = 200, sent: float = 0.0) -> Update:
    return Update(sent, sent + 1.0, condition, status, etag)


def test_updates() -> None:
    """In whatever order they were told."""
    told = [update("b", "c"), update("a", "b"), update("a", None, 412), update("b", None, 412, 0.5)]
    assert faults(told, "a", "c", 2) == []


def test_lostUpdate() -> None:
    told = [update("a", "b"), update("a", "c")]
    assert faults(told, "a", "c", 1) == [
        "1 updates of what had been updated already",
        "2 updates were made, 1 are in the document",
        "only 1 of 2 updates follow one another",
    ]


def test_updateOfNothing() -> None:
    told = [update("a", "b"), update("x", "y")]
    assert faults(told, "a", "b", 2) == ["only 1 of 2 updates follow one another"]


@pytest.mark.parametrize(
    "refusal",
    [update("b", None, 412), update("x", None, 412), update("a", None, 412, sent=-5.0)],
    ids=["of the last", "of nobody's", "before the winner has asked"],
)
def test_refusalWithoutReason(refusal: Update) -> None:
    [fault] = faults([update("a", "b"), refusal], "a", "b", 1)
    assert fault.startswith("412 although")


def test_otherStatuses() -> None:
    assert faults([update("a", None, 500)], "a", "a", 0) == ["500 instead of 200 or 412"]


def test_saved(tmp_path: Path) -> None:
    save(tmp_path / "answers.json", [QUIET, BUSY])
    assert load(tmp_path / "answers.json", Row) == [QUIET, BUSY]


def test_unknownLine(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        main(["nonsense"])
    assert status.value.code == 2
    assert "nonsense" in capsys.readouterr().err


def test_pageHasAPlace() -> None:
    page = Path("docs", "performance.md").read_text()
    tables = [answersTable([QUIET, BUSY]), updatesTable([Outcome(8, 4, 20.0, 900, 400)])]
    written = withResults(
        page, "bench.xcap.publish", [table.forDocumentation() for table in tables]
    )
    assert SATURATED in written
    assert "| 8 | 4 | 20 | 900 | 400 | 0 |" in written

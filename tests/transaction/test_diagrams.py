"""The document shows the tables as they are."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from sipapp.transaction import diagrams

DOCUMENT = Path(__file__).parents[2] / "docs" / "transactions.md"


def test_theDocumentIsUpToDate() -> None:
    """If not: replace what follows the mark by what C{python -m sipapp.transaction.diagrams}
    prints."""
    _, mark, drawn = DOCUMENT.read_text().partition("<!-- drawn from the tables -->\n\n")
    assert mark
    assert drawn == diagrams.section()


def test_everyMachineIsDrawnWhole() -> None:
    for title, table in diagrams.MACHINES:
        text = diagrams.section()
        assert f"### {title}\n" in text
        for state, row in table.items():
            for event in row:
                assert f"| {state} | {event} |" in text


def test_theModulePrintsTheSection(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(diagrams.__file__, run_name="__main__")
    assert capsys.readouterr().out == diagrams.section()

"""Writes what a run has found into the documentation: C{python -m bench.xcap.publish}."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.page import withResults
from bench.rowfile import load
from bench.surroundings import surroundings
from bench.xcap.rows import ANSWERS_FILE, UPDATES_FILE, Row, answersTable, updatesTable
from bench.xcap.updates import Outcome


def main() -> None:
    rows = load(Path("build", ANSWERS_FILE), Row)
    outcomes = load(Path("build", UPDATES_FILE), Outcome)
    if not (rows and outcomes):
        sys.exit("build/ lacks what make bench-xcap writes there")
    page = Path("docs", "performance.md")
    tables = [answersTable(rows), updatesTable(outcomes)]
    blocks = [surroundings(), *(table.forDocumentation() for table in tables)]
    page.write_text(withResults(page.read_text(), "bench.xcap.publish", blocks))


if __name__ == "__main__":
    main()

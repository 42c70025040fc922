"""Writes what a run has found into the documentation: C{python -m bench.compare.publish}."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.compare.plot import plot
from bench.compare.rows import Row
from bench.compare.tables import secondWorker, tables
from bench.page import withResults
from bench.rowfile import load
from bench.surroundings import surroundings

_AUTHOR = "bench.compare.publish"


def published(text: str, where: str, found: list[Row]) -> str:
    """
    @param text: Markdown with a place for the tables.
    @param where: it was measured.
    @return: the same with tables of what was found.
    """
    blocks = [table.forDocumentation() for table in tables(found)]
    marks = "\n".join(f"- {line}." for line in secondWorker(found))
    if marks:
        blocks.append(f"### The second worker\n\n{marks}")
    return withResults(text, _AUTHOR, [where, *blocks])


def main() -> None:
    found = load(Path("build", "bench.json"), Row)
    if not found:
        sys.exit("there is no build/bench.json: make bench writes it")
    Path("docs", "performance.svg").write_text(plot(found))
    page = Path("docs", "performance.md")
    page.write_text(published(page.read_text(), surroundings("kamailio", "sipp"), found))


if __name__ == "__main__":
    main()

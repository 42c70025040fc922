"""Writes what a run has found into the documentation: C{python -m bench.compare.publish}."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.compare import rows as results
from bench.compare.plot import plot
from bench.compare.surroundings import surroundings
from bench.compare.tables import secondWorker, tables

_BEGIN = "<!-- What stands from here on is written by bench.compare.publish. -->"
_END = "<!-- To here. -->"


def published(text: str, where: str, found: list[results.Row]) -> str:
    """
    @param text: Markdown with a place for the tables.
    @param where: it was measured.
    @return: the same with tables of what was found.
    """
    before, _, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"there is no place for the tables: {_BEGIN} ... {_END}")
    blocks = [table.forDocumentation() for table in tables(found)]
    marks = "\n".join(f"- {line}." for line in secondWorker(found))
    if marks:
        blocks.append(f"### The second worker\n\n{marks}")
    return "\n\n".join([before + _BEGIN, where, *blocks, _END + after])


def main() -> None:
    found = results.load(Path("build", "bench.json"))
    if not found:
        sys.exit("there is no build/bench.json: make bench writes it")
    Path("docs", "performance.svg").write_text(plot(found))
    page = Path("docs", "performance.md")
    page.write_text(published(page.read_text(), surroundings(), found))


if __name__ == "__main__":
    main()

"""Writes what a run has found into the documentation: C{python -m bench.hostile.publish}."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.hostile.lines import LINES
from bench.hostile.rows import Row, table
from bench.page import withResults
from bench.rowfile import load
from bench.surroundings import surroundings


def main() -> None:
    rows = {row.name: row for row in load(Path("build", "hostile.json"), Row)}
    # In the order of the lines, however they were run.
    found = [rows[name] for name in LINES if name in rows]
    if not found:
        sys.exit("there is no build/hostile.json: make hostile writes it")
    page = Path("docs", "security.md")
    blocks = [surroundings(), table(found).forDocumentation()]
    page.write_text(withResults(page.read_text(), "bench.hostile.publish", blocks))


if __name__ == "__main__":
    main()

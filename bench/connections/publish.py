"""Writes what the largest run has found into the documentation:
C{python -m bench.connections.publish}."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.connections.rows import FILE, Row, table
from bench.page import withResults
from bench.rowfile import load
from bench.surroundings import surroundings

PLACE = "bench.connections.publish"


def main() -> None:
    rows = load(Path("build", FILE), Row)
    if not rows:
        sys.exit("build/ lacks what make bench-connections writes there")
    page = Path("docs", "performance.md")
    found = table(max(rows, key=lambda row: row.wanted))
    blocks = [surroundings(), found.forDocumentation()]
    page.write_text(withResults(page.read_text(), PLACE, blocks))


if __name__ == "__main__":
    main()

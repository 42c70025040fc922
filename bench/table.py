"""Rows as text: in a terminal, and on a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """What was found, as text.

    @ivar title: what stands above it.
    @ivar lines: their first cell is the name of the line.
    @ivar notes: what there is to say of them.
    """

    title: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    notes: Sequence[str]

    def forTerminal(self) -> str:
        cells = [self.head, *self.lines]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in cells
        ]
        return "\n".join([self.title, *lines, *self.notes])

    def forDocumentation(self) -> str:
        """
        @return: Markdown.
        """
        rule = ["---", *("--:" for _ in self.head[1:])]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.head, rule, *self.lines)]
        notes = [f"\n{note}." for note in self.notes]
        return "\n".join([f"### {self.title}\n", *lines, *notes])


def number(value: float | None) -> str:
    """
    @return: with three digits that count.
    """
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"

"""What a line found, and the table that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """What a line found.

    @ivar calls: how many calls, or messages of another kind, the load was made of.
    @ivar unexpected: messages that the scenario does not expect, wherever they came.
    @ivar faults: why the line fails, one reason each; none if it holds.
    """

    calls: int = 0
    failed: int = 0
    unexpected: int = 0
    retransmissions: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.failed or self.unexpected or self.faults)


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    what: str
    load: str
    outcome: Outcome


_HEAD = ("line", "what", "load", "result", "calls", "failed", "unexpected", "retrans.", "time")


def table(rows: Sequence[Row]) -> str:
    """
    @return: the rows in columns, and below them why those that fail do.
    """
    cells = [list(_HEAD)]
    for row in rows:
        outcome = row.outcome
        cells.append(
            [
                row.name,
                row.what,
                row.load,
                "holds" if outcome.holds else "FAILS",
                str(outcome.calls),
                str(outcome.failed),
                str(outcome.unexpected),
                str(outcome.retransmissions),
                f"{outcome.seconds:.0f} s",
            ]
        )
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = [
        "  ".join(
            cell.rjust(width) if column > 3 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for row in rows:
        lines += [f"{row.name}: {fault}" for fault in row.outcome.faults]
    return "\n".join(lines)

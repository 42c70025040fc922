"""What a line has found, and the table that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.table import Table, number

#: Milliseconds that an answer may take, and 99 of 100.
LONGEST = 500.0
P99 = 50.0
#: What the memory may have grown by when all is over: a part of what it was, and MiB.
GROWTH = 0.05
MARGIN = 4.0


@dataclass(frozen=True)
class Row:
    """A line.

    @ivar what: the attack.
    @ivar asked: questions of the good client. @ivar lost: those without a good answer.
    @ivar p50_ms: half of the answers took no longer than this.
    @ivar p99_ms: 99 of 100 took no longer than this.
    @ivar longest_ms: none took longer. @ivar longest: in which way that was asked.
    @ivar before_mib: resident memory of all processes, shared pages once (PSS), before the attack.
    @ivar during_mib: at its end. @ivar after_mib: when it is forgotten.
    @ivar attack: what the attack has done.
    @ivar faults: what else was wrong.
    """

    name: str
    what: str
    asked: int = 0
    lost: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    longest_ms: float | None = None
    longest: str = ""
    before_mib: float | None = None
    during_mib: float | None = None
    after_mib: float | None = None
    attack: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.name

    def reasons(self) -> list[str]:
        """
        @return: why the line does not hold; nothing if it does.
        """
        reasons = list(self.faults)
        if not self.asked:
            reasons.append("nothing was asked")
        if self.lost:
            reasons.append(f"{self.lost} of {self.asked} questions without a good answer")
        if self.longest_ms is not None and self.longest_ms >= LONGEST:
            reasons.append(f"an answer took {number(self.longest_ms)} ms ({self.longest})")
        if self.p99_ms is not None and self.p99_ms >= P99:
            reasons.append(f"one of 100 answers took {number(self.p99_ms)} ms or more")
        if self.before_mib and self.after_mib and not isBack(self.before_mib, self.after_mib):
            reasons.append(f"memory is {number(self.after_mib)} MiB")
        return reasons


def isBack(before: float, after: float) -> bool:
    """
    @param before: MiB. @param after: the same, when the attack is over.
    """
    return after <= before * (1 + GROWTH) + MARGIN


_HEAD = ("line", "p50 ms", "p99 ms", "longest ms", "MiB before", "during", "after", "holds")


def table(rows: Iterable[Row]) -> Table:
    found = list(rows)
    return Table(
        "Answers to a good client during attacks",
        _HEAD,
        [
            (
                row.what,
                number(row.p50_ms),
                number(row.p99_ms),
                number(row.longest_ms),
                number(row.before_mib),
                number(row.during_mib),
                number(row.after_mib),
                "no" if row.reasons() else "yes",
            )
            for row in found
        ],
        [f"{row.name}: {reason}" for row in found for reason in row.reasons()],
    )

"""What the turns have found, and the tables that show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.table import Table, number
from bench.xcap.updates import Outcome

#: Where rows and outcomes are kept, in the directory for what is built.
ANSWERS_FILE = "xcap-answers.json"
UPDATES_FILE = "xcap-updates.json"
#: The rows.
IDLE, SATURATED = "idle", "saturated"
#: How much of a processor the worker of a saturated pool takes, at least.
BUSY = 0.6
#: What the load may change of the times of answers: a part of what they were, and milliseconds;
#: of half of the answers, and of 99 of 100.
CHANGE = 0.25
MARGIN_P50 = 0.5
MARGIN_P99 = 10.0


@dataclass(frozen=True)
class Row:
    """What SIP was like, the XCAP pool being idle or saturated.

    @ivar asked: questions of the SIP client. @ivar lost: those without a good answer.
    @ivar p50_ms: half of the answers took no longer than this.
    @ivar p99_ms: 99 of 100 took no longer than this. @ivar longest_ms: none took longer.
    @ivar sip_ms: processor time that the workers for SIP took for each answer.
    @ivar requests_per_s: XCAP requests that were answered in a second.
    @ivar processor: how much of one the worker for XCAP took.
    @ivar faults: what was wrong.
    """

    name: str
    asked: int = 0
    lost: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    longest_ms: float | None = None
    sip_ms: float | None = None
    requests_per_s: float = 0.0
    processor: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.name


def reasons(idle: Row, saturated: Row) -> list[str]:
    """
    @return: why SIP cannot be said not to have noticed; nothing if it can.
    """
    found = [*idle.faults, *saturated.faults]
    if not (idle.asked and saturated.asked):
        found.append("nothing was asked")
    if saturated.processor < BUSY:
        found.append(f"the XCAP worker took only {saturated.processor:.0%} of a processor")
    for what, before, after, margin in (
        ("half of the answers took", idle.p50_ms, saturated.p50_ms, MARGIN_P50),
        ("99 of 100 answers took", idle.p99_ms, saturated.p99_ms, MARGIN_P99),
    ):
        if before is not None and after is not None and after > before * (1 + CHANGE) + margin:
            found.append(f"{what} {number(after)} ms instead of {number(before)}")
    return found


_HEAD = (
    "XCAP pool",
    "p50 ms",
    "p99 ms",
    "longest ms",
    "CPU ms for each",
    "XCAP /s",
    "of a CPU",
    "lost",
)


def answersTable(rows: Sequence[Row]) -> Table:
    """
    @param rows: those of one run.
    """
    byName = {row.name: row for row in rows}
    notes = []
    if byName.keys() >= {IDLE, SATURATED}:
        notes = reasons(byName[IDLE], byName[SATURATED])
    return Table(
        "SIP beside an XCAP pool",
        _HEAD,
        [
            (
                row.name,
                number(row.p50_ms),
                number(row.p99_ms),
                number(row.longest_ms),
                number(row.sip_ms),
                number(row.requests_per_s),
                f"{row.processor:.0%}",
                f"{row.lost} of {row.asked:,}",
            )
            for row in rows
        ],
        notes,
    )


def updatesTable(outcomes: Iterable[Outcome]) -> Table:
    found = list(outcomes)
    return Table(
        "Updates of one document",
        ("clients", "workers", "seconds", "updates", "refused with 412", "lost or wrong"),
        [
            (
                str(outcome.clients),
                str(outcome.workers),
                number(outcome.seconds),
                f"{outcome.done:,}",
                f"{outcome.refused:,}",
                str(len(outcome.faults)),
            )
            for outcome in found
        ],
        [fault for outcome in found for fault in outcome.faults[:10]],
    )

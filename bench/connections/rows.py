"""What a run has found, and whether that is as it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.table import Table, number

FILE = "connections.json"


@dataclass
class Share:
    """What one worker had of it.

    @ivar connections: that it held. @ivar mib: of memory, that is its own. @ivar grown: by how much
        of it since it was ready, with no connection. @ivar processor: the part of one that it took,
        from 0 to 1.
    """

    name: str
    connections: int
    mib: float
    grown: float
    processor: float


@dataclass
class Row:
    """A run.

    @ivar wanted: how many connections there were to be. @ivar registered: how many there were.
    @ivar registering: seconds that it took to connect and register them.
    @ivar seconds: for which calls were made, at C{rate} a second.
    @ivar pings: keep-alives sent. @ivar pongs: answers to them.
    @ivar closed: connections that the server has closed.
    @ivar calls: made. @ivar failed: those that were not answered, or not ended, with 200.
    @ivar p50_ms: until half of them were answered. @ivar p99_ms: 99 of 100. @ivar longest_ms: all.
    @ivar shares: what each worker had, as L{Share} has it.
    """

    wanted: int
    registered: int
    registering: float
    seconds: float
    rate: float
    interval: float
    pings: int
    pongs: int
    closed: int
    calls: int
    failed: int
    p50_ms: float | None
    p99_ms: float | None
    longest_ms: float | None
    reasons: list[str] = field(default_factory=list)
    shares: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> int:
        return self.wanted


def faults(row: Row) -> list[str]:
    """
    @return: in what a run is not as it should be.
    """
    found = []
    if row.registered < row.wanted:
        found.append(f"only {row.registered:,} of {row.wanted:,} phones could register")
    if row.closed:
        found.append(f"{row.closed:,} connections were closed")
    if row.failed:
        reasons = ", ".join(dict.fromkeys(row.reasons))
        found.append(f"{row.failed:,} of {row.calls:,} calls failed: {reasons}")
    if not row.calls:
        found.append("nobody has called")
    if row.pongs < row.pings:
        found.append(f"{row.pings - row.pongs:,} of {row.pings:,} keep-alives had no answer")
    return found


def table(row: Row) -> Table:
    shares = [Share(**each) for each in row.shares]
    return Table(
        f"{row.wanted:,} connections",
        ("worker", "connections", "share", "memory MiB", "grown by, KiB each", "processor"),
        [_line(each, row.registered) for each in shares] + [_all(shares, row)],
        [*_story(row), *faults(row)],
    )


def _line(share: Share, registered: int) -> Sequence[str]:
    return (
        share.name,
        f"{share.connections:,}",
        f"{share.connections / max(1, registered):.0%}",
        number(share.mib),
        number(share.grown * 1024 / share.connections if share.connections else None),
        f"{share.processor:.1%}",
    )


def _all(shares: Sequence[Share], row: Row) -> Sequence[str]:
    total = Share(
        "all",
        sum(each.connections for each in shares),
        sum(each.mib for each in shares),
        sum(each.grown for each in shares),
        sum(each.processor for each in shares),
    )
    return _line(total, row.registered)


def _story(row: Row) -> list[str]:
    return [
        f"{row.registered:,} phones connected and registered within {row.registering:.0f} s, each"
        f" sent a keep-alive every {row.interval:.0f} s: {row.pings:,}, of which {row.pongs:,} were"
        " answered",
        f"{row.calls:,} calls from phone to phone, {row.rate:g} a second for {row.seconds:.0f} s:"
        f" {row.failed:,} failed, half of the others were answered within {number(row.p50_ms)} ms,"
        f" 99 of 100 within {number(row.p99_ms)} ms, all within {number(row.longest_ms)} ms",
    ]

"""What was found, as tables with ratios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.compare.idle import IDLE
from bench.compare.rows import ORDER, Row
from bench.table import Table, number

_HEAD = ("server", "CPU µs", "", "ratio", "max/s", "ratio", "p50 ms", "p99 ms", "MiB", "failed")
_IDLE_HEAD = ("server", "KiB each", "ratio", "MiB", "CPU %", "µs a keep-alive", "ratio", "failed")


def tables(rows: Iterable[Row]) -> Iterator[Table]:
    """
    @return: a table for each cell.
    """
    cells: dict[tuple[str, str, int], dict[str, Row]] = {}
    for row in rows:
        cells.setdefault(row.cell, {})[row.server] = row
    for (scenario, transport, workers), found in cells.items():
        ours = found.get(ORDER[0])
        inOrder = [found[server] for server in ORDER if server in found]
        isIdle = scenario in IDLE
        name = f"{IDLE[scenario]:,} idle connections" if isIdle else scenario
        yield Table(
            f"{name} over {transport.upper()}, {workers} worker{'s' * (workers > 1)}",
            _IDLE_HEAD if isIdle else _HEAD,
            [(_idleCells if isIdle else _cells)(row, ours) for row in inOrder],
            [f"{row.server}: {row.note}" for row in inOrder if row.note],
        )


def _cells(row: Row, ours: Row | None) -> tuple[str, ...]:
    """
    @param ours: what sipapp has: the ratios are of this to the row.
    """
    bound = "≥ " if row.client_bound else ""
    return (
        row.server,
        number(row.cpu_us),
        f"({number(row.cpu_low)} to {number(row.cpu_high)})" if row.cpu_low is not None else "",
        ratio(ours.cpu_us if ours else None, row.cpu_us),
        bound + number(row.max_rate) if row.max_rate else number(None),
        ratio(ours.max_rate if ours else None, row.max_rate),
        number(row.p50_ms),
        number(row.p99_ms),
        number(row.rss_mib),
        str(row.failed) + (f" ({row.retransmissions} again)" if row.retransmissions else ""),
    )


def _idleCells(row: Row, ours: Row | None) -> tuple[str, ...]:
    return (
        row.server,
        number(row.kib_per_connection),
        ratio(ours.kib_per_connection if ours else None, row.kib_per_connection),
        number(row.rss_mib),
        number(row.cpu_percent),
        number(row.cpu_us),
        ratio(ours.cpu_us if ours else None, row.cpu_us),
        str(row.failed),
    )


def secondWorker(rows: Iterable[Row]) -> Iterator[str]:
    """
    @return: for each server, what a second worker costs and how evenly two share the work.
    """
    found = {row.key: row for row in rows}
    for (scenario, transport, workers, server), row in found.items():
        if workers != 2 or row.cpu_us is None or row.spread is None:
            continue
        single = found.get((scenario, transport, 1, server))
        cost = ratio(row.cpu_us, single.cpu_us if single else None)
        yield (
            f"{scenario} over {transport.upper()}, {server}:"
            + (f" CPU with two workers is {cost} of that with one," if cost else "")
            + f" shares of the two differ by {100 * row.spread:.0f} %"
        )


def ratio(ours: float | None, theirs: float | None) -> str:
    """
    @return: nothing if one of them is not known.
    """
    return f"{ours / theirs:.2f}" if ours is not None and theirs else ""

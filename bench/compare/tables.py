"""What was found, as text for a terminal: a table for each cell, with ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.compare.rows import ORDER, Row

_HEAD = ("server", "CPU µs", "", "ratio", "max/s", "ratio", "p50 ms", "p99 ms", "MiB", "failed")


def tables(rows: Iterable[Row]) -> str:
    """
    @return: a table for each cell, and below them how the marks of a second worker are met.
    """
    cells: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        cells.setdefault(row.cell, []).append(row)
    blocks = [_table(cell, found) for cell, found in cells.items()]
    marks = list(_secondWorker({row.key: row for found in cells.values() for row in found}))
    return "\n\n".join([*blocks, *(["\n".join(marks)] if marks else [])])


def _table(cell: tuple[str, str, int], rows: Sequence[Row]) -> str:
    scenario, transport, workers = cell
    title = f"{scenario} over {transport.upper()}, {workers} worker{'s' * (workers > 1)}"
    ours = next((row for row in rows if row.server == ORDER[0]), None)
    cells: list[tuple[str, ...]] = [_HEAD]
    cells += [_cells(row, ours) for row in sorted(rows, key=lambda row: ORDER.index(row.server))]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
    return "\n".join([title, *lines, *(f"{row.server}: {row.note}" for row in rows if row.note)])


def _cells(row: Row, ours: Row | None) -> tuple[str, ...]:
    """
    @param ours: what sipapp has: its ratio to this row is shown.
    """
    bound = "≥ " if row.client_bound else ""
    return (
        row.server,
        number(row.cpu_us),
        f"({number(row.cpu_low)} to {number(row.cpu_high)})" if row.cpu_low is not None else "",
        ratio(ours.cpu_us if ours else None, row.cpu_us),
        bound + number(row.max_rate),
        ratio(ours.max_rate if ours else None, row.max_rate),
        number(row.p50_ms),
        number(row.p99_ms),
        number(row.rss_mib),
        str(row.failed) + (f" ({row.retransmissions} again)" if row.retransmissions else ""),
    )


def _secondWorker(rows: dict[tuple[str, str, int, str], Row]) -> Iterable[str]:
    """What a second worker costs, and how evenly two share the work."""
    for (scenario, transport, workers, server), row in rows.items():
        if workers != 2 or row.cpu_us is None or row.spread is None:
            continue
        single = rows.get((scenario, transport, 1, server))
        cost = ratio(row.cpu_us, single.cpu_us if single else None)
        yield (
            f"{scenario} over {transport.upper()}, {server}: two workers cost {cost} of one,"
            f" and their shares differ by {100 * row.spread:.0f} %"
        )


def ratio(ours: float | None, theirs: float | None) -> str:
    """
    @return: nothing if one of them is not known.
    """
    return f"{ours / theirs:.2f}" if ours is not None and theirs else ""


def number(value: float | None) -> str:
    """
    @return: with three digits that count.
    """
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"

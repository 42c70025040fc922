"""Shows a plan as a table, for C{--check} and at start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sipapp.config.plan import SHARED, Plan


def describePlan(plan: Plan, pids: Mapping[str, Sequence[int]] | None = None) -> str:
    """
    @param pids: for each pool that runs, its worker processes by slot.
    @return: a line for each listener, with the pool and slots of it, under a heading; then one
        with the sums. Every line ends with a newline.
    """
    heading = ["LISTENER", "POOL", "SLOTS", "SIZE FROM", "RESOURCES"]
    if pids is not None:
        heading.append("WORKERS")
    rows = [heading]
    for listener in plan.listeners:
        pool = plan.pool(listener.pool)
        row = [
            listener.name,
            f"{pool.name} (shared)" if pool.name == SHARED else pool.name,
            str(pool.size),
            pool.reason,
            " ".join(listener.listen.chain),
        ]
        if pids is not None:
            row.append(" ".join(map(str, pids.get(pool.name, ()))))
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    sums = (
        _counted(len(plan.listeners), "listener", "listeners"),
        _counted(len(plan.pools), "pool", "pools"),
        _counted(plan.processes, "worker process", "worker processes"),
    )
    return "\n".join((*lines, ", ".join(sums), ""))


def _counted(number: int, singular: str, plural: str) -> str:
    return f"{number} {singular if number == 1 else plural}"

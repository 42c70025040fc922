"""A server at a glance, as lines of text: what C{sipappctl status} and C{sipappctl top} show."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import asdict

from sipapp.admin.figures import duration, milliseconds, percent, rate, size
from sipapp.admin.stats.overview import Overview, WorkerView
from sipapp.admin.tables import Column, Table, shown

__all__ = ["Line", "drawn", "summary"]

_BAR = 12

_POOLS = (
    Column("POOL", "name"),
    Column("KIND", "kind"),
    Column("READY", "filled", isNumber=True),
    Column("BUSY", "bar"),
    Column("", "busy", percent, isNumber=True),
    Column("LAG", "lag", milliseconds, isNumber=True),
    Column("REQ/S", "rate", rate, isNumber=True),
    Column("CONNECTIONS", "connections", isNumber=True),
    Column("TRANSACTIONS", "transactions", isNumber=True),
)
_WORKERS = (
    Column("WORKER", "name"),
    Column("PID", "pid", isNumber=True),
    Column("STATE", "state"),
    Column("RESTARTS", "restarts", isNumber=True),
    Column("BUSY", "busy", percent, isNumber=True),
    Column("LAG", "lag", milliseconds, isNumber=True),
    Column("MEMORY", "memory", size, isNumber=True),
    Column("REQ/S", "rate", rate, isNumber=True),
    Column("CONNECTIONS", "connections", isNumber=True),
    Column("TRANSACTIONS", "transactions", isNumber=True),
)


class Line(NamedTuple):
    """A line of a screen.

    @ivar isLoud: whether it is to be seen before others.
    """

    text: str
    isLoud: bool = False


def summary(now: Overview) -> list[str]:
    """
    @return: the server as a whole, and totals.
    """
    registrations = "unknown" if now.registrations < 0 else str(now.registrations)
    figures = {
        "workers": f"{sum(pool.ready for pool in now.pools)} of"
        f" {sum(pool.size for pool in now.pools)} ready",
        "calls": f"{now.calls} answered",
        "registrations": f"{registrations}, {now.registers} times registered",
        "connections": str(sum(pool.connections for pool in now.pools)),
        "transactions": str(sum(pool.transactions for pool in now.pools)),
        "banned": str(now.banned),
        "doctor": now.doctor.summary,
    }
    width = max(map(len, figures))
    return [
        _headline(now),
        *([] if now.ready else [f"not ready: {shown(now.unready)}"]),
        *(f"{name.ljust(width)}  {figures[name]}" for name in figures),
    ]


def drawn(before: Overview | None, now: Overview, width: int, height: int) -> list[Line]:
    """
    @param before: an earlier one; without it there are no rates.
    @param width: characters in a line.
    @param height: how many lines there may be. The workers that are worth a look come first.
    """
    seconds = 0.0 if before is None else now.time - before.time
    earlier = _requests(before)
    registrations = "?" if now.registrations < 0 else str(now.registrations)
    calls = _rate(now.calls, None if before is None else before.calls, seconds)
    registers = _rate(now.registers, None if before is None else before.registers, seconds)
    clock = time.strftime("%H:%M:%S", time.localtime(now.time))
    lines = [
        Line(f"{_headline(now)}  {clock}  {shown(now.unready)}".rstrip(), not now.ready),
        Line(
            f"calls {_shownRate(calls)}/s  registers {_shownRate(registers)}/s"
            f"  registrations {registrations}  banned {now.banned}"
        ),
        Line(now.doctor.summary, now.doctor.worst == "error"),
        Line(""),
    ]
    pools = [
        {
            **asdict(pool),
            "filled": f"{pool.ready}/{pool.size}",
            "bar": _bar(pool.busy),
            "rate": _rate(pool.requests, earlier.get(pool.name), seconds),
        }
        for pool in now.pools
    ]
    lines += _table(_POOLS, pools, [pool.ready < pool.size for pool in now.pools])
    lines.append(Line(""))
    ordered = sorted(now.workers, key=lambda worker: (worker.state == "ready", -worker.busy))
    workers = [
        {
            **(asdict(worker) if worker.answers else _unasked(worker)),
            "rate": _rate(worker.requests, earlier.get(worker.name), seconds),
        }
        for worker in ordered
    ]
    lines += _table(_WORKERS, workers, [worker.state != "ready" for worker in ordered])
    if len(lines) > height:
        hidden = len(lines) - height + 1
        lines[height - 1 :] = [Line(f"({hidden} more)")]
    return [Line(line.text[:width], line.isLoud) for line in lines]


def _headline(now: Overview) -> str:
    state = "ready" if now.ready else "NOT READY"
    return f"sipapp {now.version}  {state}  up {duration(now.uptime)}  generation {now.generation}"


def _table(
    columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], isLoud: Sequence[bool]
) -> list[Line]:
    titles, *lines = Table(columns).lines(rows)
    return [Line(titles), *map(Line, lines, isLoud)]


def _unasked(worker: WorkerView) -> dict[str, Any]:
    """What is known of a worker that has not answered."""
    known = ("name", "pid", "state", "restarts")
    return {key: value for key, value in asdict(worker).items() if key in known}


def _requests(before: Overview | None) -> dict[str, int]:
    """Of each pool and worker: their names differ."""
    if before is None:
        return {}
    pools = {pool.name: pool.requests for pool in before.pools}
    return pools | {worker.name: worker.requests for worker in before.workers}


def _rate(count: int, before: int | None, seconds: float) -> float | None:
    """
    @return: events a second; C{None} if that cannot be told: nobody has looked before, or another
        process counts now.
    """
    if before is None or count < before or seconds <= 0:
        return None
    return (count - before) / seconds


def _shownRate(perSecond: float | None) -> str:
    return "-" if perSecond is None else rate(perSecond)


def _bar(part: float) -> str:
    filled = round(min(max(part, 0.0), 1.0) * _BAR)
    return "[" + "|" * filled + " " * (_BAR - filled) + "]"

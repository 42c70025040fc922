"""Makes an overview of what was gathered."""

from __future__ import annotations

from sipapp import __version__
from sipapp.admin.methods.workforce import WorkerEntry
from sipapp.admin.stats.gathering import Gathered
from sipapp.admin.stats.overview import DoctorView, Overview, PoolView, WorkerView
from sipapp.admin.stats.snapshot import Snapshot
from sipapp.config import PoolPlan

__all__ = ["overviewOf"]


def overviewOf(gathered: Gathered) -> Overview:
    """Those of a server."""
    snapshot = gathered.snapshot
    workers = [_worker(snapshot, each) for each in gathered.states]
    report = gathered.report
    return Overview(
        time=gathered.time,
        version=__version__,
        uptime=max(gathered.time - gathered.began, 0.0),
        ready=not gathered.unready,
        unready=gathered.unready,
        generation=int(snapshot.sum("generation")),
        pools=[_pool(gathered, each, workers) for each in gathered.plan.pools],
        workers=workers,
        calls=_accepted(snapshot, "INVITE"),
        registers=_accepted(snapshot, "REGISTER"),
        registrations=int(next((n for _, n in snapshot.rows("registrations")), -1)),
        doctor=DoctorView(
            worst=None if report is None else report.worst,
            summary="not here yet" if report is None else report.summary,
            findings=[] if report is None else list(report.findings),
        ),
        bans=gathered.bans,
        banned=int(snapshot.sum("bans")),
    )


def _worker(snapshot: Snapshot, entry: WorkerEntry) -> WorkerView:
    pool, _, slot = entry.name.rpartition("/")
    answers = snapshot.sum("worker_answers", pool=pool, slot=slot) > 0

    def sum(name: str) -> float:
        return snapshot.sum(name, pool=pool, slot=slot)

    waits = snapshot.rows("queue_wait_recent_seconds", pool=pool, slot=slot)
    lag = max((wait for _, wait in waits), default=0.0)
    return WorkerView(
        name=entry.name,
        pool=pool,
        pid=entry.pid,
        state=entry.state,
        restarts=entry.restarts,
        answers=answers,
        busy=round(sum("busy_ratio"), 4),
        lag=round(max(sum("loop_lag_recent_seconds"), lag), 4),
        memory=int(sum("worker_memory_bytes")),
        connections=int(sum("connections")),
        transactions=int(sum("transactions")),
        requests=int(sum("requests_received") + sum("web_requests")),
    )


def _pool(gathered: Gathered, plan: PoolPlan, workers: list[WorkerView]) -> PoolView:
    own = [each for each in workers if each.pool == plan.name]
    listeners = [each for each in gathered.plan.listeners if each.index in plan.listeners]
    answering = [each for each in own if each.answers]
    names = [name for listener in listeners for name in listener.listen.chain]
    snapshot = gathered.snapshot
    requests = sum(
        snapshot.sum(name, pool=plan.name) for name in ("requests_received", "web_requests")
    )
    return PoolView(
        name=plan.name,
        kind="web" if plan.kind == "web" else "sip",
        endpoints=[each.name for each in listeners],
        resources=list(dict.fromkeys(names)),
        size=plan.size,
        ready=sum(each.state == "ready" for each in own),
        busy=round(sum(each.busy for each in answering) / max(len(answering), 1), 4),
        lag=max((each.lag for each in own), default=0.0),
        requests=int(requests),
        connections=sum(each.connections for each in own),
        transactions=sum(each.transactions for each in own),
    )


def _accepted(snapshot: Snapshot, method: str) -> int:
    """How many requests of a method were answered with 2xx."""
    rows = snapshot.rows("responses_sent", method=method)
    return int(sum(count for row, count in rows if row["code"].startswith("2")))

"""Workers that are near a limit of theirs."""

from __future__ import annotations

from collections.abc import Iterator

from sipapp.admin.doctor.checks.check import Checks, Found
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding
from sipapp.admin.doctor.host import Host
from sipapp.config import PoolPlan

__all__ = ["LIVE_CHECKS"]

_ESTABLISHED = "01"


def connections(host: Host, demand: Demand) -> Found:
    """Connections of each worker against C{[listen.limits] connections}."""
    rows = [
        (row.get("inode", ""), int(row["local_address"].rpartition(":")[2], 16))
        for table in (("tcp", "tcp6") if demand.workers else ())
        for row in host.sockets(table)
        if row.get("st") == _ESTABLISHED
    ]
    for name, pid, pool in _workers(demand):
        listeners = [demand.plan.listeners[index] for index in pool.listeners]
        ports = {each.port for each in listeners if each.transport != "udp"}
        most = demand.accepted(pool)
        if not ports:
            continue
        own = host.processSockets(pid)
        count = sum(inode in own and port in ports for inode, port in rows)
        if count * 10 >= most * 9:
            yield Finding(
                "warning",
                "worker-connections",
                f"{name}: {count} of {most} connections",
                "less than 90 %",
                "those beyond the limit are refused",
                "[listen.limits] connections, or more workers",
            )


def memory(host: Host, demand: Demand) -> Found:
    """What each worker occupies for itself against C{[pools] memory_limit}."""
    limit = demand.settings.pools.memoryLimit
    if limit is None:
        return
    for name, pid, _ in _workers(demand):
        fields = {
            field: int(value.split()[0])
            for field, _, value in (
                line.partition(":") for line in host.lines(f"/proc/{pid}/status")
            )
            if field == "RssAnon"
        }
        # In KiB, as the kernel shows it.
        own = fields.get("RssAnon", 0) >> 10
        if own * 10 >= limit * 9:
            yield Finding(
                "warning",
                "worker-memory",
                f"{name}, pid {pid}: {own} of {limit} MiB",
                "less than 90 %",
                "beyond the limit another worker takes its place, and the next one grows again"
                " unless the cause is found",
                "[pools] memory_limit, if this is what a busy worker needs",
            )


def _workers(demand: Demand) -> Iterator[tuple[str, int, PoolPlan]]:
    """Name, process id and pool of those that run and that the plan knows."""
    pools = {pool.name: pool for pool in demand.plan.pools}
    for name, pid in demand.workers.items():
        pool = pools.get(name.partition("/")[0])
        if pool is not None:
            yield name, pid, pool


LIVE_CHECKS: Checks = {"worker-connections": connections, "worker-memory": memory}

"""Processes: what they need, and how many there are."""

from __future__ import annotations

from sipapp.admin.doctor.checks.check import Checks, Found
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding
from sipapp.admin.doctor.host import Host

__all__ = ["CHECKS"]

_BUSY_POOL = 20_000
_CROWD = 4


def memory(host: Host, demand: Demand) -> Found:
    """What the machine and the control groups give, against what the workers need."""
    group = host.controlGroupLimit("memory", "memory.max", "memory.limit_in_bytes")
    limits = [each for each in (group, host.memory) if each is not None]
    wanted = demand.mostMemory
    if not limits or min(limits) >= wanted:
        return
    limit = min(limits)
    isTooSmall = limit < demand.leastMemory
    yield Finding(
        "error" if isTooSmall else "warning",
        "memory",
        f"{_MiB(limit)} for {demand.plan.processes} workers",
        f"at least {_MiB(wanted)}",
        "the kernel kills the workers one after the other for want of memory"
        if isTooSmall
        else "fresh workers of a reload start while those of before are there, as large as they"
        " have grown: the kernel may kill some",
        f"MemoryMax={wanted >> 20}M in the unit, or fewer workers: [pools] children"
        if limit == group
        else "fewer workers: [pools] children",
    )


def tasks(host: Host, demand: Demand) -> Found:
    """What the control groups allow, against the threads of all processes."""
    limit = host.controlGroupLimit("pids", "pids.max", "pids.max")
    if limit is not None and limit < demand.tasks:
        yield Finding(
            "warning",
            "tasks",
            f"{limit} processes and threads",
            f"at least {demand.tasks}",
            "each worker has up to eleven threads, and there are twice as many workers during a"
            " reload: those beyond the limit cannot start",
            f"TasksMax={demand.tasks} in the unit",
        )


def poolConnections(host: Host, demand: Demand) -> Found:
    """Connections of each worker, where there are CPUs for more workers."""
    cores = host.cores
    for pool in demand.plan.pools:
        each = demand.accepted(pool)
        if cores is not None and each > _BUSY_POOL and pool.size < cores:
            listener = demand.plan.listeners[pool.listeners[0]]
            table, _, key = pool.reason.rpartition(".")
            isShared = table == "pools"
            where = "[pools]" if isShared else f"[[listen]] of {listener.name}:"
            yield Finding(
                "warning",
                "pool-connections",
                f"{pool.name}: {pool.size} of {cores} CPUs, {each} connections for each worker",
                f"at most {_BUSY_POOL} for each, or as many workers as CPUs",
                "when all of them register anew at once, one process has to do it alone",
                f"{where} {key if isShared else 'socket_workers'} = {cores}",
            )


def poolCores(host: Host, demand: Demand) -> Found:
    """Workers against CPUs."""
    cores = host.cores
    if cores is not None and demand.plan.processes > _CROWD * cores:
        yield Finding(
            "note",
            "pool-cores",
            f"{demand.plan.processes} workers on {cores} CPUs",
            f"at most {_CROWD * cores}",
            "more processes than CPUs gain nothing when all are busy, and each occupies 40 MiB",
            "[pools] children, or socket_workers of listeners with little to do",
        )


def _MiB(size: int) -> str:
    return f"{size >> 20} MiB"


CHECKS: Checks = {
    "memory": memory,
    "tasks": tasks,
    "pool-connections": poolConnections,
    "pool-cores": poolCores,
}

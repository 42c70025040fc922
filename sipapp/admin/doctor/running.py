"""Which server a doctor is asked about: one that runs, or one that might."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.examination import Report, examine
from sipapp.admin.doctor.host import Host
from sipapp.admin.rollcall import ROLL_CALL
from sipapp.config import Plan, Settings

__all__ = ["diagnose", "runningWorkers"]


def diagnose(settings: Settings, plan: Plan, root: Path | str = "/") -> Report:
    """Make all checks. If a server with this run directory runs, its limits and control groups
    count; otherwise those of this process, which would be those of a server that it starts.

    @param root: as for L{Host}.
    """
    workers = runningWorkers(Host(root), settings.server.runDirectory)
    process = next(iter(workers.values()), None)
    host = Host(root, "self" if process is None else process)
    return examine(host, Demand(settings, plan, dict(workers)))


def runningWorkers(host: Host, runDirectory: str) -> Mapping[str, int]:
    """
    @return: process ids by the name of the worker; none if no server runs there, or if it is
        somebody else's and the directory cannot be read.
    """
    data = host.read(f"{runDirectory}/{ROLL_CALL}")
    try:
        workers = {each["name"]: each["pid"] for each in json.loads(data or "[]")}
    except (ValueError, TypeError, KeyError):
        return {}
    # What a server that was killed has left behind may name processes of others by now.
    return {
        name: pid
        for name, pid in workers.items()
        if pid is not None and b"sipapp" in (host.read(f"/proc/{pid}/cmdline") or b"")
    }

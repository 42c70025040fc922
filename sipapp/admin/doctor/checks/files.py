"""Open files: each connection is one."""

from __future__ import annotations

from sipapp.admin.doctor.checks.check import Checks, Found, atLeast
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding, sysctl
from sipapp.admin.doctor.host import UNLIMITED, Host

__all__ = ["CHECKS", "LIVE_CHECKS"]


def openFiles(host: Host, demand: Demand) -> Found:
    """C{RLIMIT_NOFILE} against the connections that a worker may have."""
    limit = host.limit("Max open files")
    wanted = demand.mostDescriptors
    if limit is None or limit >= wanted:
        return
    cannotRun = limit < demand.parentDescriptors
    yield Finding(
        "error" if cannotRun else "warning",
        "open-files",
        f"{limit} in each process",
        f"at least {wanted}",
        "the parent needs more for the sockets and workers alone"
        if cannotRun
        else "a worker that has none left opens no connection and no file, while its limits of"
        " connections allow more",
        f"LimitNOFILE={wanted} in the unit; without systemd, before the start: ulimit -n {wanted}",
    )


def openFilesCeiling(host: Host, demand: Demand) -> Found:
    """C{fs.nr_open}: what C{RLIMIT_NOFILE} can be raised to."""
    why = "no process can be allowed more open files than this, so LimitNOFILE fails"
    return atLeast(host, "open-files-ceiling", "fs.nr_open", demand.mostDescriptors, why)


def allFiles(host: Host, demand: Demand) -> Found:
    """C{fs.file-max}: what all processes of the machine have together."""
    why = "all processes together need so many when every connection that is allowed is open"
    return atLeast(host, "all-files", "fs.file-max", demand.allDescriptors, why)


def epollWatches(host: Host, demand: Demand) -> Found:
    """C{fs.epoll.max_user_watches}: a watch for each descriptor that a reactor waits for."""
    why = "every connection is watched by epoll, and those of one user are counted together"
    key = "fs.epoll.max_user_watches"
    return atLeast(host, "epoll-watches", key, demand.allDescriptors, why)


def inotifyInstances(host: Host, demand: Demand) -> Found:
    """C{fs.inotify.max_user_instances}: one for each worker that follows documents."""
    listeners = [each for each in demand.plan.listeners if "xcap" in each.listen.chain]
    pools = {each.pool: each.slots for each in listeners}
    if pools:
        # The workers of before are there until those that follow them have taken over.
        yield from atLeast(
            host,
            "inotify-instances",
            "fs.inotify.max_user_instances",
            2 * sum(pools.values()),
            "a worker that gets none notices changes of documents by others up to a second later",
        )


def fileHandles(host: Host, demand: Demand) -> Found:
    """How many of C{fs.file-max} are used."""
    found = host.numbers("fs.file-nr")
    if found is None or len(found) != 3:
        return
    used, _, most = found
    if used * 5 < most * 4:
        return
    yield Finding(
        "error" if used * 20 >= most * 19 else "warning",
        "file-handles",
        f"{used} of {most} in use",
        "less than 80 %",
        "when they are used up, nobody on the machine can open a file or connection",
        sysctl("fs.file-max", min(2 * most, UNLIMITED)),
    )


CHECKS: Checks = {
    "open-files": openFiles,
    "open-files-ceiling": openFilesCeiling,
    "all-files": allFiles,
    "epoll-watches": epollWatches,
    "inotify-instances": inotifyInstances,
}

LIVE_CHECKS: Checks = {"file-handles": fileHandles}

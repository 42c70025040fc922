"""Connections that end: TIME-WAIT, orphans, and those that nobody closes."""

from __future__ import annotations

from sipapp.admin.doctor.checks.check import Checks, Found, atLeast
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding, sysctl
from sipapp.admin.doctor.host import Host

__all__ = ["CHECKS", "LIVE_CHECKS"]

_TIMESTAMPS = "net.ipv4.tcp_timestamps"
_REUSE = "net.ipv4.tcp_tw_reuse"
_BUCKETS = "net.ipv4.tcp_max_tw_buckets"
_ORPHANS = "net.ipv4.tcp_max_orphans"

# In /proc/net/tcp.
_CLOSE_WAIT = "08"
_HELD = 20
"""So many a worker may have at a moment, because it is about to read of their end."""


def timestamps(host: Host, demand: Demand) -> Found:
    """C{net.ipv4.tcp_timestamps}."""
    if demand.streams and host.number(_TIMESTAMPS) == 0:
        yield Finding(
            "warning",
            "tcp-timestamps",
            f"{_TIMESTAMPS} = 0",
            "1",
            "TIME-WAIT cannot be reused safely without them, and a connection that began with a"
            " SYN cookie has neither large windows nor selective acknowledgements",
            sysctl(_TIMESTAMPS, 1),
        )


def timeWaitReuse(host: Host, demand: Demand) -> Found:
    """C{net.ipv4.tcp_tw_reuse}: for the connections that we open."""
    if host.number(_REUSE) == 0:
        yield Finding(
            "note",
            "time-wait-reuse",
            f"{_REUSE} = 0",
            "1; or 2, the kernel's default, for loopback alone",
            "connections that this server opens and closes keep their port for a minute; with 1"
            " one that opens many to the same trunk does not run out of ports. It does nothing"
            " for those that come in",
            sysctl(_REUSE, 1),
        )


def timeWaitBuckets(host: Host, demand: Demand) -> Found:
    """C{net.ipv4.tcp_max_tw_buckets} against the connections that may end at once."""
    why = (
        "when as many connections as may be open end at once, those beyond it skip TIME-WAIT, and"
        " late segments of theirs meet new connections"
    )
    return atLeast(host, "time-wait-buckets", _BUCKETS, demand.connections, why)


def orphanLimit(host: Host, demand: Demand) -> Found:
    """C{net.ipv4.tcp_max_orphans} against the connections that may be closed at once."""
    why = (
        "when a network fails, the server closes connections whose peers do not answer; those"
        " beyond it are reset, and what was still to be sent is lost"
    )
    return atLeast(host, "orphan-limit", _ORPHANS, demand.connections, why)


def timeWait(host: Host, demand: Demand) -> Found:
    """How many are in TIME-WAIT."""
    yield from _share(host, "time-wait", "tw", _BUCKETS, "connections skip TIME-WAIT")


def orphans(host: Host, demand: Demand) -> Found:
    """How many are closed by us, and not yet by their peers."""
    yield from _share(host, "orphans", "orphan", _ORPHANS, "the kernel resets connections")


def _share(host: Host, name: str, counter: str, key: str, then: str) -> Found:
    used = host.socketCounters().get("TCP", {}).get(counter, 0)
    most = host.number(key)
    if most is not None and used * 5 >= most * 4:
        yield Finding(
            "warning",
            name,
            f"{used} of {most}",
            "less than 80 %",
            f"when there are more, {then}",
            sysctl(key, 2 * most),
        )


def timeWaitOverflow(host: Host, demand: Demand) -> Found:
    """C{TCPTimeWaitOverflow}."""
    count = host.counters("/proc/net/netstat").get("TcpExt", {}).get("TCPTimeWaitOverflow", 0)
    most = host.number(_BUCKETS)
    if count and most is not None:
        yield Finding(
            "warning",
            "time-wait-overflow",
            f"TCPTimeWaitOverflow = {count} since boot",
            "0",
            f"so many connections found no place among the {most} that may be in TIME-WAIT",
            sysctl(_BUCKETS, 2 * most),
        )


def closeWait(host: Host, demand: Demand) -> Found:
    """Connections that a worker holds although their peers have closed them."""
    waiting = {
        row["inode"]
        for table in ("tcp", "tcp6")
        for row in host.sockets(table)
        if row.get("st") == _CLOSE_WAIT and "inode" in row
    }
    for name, pid in demand.workers.items() if waiting else ():
        held = len(waiting & host.processSockets(pid))
        if held > _HELD:
            yield Finding(
                "error",
                "close-wait",
                f"{held} connections in CLOSE-WAIT held by {name}, pid {pid}",
                "none for longer than a moment",
                "their peers have closed them and the worker has not: this is a bug of sipapp, or"
                " the worker is stuck. Please report it with the stack that the log has then",
                f"kill -USR1 {pid}",
            )


CHECKS: Checks = {
    "tcp-timestamps": timestamps,
    "time-wait-reuse": timeWaitReuse,
    "time-wait-buckets": timeWaitBuckets,
    "orphan-limit": orphanLimit,
}

LIVE_CHECKS: Checks = {
    "time-wait": timeWait,
    "time-wait-overflow": timeWaitOverflow,
    "orphans": orphans,
    "close-wait": closeWait,
}

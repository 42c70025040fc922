"""What happens to packets before they get to a socket."""

from __future__ import annotations

from sipapp.admin.doctor.checks.check import Checks, Found, atLeast
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding, sysctl
from sipapp.admin.doctor.host import Host

__all__ = ["CHECKS", "LIVE_CHECKS"]

_QUEUE = "net.core.netdev_max_backlog"
_TABLE = "net.netfilter.nf_conntrack_max"
_TRACKED = "net.netfilter.nf_conntrack_count"
_OPTIONS = "net.core.optmem_max"

_SOFTNET = ("processed", "dropped", "time_squeeze")
"""C{/proc/net/softnet_stat} has no names; the kernel adds columns at the end only."""

_LONG_PROGRAM = 131_072
_CAP_BPF = 39
_CAP_SYS_ADMIN = 21


def packetQueue(host: Host, demand: Demand) -> Found:
    """C{net.core.netdev_max_backlog}."""
    why = (
        "packets of loopback, of devices without NAPI, and of those that one CPU hands to another"
        " wait here for the CPU; when it is full they are dropped"
    )
    return atLeast(host, "packet-queue", _QUEUE, 1000, why)


def steeringWindow(host: Host, demand: Demand) -> Found:
    """C{net.core.optmem_max} against the program that finds the worker of a datagram."""
    isSteered = any(listener.slots > 1 for listener in demand.datagrams)
    isPrivileged = (
        demand.settings.server.user is not None
        or host.mayUse(_CAP_BPF)
        or host.mayUse(_CAP_SYS_ADMIN)
    )
    if isSteered and not isPrivileged:
        yield from atLeast(
            host,
            "steering-window",
            _OPTIONS,
            _LONG_PROGRAM,
            "the program that gives each datagram to the worker of its Call-ID is cut to this size,"
            " and searches only some 250 bytes of the head with 20480; what it does not find costs"
            " a hop from worker to worker; it counts for a server that is started afterwards."
            " Started as root, the server has another program that needs none of it",
        )


def tracking(host: Host, demand: Demand) -> Found:
    """Whether the kernel keeps an entry for each connection and flow."""
    count = host.number(_TRACKED) if host.has(_TABLE) else None
    if count:
        yield Finding(
            "note",
            "connection-tracking",
            f"nf_conntrack is at work, with {count} entries",
            "none for the ports of this server",
            "it costs time for each packet and an entry for each phone; a server behind no address"
            " translation needs none",
            _untracked(demand),
        )


def trackingTable(host: Host, demand: Demand) -> Found:
    """C{nf_conntrack_max} against the connections."""
    if host.has(_TABLE) and host.number(_TRACKED):
        why = "each connection is an entry, and those that find the table full are dropped"
        wanted = demand.connections + demand.outgoing
        yield from atLeast(host, "connection-tracking-table", _TABLE, wanted, why)


def trackingFull(host: Host, demand: Demand) -> Found:
    """How full the table is."""
    if not host.has(_TABLE):
        return
    count, most = host.number(_TRACKED), host.number(_TABLE)
    if count is not None and most and count * 10 >= most * 7:
        yield Finding(
            "error" if count * 20 >= most * 19 else "warning",
            "connection-tracking-full",
            f"{count} of {most} entries",
            "less than 70 %",
            "when the table is full, the kernel drops every packet that belongs to no entry",
            sysctl(_TABLE, 2 * most),
        )


def packetDrops(host: Host, demand: Demand) -> Found:
    """Packets that found the queue of their CPU full."""
    total = dict.fromkeys(_SOFTNET, 0)
    for line in host.lines("/proc/net/softnet_stat"):
        for name, value in zip(_SOFTNET, line.split(), strict=False):
            total[name] += int(value, 16)
    size = host.number(_QUEUE)
    if total["dropped"] and size is not None:
        isRare = total["dropped"] * 1_000_000 <= total["processed"]
        yield Finding(
            "note" if isRare else "warning",
            "packet-drops",
            f"{total['dropped']} of {total['processed']} packets dropped since boot",
            "0",
            f"a CPU had {size} packets waiting: it is too busy, or they come in bursts",
            sysctl(_QUEUE, 2 * size),
        )


def _untracked(demand: Demand) -> str:
    """
    @return: the rules that leave the packets of the listeners alone, in both directions.
    """
    listeners = demand.plan.listeners
    protocols = sorted({"udp" if each.transport == "udp" else "tcp" for each in listeners})
    ports = ", ".join(map(str, sorted({each.port for each in listeners})))
    commands = ["add table inet sipapp"]
    for hook, side in (("prerouting", "dport"), ("output", "sport")):
        # "in" and "out", which would be shorter, are words of nft's own before version 1.0.
        commands += [
            f"add chain inet sipapp {hook} {{ type filter hook {hook} priority raw; }}",
            f"add rule inet sipapp {hook} meta l4proto {{ {', '.join(protocols)} }}"
            f" th {side} {{ {ports} }} notrack",
        ]
    return f"nft '{'; '.join(commands)}'"


CHECKS: Checks = {
    "packet-queue": packetQueue,
    "steering-window": steeringWindow,
    "connection-tracking": tracking,
    "connection-tracking-table": trackingTable,
}

LIVE_CHECKS: Checks = {
    "connection-tracking-full": trackingFull,
    "packet-drops": packetDrops,
}

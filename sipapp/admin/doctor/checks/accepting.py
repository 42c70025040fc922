"""Connections that wait to be accepted."""

from __future__ import annotations

from sipapp.admin.doctor.checks.check import Checks, Found, atLeast
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding, Severity, sysctl
from sipapp.admin.doctor.host import Host

__all__ = ["CHECKS", "LIVE_CHECKS"]

_COOKIES = "net.ipv4.tcp_syncookies"
_SOME = 10_000
"""One loss in so many is not worth a warning."""


def acceptQueue(host: Host, demand: Demand) -> Found:
    """C{net.core.somaxconn} against the backlog that the listeners ask for."""
    if demand.streams:
        yield from atLeast(
            host,
            "accept-queue",
            "net.core.somaxconn",
            demand.backlog,
            "the kernel cuts the backlog of each listener down to this, and when all phones come"
            " back at once those that do not fit try again a second later, or later still; it"
            " counts for a server that is started afterwards",
        )


def synCookies(host: Host, demand: Demand) -> Found:
    """C{net.ipv4.tcp_syncookies}: what happens when too many handshakes are unfinished."""
    found = host.number(_COOKIES)
    if not demand.streams or found in (None, 1):
        return
    yield Finding(
        "warning",
        "syn-cookies",
        f"{_COOKIES} = {found}",
        "1",
        "without them a flood of SYN keeps everybody else out"
        if found == 0
        else "cookies are sent even when nothing is wrong, which is for tests: they cost options of"
        " TCP",
        sysctl(_COOKIES, 1),
    )


def synBacklog(host: Host, demand: Demand) -> Found:
    """C{net.ipv4.tcp_max_syn_backlog}, which counts only where there are no cookies."""
    if demand.streams and host.number(_COOKIES) == 0:
        yield from atLeast(
            host,
            "syn-backlog",
            "net.ipv4.tcp_max_syn_backlog",
            demand.backlog,
            "without SYN cookies the kernel drops handshakes of unknown peers when three quarters"
            " of this are unfinished",
        )


def acceptOverflows(host: Host, demand: Demand) -> Found:
    """C{ListenOverflows}: handshakes that were finished, with no place in the queue."""
    count, severity = _lost(host, "ListenOverflows")
    if count:
        yield Finding(
            severity,
            "accept-overflows",
            f"ListenOverflows = {count} since boot",
            "0",
            "connections came faster than the processes of a listener took them; it may be any"
            " listener of this machine: ss -ltn shows the queues",
            "more workers for the listener: socket_workers in [[listen]], or [pools] tcp_children",
        )


def acceptDrops(host: Host, demand: Demand) -> Found:
    """C{ListenDrops}: SYN and ACK dropped, those of C{ListenOverflows} among them."""
    overflows, _ = _lost(host, "ListenOverflows")
    count, severity = _lost(host, "ListenDrops")
    if count > overflows:
        yield Finding(
            severity,
            "accept-drops",
            f"ListenDrops = {count} since boot, {count - overflows} for other reasons than a full"
            " queue",
            "0",
            "the kernel had no memory for a connection, or dropped the SYN of an unknown peer",
            "look at tcp-memory and syn-cookies first; then: nstat -az | grep -i listen",
        )


def synCookiesSent(host: Host, demand: Demand) -> Found:
    """C{SyncookiesSent}: how often unfinished handshakes had filled a queue."""
    count, severity = _lost(host, "SyncookiesSent")
    if count:
        yield Finding(
            severity,
            "syn-cookies-sent",
            f"SyncookiesSent = {count} since boot",
            "0",
            "more handshakes were unfinished than a listener's queue holds: a flood of SYN, or too"
            " many phones at once for the present somaxconn",
            "journalctl -k | grep 'SYN flooding' names the port; see accept-queue",
        )


def _lost(host: Host, name: str) -> tuple[int, Severity]:
    """
    @param name: of a counter of C{TcpExt}.
    @return: it, and how bad that is for as many connections as there have been.
    """
    count = host.counters("/proc/net/netstat").get("TcpExt", {}).get(name, 0)
    opened = host.counters("/proc/net/snmp").get("Tcp", {}).get("PassiveOpens", 0)
    return count, "warning" if count * _SOME > opened else "note"


CHECKS: Checks = {
    "accept-queue": acceptQueue,
    "syn-cookies": synCookies,
    "syn-backlog": synBacklog,
}

LIVE_CHECKS: Checks = {
    "accept-overflows": acceptOverflows,
    "accept-drops": acceptDrops,
    "syn-cookies-sent": synCookiesSent,
}

"""Settings that Linux has removed, or does not heed any more."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from sipapp.admin.doctor.checks.check import Checks, Found
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding
from sipapp.admin.doctor.host import Host

__all__ = ["CHECKS", "REMOVED", "Removed"]


class Removed(NamedTuple):
    """
    @ivar since: the kernel version.
    @ivar why: what has become of it.
    """

    since: tuple[int, int]
    why: str


_ROUTE_CACHE = "there is no cache of IPv4 routes any more that it could bound"

REMOVED = {
    "fs.epoll.max_user_instances": Removed(
        (2, 6), "it came with 2.6.27.8 and went with 2.6.29; max_user_watches has stayed"
    ),
    "net.ipv4.tcp_tw_recycle": Removed(
        (4, 12), "it lost connections of phones behind one address, and was removed for that"
    ),
    "net.ipv4.route.max_size": Removed((3, 6), _ROUTE_CACHE),
    "net.ipv4.route.gc_thresh": Removed((3, 6), _ROUTE_CACHE),
    "net.ipv4.route.gc_interval": Removed((3, 6), _ROUTE_CACHE),
    "net.ipv4.route.secret_interval": Removed((3, 6), _ROUTE_CACHE),
    "net.ipv4.netfilter.ip_conntrack_max": Removed(
        (4, 9), "it is net.netfilter.nf_conntrack_max now"
    ),
    "net.ipv4.ip_conntrack_max": Removed((4, 9), "it is net.netfilter.nf_conntrack_max now"),
    "net.ipv4.tcp_low_latency": Removed((4, 14), "the queue that it switched off is gone"),
    "net.ipv4.tcp_fack": Removed((4, 15), "RACK has taken the place of FACK"),
}
"""By key."""


def removed(host: Host, demand: Demand) -> Found:
    """Those that are still set at boot."""
    release = host.release
    for file, written, value in host.assignments():
        # Dots and slashes may change places in these files.
        key = written.replace("/", ".")
        entry = REMOVED.get(key)
        if entry is not None and release >= entry.since:
            yield Finding(
                "note",
                "removed-settings",
                f"{file} sets {key} = {value}",
                "no such line",
                f"Linux has ignored it since {'.'.join(map(str, entry.since))}: {entry.why}",
                f"sed -i '\\|^[-[:space:]]*{written}[[:space:]]*=|d' {shlex.quote(file)}",
            )


CHECKS: Checks = {"removed-settings": removed}

"""Local ports of the connections that the server opens."""

from __future__ import annotations

from sipapp.admin.doctor.checks.check import Checks, Found
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding, sysctl
from sipapp.admin.doctor.host import Host

__all__ = ["CHECKS"]

_RANGE = "net.ipv4.ip_local_port_range"
_RESERVED = "net.ipv4.ip_local_reserved_ports"

_WIDE = (10_240, 65_535)
"""Above what is listened at, usually, and below what there is."""


def portRange(host: Host, demand: Demand) -> Found:
    """C{net.ipv4.ip_local_port_range} against the connections that may be opened."""
    found = host.numbers(_RANGE)
    if found is None or len(found) != 2:
        return
    ports = found[1] - found[0] + 1
    wanted = min(demand.outgoing, _WIDE[1] - _WIDE[0] + 1)
    if ports < wanted:
        yield Finding(
            "note",
            "port-range",
            f"{_RANGE} = {found[0]} {found[1]}, {ports} ports",
            f"at least {wanted} ports",
            "each connection to one and the same server needs a port of its own, and the workers"
            f" may open {demand.outgoing}; different servers can share ports",
            sysctl(_RANGE, *_WIDE),
        )


def portsReserved(host: Host, demand: Demand) -> Found:
    """Whether the kernel gives ports away that the server listens at."""
    found = host.numbers(_RANGE)
    if found is None or len(found) != 2:
        return
    written = (host.text(f"/proc/sys/{_RESERVED.replace('.', '/')}") or "").strip()
    reserved = [_span(each) for each in written.split(",") if each]
    taken = sorted(
        {
            listener.port
            for listener in demand.plan.listeners
            if found[0] <= listener.port <= found[1]
            and not any(listener.port in span for span in reserved)
        }
    )
    if taken:
        yield Finding(
            "warning",
            "reserved-ports",
            f"{', '.join(map(str, taken))} in the range {found[0]} to {found[1]} of {_RANGE}",
            "reserved, or outside of it",
            "while the server does not run, any program may be given such a port for a connection"
            " of its own, and then the server cannot start",
            sysctl(_RESERVED, ",".join([*filter(None, [written]), *map(str, taken)])),
        )


def _span(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


CHECKS: Checks = {"port-range": portRange, "reserved-ports": portsReserved}

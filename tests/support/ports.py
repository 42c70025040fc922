"""Ports that nobody uses, chosen at run time.

They come from below the kernel's ephemeral range, so that no client socket of a parallel test
takes one between the choice and the use, and every worker process of pytest-xdist has a range
of its own.
"""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

LOWEST = 10240
#: How many pytest-xdist workers get a range of their own; the ones beyond share them.
RANGES = 16

_given: set[int] = set()


def _range() -> range:
    ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    highest = ephemeral if ephemeral > LOWEST + 4096 else 65536
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % RANGES
    width = (highest - LOWEST) // RANGES
    return range(LOWEST + worker * width, LOWEST + (worker + 1) * width)


def _isFree(port: int) -> bool:
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(family, kind) as probe:
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                try:
                    # Without SO_REUSEPORT: refused if anybody at all is bound there.
                    probe.bind((host, port))
                except OSError:
                    return False
    return True


def freePort(count: int = 1) -> int:
    """
    @param count: how many ports in a row are needed.
    @return: a port that is free for UDP and TCP over IPv4 and IPv6 and not given out before; and
        so are those after it.
    """
    candidates = _range()
    for _ in range(1000):
        port = random.choice(candidates[: 1 - count or None])
        wanted = range(port, port + count)
        if not _given.intersection(wanted) and all(map(_isFree, wanted)):
            _given.update(wanted)
            return port
    raise RuntimeError(f"no free port in {candidates}")

"""Who holds which socket, as the kernel tells it in /proc: the server is not asked."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

LISTEN = 0x0A
ESTABLISHED = 0x01


@dataclass(frozen=True)
class NetSocket:
    """One line of /proc/net/udp, tcp, udp6 or tcp6."""

    local: tuple[str, int]
    remote: tuple[str, int]
    state: int
    inode: int
    drops: int


def _address(text: str) -> tuple[str, int]:
    host, port = text.split(":")
    words = [struct.pack("=I", int(host[n : n + 8], 16)) for n in range(0, len(host), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)


def _table(name: str) -> list[NetSocket]:
    rows = []
    for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
        fields = line.split()
        drops = int(fields[12]) if name.startswith("udp") else 0
        rows.append(
            NetSocket(
                _address(fields[1]),
                _address(fields[2]),
                int(fields[3], 16),
                int(fields[9]),
                drops,
            )
        )
    return rows


def datagramSockets(port: int) -> list[NetSocket]:
    """
    @return: every UDP socket bound to a local port, IPv4 and IPv6.
    """
    return [row for row in _table("udp") + _table("udp6") if row.local[1] == port]


def listeningSockets(port: int) -> list[NetSocket]:
    """
    @return: every TCP socket that listens at a local port, IPv4 and IPv6.
    """
    tables = _table("tcp") + _table("tcp6")
    return [row for row in tables if row.local[1] == port and row.state == LISTEN]


def connections(port: int) -> list[NetSocket]:
    """
    @return: the server's ends of the established TCP connections to a port.
    """
    tables = _table("tcp") + _table("tcp6")
    return [row for row in tables if row.local[1] == port and row.state == ESTABLISHED]


def acceptedConnection(server: tuple[str, int], client: tuple[str, int]) -> NetSocket | None:
    """
    @return: the server's end of an established TCP connection, if there is one.
    """
    for row in _table("tcp") + _table("tcp6"):
        if row.state == ESTABLISHED and row.local == server and row.remote == client:
            return row
    return None


def inodes(pid: int) -> set[int]:
    """
    @return: the inodes of the sockets that a process has open.
    """
    found: set[int] = set()
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    return found


def unixSocketInode(path: Path) -> int | None:
    """
    @return: the inode of the unix socket bound at a path, if one is.
    """
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and fields[7] == str(path):
            return int(fields[6])
    return None

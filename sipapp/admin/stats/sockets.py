"""What the kernel holds for the sockets of a server, and what it has lost for want of room."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterable

from sipapp.admin.stats.snapshot import Snapshot

__all__ = ["readSocket", "readSockets"]

# From <asm-generic/socket.h> and <linux/sock_diag.h>: nine numbers, the first two what is in the
# receive buffer and its size, the last what was dropped: datagrams, or of a socket that listens,
# connections.
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")
# From <linux/tcp.h>: of a socket that listens, "unacked" and "sacked" are how many connections wait
# and how many may.
_TCP_INFO = struct.Struct("=8x6I")
_LINUX = sys.platform.startswith("linux")


def readSockets(snapshot: Snapshot, sockets: Iterable[tuple[str, Iterable[socket.socket]]]) -> None:
    """
    @param sockets: the sockets of each listener by slot, with its name. One that is that of
        several slots is read once, for the first.
    """
    for name, slots in sockets:
        seen = set()
        for slot, sock in enumerate(slots):
            if sock.fileno() in seen:
                continue
            seen.add(sock.fileno())
            readSocket(snapshot, sock, name, str(slot))


def readSocket(snapshot: Snapshot, sock: socket.socket, endpoint: str, slot: str) -> None:
    """Where the kernel does not tell, nothing is added."""
    if not _LINUX:
        return
    try:
        memory = _MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))
        snapshot.add("socket_drops", memory[8], endpoint, slot)
        if sock.type == socket.SOCK_DGRAM:
            snapshot.add("receive_queue_bytes", memory[0], endpoint, slot)
            snapshot.add("receive_queue_limit_bytes", memory[1], endpoint, slot)
            return
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        waiting, most = _TCP_INFO.unpack(info)[4:]
        snapshot.add("accept_queue", waiting, endpoint, slot)
        snapshot.add("accept_queue_limit", most, endpoint, slot)
    except (OSError, struct.error):
        return

"""The sockets that the parent binds and the workers inherit.

Every slot of a pool has a socket of its own on each address that the pool serves. They form a
C{SO_REUSEPORT} group: the kernel gives each datagram or connection to one of them, in the order
in which they joined, so that C{sockets[n]} is the one of slot C{n}.

Any process of the same user could join such a group unnoticed and take its share of the traffic,
and so could we: a second server started by mistake would get half of the calls of the first. So
the first socket of a group is bound I{without} C{SO_REUSEPORT}, which fails if anybody else holds
the address, and gets the option afterwards, which lets the others join. There is no moment in
between in which the address is free. What cannot be prevented is that a process of our own user
joins later; a sipapp never does.

For the same reason two overlapping addresses of one port, such as C{0.0.0.0} and C{127.0.0.1},
cannot both be bound.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from typing import Any

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
BACKLOG = 4096
"""Connections that each listening socket queues, as far as C{net.core.somaxconn} lets it."""

INBOX_BUFFER = 4 << 20
"""Bytes asked for in either direction of a worker's inbox."""

# Linux; the socket module does not name it.
_SO_RCVBUFFORCE = 33


class BindError(Exception):
    """An address could not be bound.

    @ivar address: what was to be bound, as an operator would write it: C{udp 127.0.0.1:5060}.
    @ivar cause: why it could not, in the words of the operating system where it has any.
    """

    def __init__(self, address: str, cause: str) -> None:
        super().__init__(f"cannot bind {address}: {cause}")
        self.address = address
        self.cause = cause


def bindDatagram(
    host: str,
    port: int,
    family: int,
    slots: int,
    receiveBuffer: int | None = None,
    first: socket.socket | None = None,
) -> list[socket.socket]:
    """Bind the UDP sockets of one address, one for each slot.

    From this moment on the kernel queues datagrams for every slot, whether or not it has a worker.

    @param host: a numeric address; an IPv6 one may carry a zone (C{fe80::1%eth0}).
    @param port: 0 lets the kernel choose a free one, the same for all slots.
    @param family: 4 or 6. An IPv6 socket never takes IPv4 traffic.
    @param slots: how many sockets.
    @param receiveBuffer: C{SO_RCVBUF} in bytes of each socket; the kernel caps it at
        C{net.core.rmem_max}, unless we are root. C{None} leaves the kernel's default.
    @param first: one that is bound there already: it is the one of slot 0.
    @return: non-blocking sockets that no child inherits unless it is told to, in slot order.
    @raise BindError: if the address is not ours, not permitted or taken.
    """
    return _bindGroup(socket.SOCK_DGRAM, host, port, family, slots, receiveBuffer, first)


def bindStream(
    host: str,
    port: int,
    family: int,
    slots: int,
    backlog: int = BACKLOG,
    receiveBuffer: int | None = None,
    first: socket.socket | None = None,
) -> list[socket.socket]:
    """Bind the listening TCP sockets of one address, one for each slot, and listen.

    Arguments, result and errors are those of L{bindDatagram}.

    @param backlog: how many connections each socket queues before somebody accepts them; the
        kernel caps it at C{net.core.somaxconn}.
    """
    sockets = _bindGroup(socket.SOCK_STREAM, host, port, family, slots, receiveBuffer, first)
    try:
        for each in sockets:
            each.listen(backlog)
    except OSError as error:
        _closeAll(sockets)
        raise BindError(describeAddress(socket.SOCK_STREAM, host, port), _cause(error)) from error
    return sockets


def bindInbox(path: str, buffer: int = INBOX_BUFFER) -> socket.socket:
    """Bind a unix datagram socket, for one slot to be reached at by the others.

    What a dead process has left at the path is replaced. Only the present user may send to it.

    @param path: at most 107 bytes, the kernel's limit for the address of a unix socket.
    @param buffer: bytes asked for in either direction (C{SO_RCVBUF}, C{SO_SNDBUF}). Linux
        charges a queued datagram to its sender, and bounds the queue of the receiver by
        C{net.unix.max_dgram_qlen}.
    @raise BindError: if there is something other than a socket at the path, or no such directory.
    """
    address = f"unix {path}"
    try:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                raise BindError(address, "there is something at this path that is not a socket")
            os.unlink(path)
        inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # The mode must be right from the first moment; bind() applies the umask to 0777.
        umask = os.umask(0o177)
        try:
            inbox.bind(path)
        except OSError:
            inbox.close()
            raise
        finally:
            os.umask(umask)
    except OSError as error:
        raise BindError(address, _cause(error)) from error
    inbox.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    inbox.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    inbox.setblocking(False)
    return inbox


def _bindGroup(
    kind: socket.SocketKind,
    host: str,
    port: int,
    family: int,
    slots: int,
    receiveBuffer: int | None,
    first: socket.socket | None,
) -> list[socket.socket]:
    if slots < 1:
        raise ValueError(f"a pool needs at least one slot, not {slots}")
    if not 0 <= port <= 65535:
        raise BindError(describeAddress(kind, host, port), "a port is a number from 0 to 65535")
    sockets: list[socket.socket] = []
    try:
        address = numericAddress(kind, host, port, family)
        if first is not None:
            sockets.append(first)
            if receiveBuffer is not None:
                setReceiveBuffer(first, receiveBuffer)
            if slots > 1:
                _openGroup(first, describeAddress(kind, host, port))
        for _ in range(slots - len(sockets)):
            each = socket.socket(_FAMILIES[family], kind)
            sockets.append(each)
            each.setblocking(False)
            if family == 6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if kind == socket.SOCK_STREAM:
                # Connections of an earlier server that are in TIME-WAIT must not stop this one.
                # With UDP the option would let two servers share the address.
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if receiveBuffer is not None:
                setReceiveBuffer(each, receiveBuffer)
            if len(sockets) > 1:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            each.bind(address)
            if len(sockets) == 1:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                address = (address[0], each.getsockname()[1], *address[2:])
    except OSError as error:
        _closeAll(sockets)
        raise BindError(describeAddress(kind, host, port), _cause(error)) from error
    return sockets


def _openGroup(first: socket.socket, address: str) -> None:
    """Let further sockets of ours join a socket that somebody else has bound.

    The kernel lets only sockets of the same user join.
    """
    first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    owner = os.fstat(first.fileno()).st_uid
    if owner != os.geteuid():
        try:
            os.fchown(first.fileno(), os.geteuid(), -1)
        except PermissionError as error:
            raise BindError(
                address,
                f"it belongs to uid {owner}, and so no socket of uid {os.geteuid()} may be added"
                " for a second worker: start as root with [server] user, give CAP_CHOWN, or have"
                " one worker",
            ) from error


def setReceiveBuffer(each: socket.socket, size: int) -> None:
    """Say how many bytes the kernel keeps until somebody reads them, without what waits being lost.

    A socket that has so many already is left alone: root may have given it more than could be asked
    for now.

    @param size: C{SO_RCVBUF}: see L{bindDatagram}.
    """
    # Linux grants and tells twice what was asked for.
    if each.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * size:
        return
    try:
        each.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
    except PermissionError:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def numericAddress(kind: socket.SocketKind, host: str, port: int, family: int) -> tuple[Any, ...]:
    """
    @return: the address as C{bind()} wants it; C{getaddrinfo} knows how to read a zone.
    """
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV | socket.AI_PASSIVE
    found = socket.getaddrinfo(host, port, _FAMILIES[family], kind, flags=flags)
    return found[0][4]


def describeAddress(kind: socket.SocketKind, host: str, port: int) -> str:
    transport = "udp" if kind == socket.SOCK_DGRAM else "tcp"
    return f"{transport} [{host}]:{port}" if ":" in host else f"{transport} {host}:{port}"


def _cause(error: OSError) -> str:
    return error.strerror or str(error)


def _closeAll(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()

"""Sockets that the service manager has bound before it started this process.

systemd passes them from descriptor 3 on and says so in the environment: C{LISTEN_FDS} is their
number, C{LISTEN_PID} the process that they are for, C{LISTEN_FDNAMES} what their C{.socket} unit
calls them. The names are only told in errors: what a socket is for is seen by its address.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import Any

from .sockets import BindError, describeAddress, numericAddress

__all__ = ["PassedSockets"]

FIRST_FD = 3
_VARIABLES = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")


class PassedSockets:
    """The sockets that have been passed to this process and that nobody has taken yet."""

    def __init__(
        self, environment: MutableMapping[str, str] | None = None, firstFD: int = FIRST_FD
    ) -> None:
        """Take what there is out of the environment: it is not for any process of our own.

        @param environment: C{None} is that of this process.
        @param firstFD: where the descriptors begin.
        @raise BindError: if one of them is not a socket.
        """
        variables = os.environ if environment is None else environment
        count, pid, names = (variables.pop(each, "") for each in _VARIABLES)
        self._sockets: list[tuple[str, socket.socket]] = []
        if pid != str(os.getpid()) or not count.isdecimal():
            return
        told = names.split(":")
        for place in range(int(count)):
            fd = firstFD + place
            name = told[place] if place < len(told) and told[place] else f"descriptor {fd}"
            try:
                os.set_inheritable(fd, False)
                each = socket.socket(fileno=fd)
            except OSError as error:
                raise BindError(name, f"passed, but no socket: {error.strerror}") from error
            each.setblocking(False)
            self._sockets.append((name, each))

    def take(
        self, kind: socket.SocketKind, host: str, port: int, family: int
    ) -> socket.socket | None:
        """
        @param kind: C{SOCK_DGRAM}, or C{SOCK_STREAM} for one that listens.
        @param host: a numeric address.
        @param family: 4 or 6.
        @return: the socket that is bound to exactly this address, if one has been passed.
        @raise BindError: if there is one that cannot serve the address.
        """
        address = _withoutZone(numericAddress(kind, host, port, family))
        for place, (_, each) in enumerate(self._sockets):
            if each.type == kind and _bound(each) == address:
                del self._sockets[place]
                _checkFit(each, describeAddress(kind, host, port))
                return each
        return None

    def checkAllTaken(self) -> None:
        """
        @raise BindError: if a socket is left: what comes to it would never be read.
        """
        for name, each in self._sockets:
            cause = f"passed by the service manager as {name}, but no listener has this address"
            raise BindError(_describe(each), cause)


def _bound(each: socket.socket) -> tuple[object, ...]:
    """
    @return: the address; those of IPv4 and IPv6 are never the same. Empty for other families.
    """
    if each.family not in (socket.AF_INET, socket.AF_INET6):
        return ()
    return _withoutZone(each.getsockname())


def _withoutZone(address: tuple[Any, ...]) -> tuple[object, ...]:
    """The zone of a link-local address is a number at the end as well."""
    return address[0].partition("%")[0], *address[1:]


def _checkFit(each: socket.socket, address: str) -> None:
    accepts = each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if each.type == socket.SOCK_STREAM and not accepts:
        raise BindError(address, "passed, but it does not listen: its unit needs Accept=no")
    if each.family == socket.AF_INET6 and not each.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    ):
        cause = "passed, but it takes IPv4 as well: its unit needs BindIPv6Only=ipv6-only"
        raise BindError(address, cause)


def _describe(each: socket.socket) -> str:
    if each.family in (socket.AF_INET, socket.AF_INET6):
        host, port, *_ = each.getsockname()
        return describeAddress(each.type, host, port)
    return f"{each.family.name} {each.getsockname()!r}"

"""A listen endpoint as a service: the sockets of one bound address."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.service import Service

Bind = Callable[[int, "socket.socket | None"], Sequence[socket.socket]]


class ListenerService(Service):
    """Owns the sockets of one bound address, from before the privileges are dropped until no
    generation of workers has it any more.

    They are one C{SO_REUSEPORT} group, and the order in which they joined it is what numbers
    them: the group grows and shrinks at its end.

    @ivar address: what it is called. Several may be called the same, as long as the kernel has
        not chosen their ports.
    @ivar sockets: those there are, in the order of the group.
    """

    def __init__(self, address: str, bind: Bind) -> None:
        """
        @param bind: called with a number and one socket of the group, or C{None} for the first
            time: gives a group of so many, which begins with the one given.
        """
        self.address = address
        self._bind = bind
        self.sockets: tuple[socket.socket, ...] = ()

    def grow(self, count: int) -> None:
        """Bind what is missing.

        @param count: how many sockets there are to be at least.
        @raise BindError: if it cannot be; the sockets there were are not touched.
        """
        missing = count - len(self.sockets)
        if missing <= 0:
            return
        if not self.sockets:
            self.sockets = tuple(self._bind(count, None))
            return
        # A duplicate: an attempt that fails closes what it was given.
        first, *new = self._bind(missing + 1, self.sockets[0].dup())
        first.close()
        self.sockets += tuple(new)

    def shrink(self, count: int) -> None:
        """Close what is not needed, from the end.

        @param count: how many sockets there are to be at most.
        """
        while len(self.sockets) > count:
            *kept, last = self.sockets
            self.sockets = tuple(kept)
            with contextlib.suppress(OSError):
                last.close()

    def stopService(self) -> Any:
        self.shrink(0)
        return super().stopService()

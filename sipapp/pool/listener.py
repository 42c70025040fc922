"""A listen endpoint as a service: its sockets, with the pool that serves them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred


class ListenerService(MultiService):
    """Owns the sockets of one bound address from before the privileges are dropped until its
    workers have gone.

    Its pool is a child of it, unless it shares one with other listeners.

    @ivar sockets: one for each slot of its pool, in slot order; empty before it is bound.
    """

    def __init__(self, name: str, bind: Callable[[], Sequence[socket.socket]]) -> None:
        """
        @param bind: binds the sockets. What it raises stops the start of the server.
        """
        super().__init__()
        self.setName(name)
        self._bind = bind
        self.sockets: tuple[socket.socket, ...] = ()

    def privilegedStartService(self) -> None:
        self.sockets = tuple(self._bind())
        super().privilegedStartService()

    def stopService(self) -> Deferred[None]:
        stopped: Deferred[None] = super().stopService()
        return stopped.addBoth(self._close)

    def _close(self, _: object) -> None:
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.close()

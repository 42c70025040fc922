"""What a worker inherits from the parent: descriptors, as sockets with what belongs to each."""

from __future__ import annotations

import socket

from sipapp.assignment import Assignment
from sipapp.config import ResolvedListener
from sipapp.pool import BlackBoxPen, Boot
from sipapp.sip import MessageBounds
from sipapp.transport.assembly import Served
from sipapp.transport.endpoints import Endpoint
from sipapp.transport.limits import StreamLimits
from sipapp.transport.networks import Networks
from sipapp.transport.tls import ServerTLS

__all__ = ["Inheritance", "endpointOf", "limitsOf"]


class Inheritance:
    """The descriptors of one worker. Each is taken once."""

    def __init__(self, boot: Boot, assignment: Assignment) -> None:
        self._boot = boot
        self._assignment = assignment

    def inbox(self) -> socket.socket:
        """The worker's end of the bus."""
        return _adopt(self._boot.fds["bus"], socket.AF_UNIX, socket.SOCK_DGRAM)

    def blackBox(self) -> BlackBoxPen:
        """Where the worker notes what it works on."""
        return BlackBoxPen(self._boot.fds["blackbox"])

    def listening(self, listener: ResolvedListener) -> socket.socket:
        """The socket of an endpoint that this worker serves."""
        return self._socket(f"listen.{listener.index}", listener)

    def spares(self, listener: ResolvedListener) -> list[socket.socket]:
        """Sockets of slots that there are no more."""
        prefix = f"spare.{listener.index}."
        labels = (label for label in self._boot.fds if label.startswith(prefix))
        return [self._socket(label, listener) for label in labels]

    def mostConnections(self, together: int | None) -> int | None:
        """
        @param together: how many connections peers may have to all workers of the server.
        @return: how many to this one: its share, as no worker knows how many the others have.
        """
        if together is None:
            return None
        pools = {one.pool for one in self._assignment.listeners if one.transport in ("tcp", "tls")}
        workers = sum(len(self._assignment.pools[name]) for name in pools)
        return together // max(workers, 1)

    def sendOnly(self) -> dict[int, socket.socket]:
        """Sockets of endpoints that others serve, by the index of the endpoint."""
        labels = {f"send.{one.index}": one for one in self._assignment.listeners}
        return {
            one.index: self._socket(label, one)
            for label, one in labels.items()
            if label in self._boot.fds
        }

    def served(self, listener: ResolvedListener, tls: ServerTLS | None) -> Served:
        """An endpoint for SIP that this worker serves.

        @param tls: what it shows, if it has TLS.
        """
        sock = self.listening(listener)
        spares = self.spares(listener)
        limits = limitsOf(listener)
        if listener.transport == "udp":
            return Served(
                listener.index,
                sock,
                codes=self._assignment.pools[listener.pool],
                slot=self._boot.slot,
                reach=self._assignment.windows[listener.index],
                limits=limits,
                spares=spares,
            )
        balancers = Networks(listener.listen.proxyProtocol)
        return Served(
            listener.index, sock, limits=limits, tls=tls, balancers=balancers, spares=spares
        )

    def _socket(self, label: str, listener: ResolvedListener) -> socket.socket:
        family = socket.AF_INET6 if listener.family == 6 else socket.AF_INET
        kind = socket.SOCK_DGRAM if listener.transport == "udp" else socket.SOCK_STREAM
        return _adopt(self._boot.fds[label], family, kind)


def limitsOf(listener: ResolvedListener) -> StreamLimits:
    """What a peer may use of an endpoint."""
    bounds = listener.listen.bounds
    return StreamLimits(
        message=MessageBounds(bounds.headSize, bounds.bodySize, bounds.headers, bounds.headerSize),
        connections=bounds.connections,
        connectionsPerAddress=bounds.connectionsPerAddress,
        exempt=Networks(bounds.exempt),
        idleTimeout=bounds.idleTimeout,
        messageTimeout=bounds.messageTimeout,
        backlog=bounds.sendBacklog,
    )


def endpointOf(listener: ResolvedListener) -> Endpoint:
    """What the transport has to know of any endpoint, whoever serves it."""
    return Endpoint(
        listener.index,
        listener.transport.upper(),
        listener.host,
        listener.port,
        listener.advertisedHost,
        listener.advertisedPort,
    )


def _adopt(fd: int, family: int, kind: int) -> socket.socket:
    return socket.socket(family, kind, fileno=fd)

"""The connections of one endpoint, and what makes their protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IAddress, IConnector
from twisted.internet.protocol import ClientFactory as TwistedClientFactory
from twisted.internet.protocol import ServerFactory as TwistedServerFactory
from twisted.python.failure import Failure

from sipapp.transport.connection import StreamConnection
from sipapp.transport.endpoints import Endpoint
from sipapp.transport.expiry import Expiry
from sipapp.transport.limits import ConnectionCount, StreamLimits
from sipapp.transport.streamflow import StreamFlow

if TYPE_CHECKING:
    from sipapp.transport.streams import Streams


class Group:
    """The connections of one endpoint, or the outgoing ones: what they share is their limits."""

    def __init__(self, streams: Streams, name: str, limits: StreamLimits) -> None:
        self.name = name
        self.limits = limits
        self.inbound = ConnectionCount(limits, streams.limitLog, name)
        streams.groups.append(self)
        reactor = streams.reactor
        self.idle: Expiry[StreamConnection] = Expiry(
            reactor, limits.idleTimeout, streams.idleTooLong
        )
        self.unfinished: Expiry[StreamConnection] = Expiry(
            reactor, limits.messageTimeout, streams.unfinishedTooLong
        )


class ServerFactory(TwistedServerFactory):
    """Makes the protocols of an endpoint, as many as its limits allow."""

    noisy = False

    def __init__(self, streams: Streams, endpoint: Endpoint, group: Group) -> None:
        self._streams = streams
        self._endpoint = endpoint
        self._group = group

    def buildProtocol(self, addr: IAddress | None) -> StreamConnection | None:
        peer: Any = addr
        return self._streams.accept(self._endpoint, self._group, (peer.host, peer.port))


class ClientFactory(TwistedClientFactory):
    """Makes the one protocol of an outgoing connection."""

    noisy = False

    def __init__(self, streams: Streams, flow: StreamFlow) -> None:
        self._streams = streams
        self._flow = flow

    def buildProtocol(self, addr: IAddress | None) -> StreamConnection:
        return self._streams.opening(self._flow)

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        self._streams.failedToOpen(self._flow)


class MovedFactory(TwistedServerFactory):
    """Gives the protocol of a connection that was made in another process."""

    noisy = False

    def __init__(self, connection: StreamConnection) -> None:
        self._connection = connection

    def buildProtocol(self, addr: IAddress | None) -> StreamConnection:
        return self._connection

"""Connections that come through a load balancer, which tells whose they are: the PROXY protocol."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.python.failure import Failure

from sipapp.transport.expiry import Expiry
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.networks import Networks
from sipapp.transport.proxyheader import ProxyHeaderError, readProxyHeader

__all__ = ["ProxiedConnection", "ProxiedFactory"]


class ProxiedFactory(ServerFactory):
    """Takes the connections of load balancers and of nobody else, has the header read, and lets
    another factory make the protocol that goes on from there. That one sees the client's address,
    and all that the client has sent: TLS begins after the header."""

    noisy = False

    def __init__(
        self,
        reactor: Any,
        wrapped: Any,
        balancers: Networks,
        limits: StreamLimits,
        limitLog: LimitLog,
        name: str,
    ) -> None:
        """
        @param wrapped: the other factory. @param balancers: those who must say whose a connection
            is; everybody else is refused.
        @param limits: a header has as long as a message, and no more connections may wait for one
            than there may be at all.
        @param name: of the endpoint, for the log.
        """
        self._wrapped = wrapped
        self._balancers = balancers
        self._most = limits.connections
        self._limitLog = limitLog
        self._name = name
        self._waiting: Expiry[ProxiedConnection] = Expiry(
            reactor, limits.messageTimeout, self._tooLate
        )

    def doStart(self) -> None:
        super().doStart()
        self._wrapped.doStart()

    def doStop(self) -> None:
        self._wrapped.doStop()
        super().doStop()

    def buildProtocol(self, addr: IAddress | None) -> ProxiedConnection | None:
        peer: Any = addr
        if peer.host not in self._balancers:
            self._hit(peer.host, "not a load balancer, refused")
            return None
        if len(self._waiting) >= self._most:
            self._hit(peer.host, "too many connections without a header, refused")
            return None
        return ProxiedConnection(self, peer)

    def awaitHeader(self, connection: ProxiedConnection) -> None:
        """A connection is open, and there has to come its header."""
        self._waiting.renew(connection)

    def headerRead(self, connection: ProxiedConnection, client: IAddress) -> Any:
        """
        @return: the protocol to go on with; C{None} if the client is refused.
        """
        self._waiting.discard(connection)
        return self._wrapped.buildProtocol(client)

    def failed(self, connection: ProxiedConnection, detail: str) -> None:
        """There came something else than a header."""
        self._waiting.discard(connection)
        self._hit(connection.peer.host, f"{detail}, closed")

    def gone(self, connection: ProxiedConnection) -> None:
        """A connection has ended without a header, as those of some health checks do."""
        self._waiting.discard(connection)

    def close(self) -> None:
        """Let go of the connections that have no header yet, and of the timer."""
        for connection in tuple(self._waiting):
            connection.abort()
        self._waiting.clear()

    def _tooLate(self, connection: ProxiedConnection) -> None:
        self._hit(connection.peer.host, "no whole PROXY protocol header in time, closed")
        connection.abort()

    def _hit(self, host: str, detail: str) -> None:
        self._limitLog.hit("proxyProtocol", self._name, host, detail)


class ProxiedConnection(Protocol):
    """A connection until its header has been read.

    @ivar peer: the load balancer's address.
    """

    def __init__(self, factory: ProxiedFactory, peer: IPv4Address | IPv6Address) -> None:
        self.peer = peer
        self._factory = factory
        self._received = bytearray()

    def connectionMade(self) -> None:
        self._factory.awaitHeader(self)

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        try:
            header = readProxyHeader(self._received)
        except ProxyHeaderError as error:
            self._received.clear()
            self._factory.failed(self, str(error))
            self.abort()
            return
        if header is not None:
            client = self.peer if header.source is None else _address(*header.source)
            self._goOn(client, bytes(self._received[header.size :]))

    def _goOn(self, client: IPv4Address | IPv6Address, data: bytes) -> None:
        """Give the transport itself to the protocol of the client's connection."""
        transport: Any = self.transport
        protocol = self._factory.headerRead(self, client)
        if protocol is None:
            self.abort()
            return
        # For all who ask it, such as web resources.
        transport.getPeer = lambda: client
        transport.protocol = protocol
        protocol.makeConnection(transport)
        if data:
            protocol.dataReceived(data)

    def abort(self) -> None:
        """Close at once."""
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._factory.gone(self)


def _address(host: str, port: int) -> IPv4Address | IPv6Address:
    return (IPv6Address if ":" in host else IPv4Address)("TCP", host, port)

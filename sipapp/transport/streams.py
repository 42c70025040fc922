"""All connections of one worker: accepting, opening, finding and ending them."""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from itertools import count
from typing import Any

from cryptography.x509 import Certificate
from twisted.internet.defer import Deferred
from twisted.internet.tcp import Server

from sipapp.sip import FramingError
from sipapp.transaction import Identifiers
from sipapp.transport.admission import Admission
from sipapp.transport.bus import Moved
from sipapp.transport.connection import StreamConnection, StreamUser
from sipapp.transport.endpoints import Endpoint, Endpoints
from sipapp.transport.flowindex import FlowIndex
from sipapp.transport.flows import Unsent
from sipapp.transport.groups import ClientFactory, Group, ServerFactory
from sipapp.transport.handshakes import TLSFactory
from sipapp.transport.identities import domainsOf
from sipapp.transport.limits import ConnectionCount, LimitLog, StreamLimits
from sipapp.transport.networks import NONE, Networks
from sipapp.transport.proxyprotocol import ProxiedFactory
from sipapp.transport.streamflow import Address, StreamFlow
from sipapp.transport.tls import ClientTLS, ServerTLS
from sipapp.transport.turns import Turns
from sipapp.transport.wiretap import Wiretap

#: How many connections one reactor turn accepts at first. With Twisted's 100, whose handshakes are
#: all begun then, those who are here already would wait.
_ACCEPTS_PER_TURN = 16

#: What is read of a connection at once, in bytes; then it is the turn of others. With Twisted's
#: 65,536 a handshake takes half a second while twenty peers send without end.
_READ_AT_ONCE = 8192

#: How often closing connections are looked at, in seconds.
_FLUSH_INTERVAL = 0.01


class _Accepted(Server):
    """The socket of a connection that a peer has made."""

    bufferSize = _READ_AT_ONCE


class Streams:
    """All TCP and TLS connections of one worker.

    @ivar user: takes what is received; must be set before L{start}.
    @ivar accepted: inbound connections so far. @ivar opened: outgoing ones asked for so far.
    @ivar failed: outgoing connections that could not be made.
    @ivar handshakes: TLS handshakes that were completed, by the index of the endpoint; -1 has those
        of outgoing connections.
    @ivar index: by what they are found.
    @ivar groups: one for each endpoint, and one for outgoing connections.
    @ivar admission: decides whose connections are accepted; C{None} if everybody's are.
    @ivar tap: sees every message; C{None} if nobody wants to.
    @ivar paused: the indices of endpoints that take no new connections: they are closed at once.
    @ivar birthplaces: the codes in the tokens of connections that have been moved from here.
    """

    user: StreamUser

    def __init__(
        self,
        reactor: Any,
        endpoints: Endpoints,
        identifiers: Identifiers,
        turns: Turns,
        unsent: Unsent,
        clientTLS: ClientTLS,
        limits: StreamLimits | None = None,
        mostAccepted: int | None = None,
    ) -> None:
        """
        @param limits: those of outgoing connections.
        @param mostAccepted: inbound connections at once, of all endpoints together.
        """
        self.reactor = reactor
        self.endpoints = endpoints
        self.identifiers = identifiers
        self.turns = turns
        self.unsent = unsent
        self.accepted = 0
        self.opened = 0
        self.failed = 0
        self.handshakes: defaultdict[int, int] = defaultdict(int)
        self.index = FlowIndex()
        self.birthplaces: set[str] = set()
        self.paused: frozenset[int] = frozenset()
        self.limitLog = LimitLog(reactor.seconds)
        self.admission: Admission | None = None
        self.tap: Wiretap | None = None
        self._clientTLS = clientTLS
        self._mostAccepted = mostAccepted
        self._groups: dict[StreamConnection, Group] = {}
        self.groups: list[Group] = []
        self._byListener: dict[int, Group] = {}
        self._outgoing = Group(self, "outgoing connections", limits or StreamLimits())
        # Those that are open or being opened.
        self._outgoingCount = 0
        self._prepared: list[tuple[socket.socket, Any]] = []
        self._listening: list[Any] = []
        self._proxied: list[ProxiedFactory] = []
        # A connection of a predecessor in this slot must not be taken for one of ours.
        self._incarnation = f"{identifiers.code}.{os.urandom(4).hex()}"
        self._number = count(1)

    def listen(
        self,
        sock: socket.socket,
        endpoint: Endpoint,
        limits: StreamLimits,
        tls: ServerTLS | None = None,
        balancers: Networks = NONE,
    ) -> None:
        """Accept connections from a listening socket, once L{start} is called.

        @param tls: for TLS.
        @param balancers: if there are any, all connections come through them (PROXY protocol).
        """
        name = f"{endpoint.transport} {endpoint.host}:{endpoint.port}"
        group = self._byListener[endpoint.index] = Group(self, name, limits)
        factory: Any = ServerFactory(self, endpoint, group)
        if tls is not None:
            factory = TLSFactory(tls, False, factory)
        if balancers:
            factory = ProxiedFactory(self.reactor, factory, balancers, limits, self.limitLog, name)
            self._proxied.append(factory)
        self._prepared.append((sock, factory))

    def start(self) -> None:
        """Begin to accept."""
        for sock, factory in self._prepared:
            port = self.reactor.adoptStreamPort(sock.fileno(), sock.family, factory)
            port.numberAccepts = _ACCEPTS_PER_TURN
            port.transport = _Accepted
            self._listening.append(port)
        self._prepared.clear()

    def stopListening(self) -> None:
        """Accept no more connections; those that are waiting wait for somebody else."""
        listening, self._listening = self._listening, []
        for port in listening:
            port.stopListening()

    def close(self, timeout: float) -> Deferred[None]:
        """Close all connections when what was written to them is sent, or after C{timeout} seconds.

        @return: fires when that is so.
        """
        closed: Deferred[None] = Deferred()
        for flow in tuple(self.index.all.values()):
            if flow.connection is not None:
                flow.connection.close()
        end = self.reactor.seconds() + timeout

        def look() -> None:
            left = end - self.reactor.seconds()
            if left > 0 and self._groups:
                self.reactor.callLater(min(left, _FLUSH_INTERVAL), look)
                return
            for connection in tuple(self._groups):
                connection.abort()
            for factory in self._proxied:
                factory.close()
            for group in self.groups:
                group.idle.clear()
                group.unfinished.clear()
            closed.callback(None)

        look()
        return closed

    def accept(self, endpoint: Endpoint, group: Group, remote: Address) -> StreamConnection | None:
        """
        @return: the protocol of a new inbound connection, C{None} if it is refused.
        """
        host = remote[0]
        if endpoint.index in self.paused:
            return None
        if self.admission is not None and not self.admission.accepts(host):
            return None
        if self._isFull():
            self.limitLog.hit("tcpMaxConnections", group.name, host, "too many, refused")
            return None
        if not group.inbound.admit(host):
            return None
        self.accepted += 1
        flow = StreamFlow(self, endpoint.transport, remote, endpoint.index, False)
        self.index.accepted(flow)
        return self._connection(flow, group)

    def _isFull(self) -> bool:
        """Whether there are as many inbound connections as there may be."""
        most = self._mostAccepted
        return most is not None and sum(len(each.inbound) for each in self.groups) >= most

    def _connection(self, flow: StreamFlow, group: Group) -> StreamConnection:
        connection = StreamConnection(self, flow, group.limits)
        self._groups[connection] = group
        self.index.all[flow.identifier] = flow
        return connection

    def connect(
        self, transport: str, host: str, port: int, tlsName: str = "", preferred: int = -1
    ) -> StreamFlow | None:
        """The connection to a server: one that is open or being opened, or a new one. If there are
        as many as there may be, the one that has been idle for the longest time ends for it.

        @param tlsName: as for L{ClientTLS.connectionTo}. Connections are shared only by those who
            want the same name proven (RFC 5923 §8.1).
        @param preferred: as for L{Endpoints.choose}.
        @return: C{None} if there is no room for another one.
        """
        target = (transport, host, port, tlsName)
        known = self.index.byTarget(target)
        if known is not None:
            return known
        if not self._hasRoom(host):
            return None
        endpoint = self.endpoints.choose(transport, host, preferred)
        listener = -1 if endpoint is None else endpoint.index
        flow = StreamFlow(self, transport, (host, port), listener, True, tlsName)
        self.index.target(target, flow)
        self.opened += 1
        self._outgoingCount += 1
        factory: Any = ClientFactory(self, flow)
        if transport == "TLS":
            # Nothing leaves over it before this is proven.
            flow.identities = self._clientTLS.awaited(tlsName or host)
            factory = TLSFactory(self._clientTLS.connectionTo(tlsName or host), True, factory)
        timeout = self._outgoing.limits.connectTimeout
        self.reactor.connectTCP(host, port, factory, timeout)
        return flow

    def _hasRoom(self, host: str) -> bool:
        """See to it that there may be one more outgoing connection.

        @param host: where it is to go.
        """
        if self._outgoingCount < self._outgoing.limits.connections:
            return True
        idlest = next(iter(self._outgoing.idle), None)
        if idlest is None:
            self.limitLog.hit("connections", self._outgoing.name, host, "too many, not opened")
            return False
        self.limitHit(idlest, "connections", "too many, and this one was idle: closed")
        self._outgoing.idle.discard(idlest)
        idlest.close()
        return True

    def failedToOpen(self, flow: StreamFlow) -> None:
        """An outgoing connection could not be made."""
        self.failed += 1
        self._outgoingCount -= 1
        self.index.forget(flow)
        flow.lost()

    def opening(self, flow: StreamFlow) -> StreamConnection:
        """
        @return: the protocol for an outgoing connection that has been made.
        """
        return self._connection(flow, self._outgoing)

    # Moving.

    @property
    def connections(self) -> tuple[StreamConnection, ...]:
        """Those that are open here."""
        return tuple(self._groups)

    def idleFor(self, connection: StreamConnection) -> float | None:
        """
        @return: seconds for which it has received nothing; C{None} if it is over.
        """
        group = self._groups.get(connection)
        return None if group is None else group.idle.age(connection)

    @property
    def inbound(self) -> dict[int, ConnectionCount]:
        """Those that peers have made, by the index of their endpoint."""
        return {index: group.inbound for index, group in self._byListener.items()}

    @property
    def outgoingCount(self) -> int:
        """How many of ours are open or being opened."""
        return self._outgoingCount

    @property
    def lingers(self) -> bool:
        """Whether there are connections that peers have made."""
        return any(not connection.flow.outgoing for connection in self._groups)

    def resumed(self, moved: Moved) -> StreamConnection:
        """
        @return: the protocol of a connection that another worker gives.
        """
        endpoint = self.endpoints.byKey(moved.endpoint)
        listener = -1 if endpoint is None else endpoint.index
        flow = StreamFlow(self, "TCP", moved.remote, listener, moved.outgoing)
        flow.resume(moved.connection, moved.owed, moved.recent)
        group = self._outgoing
        if moved.outgoing:
            self._outgoingCount += 1
        else:
            group = self._byListener.get(listener, group)
            group.inbound.enter(flow.remote[0])
            self.index.accepted(flow)
        for target in moved.targets:
            if self.index.byTarget(target) is None:
                self.index.target(target, flow)
        return self._connection(flow, group)

    # From the connections.

    def newIdentifier(self) -> str:
        return f"{self._incarnation}.{next(self._number):x}"

    def named(self, listener: int, remote: str) -> tuple[Address, str]:
        """What to call an endpoint in messages to a peer, and its key."""
        endpoint = self.endpoints.get(listener)
        if endpoint is None:
            return (self.endpoints.source(remote) or "", 0), ""
        return self.endpoints.sentBy(endpoint, remote), endpoint.key

    def identify(self, flow: StreamFlow, certificate: Certificate | None) -> frozenset[str]:
        """The domains that a TLS peer has proven to be.

        @raise WrongPeer: if it is not the one that was connected to.
        """
        if flow.outgoing:
            return self._clientTLS.identify(certificate, flow.tlsName or flow.remote[0])
        return frozenset() if certificate is None else domainsOf(certificate)

    def active(self, connection: StreamConnection) -> None:
        """Something was received."""
        self._groups[connection].idle.renew(connection)

    def awaitMessage(self, connection: StreamConnection) -> None:
        """A handshake or message has begun, or the end is near: that takes only so long."""
        group = self._groups.get(connection)
        if group is not None and connection not in group.unfinished:
            group.unfinished.renew(connection)

    def messageComplete(self, connection: StreamConnection) -> None:
        self._groups[connection].unfinished.discard(connection)

    def idleTooLong(self, connection: StreamConnection) -> None:
        self.limitLog.count("idleTimeout")
        connection.close()

    def unfinishedTooLong(self, connection: StreamConnection) -> None:
        if not connection.ending:
            self.limitHit(connection, "messageTimeout", "did not finish what it began, aborted")
        connection.abort()

    def limitHit(self, connection: StreamConnection, limit: str, detail: str) -> None:
        group = self._groups.get(connection, self._outgoing)
        self.limitLog.hit(limit, group.name, connection.flow.remote[0], detail)

    def framingFailed(self, error: FramingError, connection: StreamConnection) -> None:
        if error.status in (413, 414, 513):
            self.limitHit(connection, "messageSize", error.detail)
        self.user.framingFailed(error, connection.flow)

    def undelivered(self, data: bytes, reference: str, remote: str) -> None:
        """Tell, at a later time, that something was not sent.

        @param data: a response is sent again, to where its Via leads; nothing if it must not be.
        @param remote: the address that it was for.
        """
        if reference:
            self.reactor.callLater(0, self.unsent.transportFailed, reference)
        elif data.startswith(b"SIP/"):
            self.reactor.callLater(0, self.unsent.responseUndelivered, data, remote)

    def connectionLost(self, connection: StreamConnection) -> None:
        if self.leaveGroup(connection):
            self.index.lost(connection.flow)

    def leaveGroup(self, connection: StreamConnection) -> bool:
        """Count and watch a connection no more; false if that is so already."""
        flow = connection.flow
        group = self._groups.pop(connection, None)
        if group is None:
            return False
        group.idle.discard(connection)
        group.unfinished.discard(connection)
        if flow.outgoing:
            self._outgoingCount -= 1
        else:
            group.inbound.leave(flow.remote[0])
        return True

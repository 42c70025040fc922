"""Flows: the ways to peers (RFC 5626 §2), and the tokens that any worker can find them by.

A datagram flow is an address and the socket to use: every worker can make one. A stream flow is a
connection that one worker holds; in every other worker a L{RemoteFlow} stands for it, which
hands what is to be sent to the holder over the bus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from sipapp.transport.bus import Bus, FlowRecord, Send
from sipapp.transport.records import familyOf

if TYPE_CHECKING:
    from sipapp.sip import SIPURI
    from sipapp.transaction import Identifiers
    from sipapp.transport.datagram import DatagramPort
    from sipapp.transport.endpoints import Endpoints
    from sipapp.transport.streamflow import StreamFlow
    from sipapp.transport.streams import Streams
    from sipapp.transport.target import Address
    from sipapp.transport.turns import Turns

HostPort = tuple[str, int]

#: So many ways to peers are remembered, and those that depend on routes for so many seconds.
_REMEMBERED = 16_384
_MEMORY = 60.0


class Flow(Protocol):
    """A way to one peer.

    @ivar transport: C{UDP}, C{TCP} or C{TLS}.
    @ivar local: host and port that we are called on this flow, fit for a Via or Record-Route.
    @ivar remote: numeric address and port of the peer.
    @ivar listener: index of the endpoint that it belongs to; -1 if there is none.
    @ivar token: finds the flow again in any worker, see L{Flows.fromToken}.
    @ivar closed: whether nothing can be sent any more.
    """

    @property
    def transport(self) -> str: ...
    @property
    def reliable(self) -> bool: ...
    @property
    def secure(self) -> bool: ...
    @property
    def local(self) -> HostPort: ...
    @property
    def remote(self) -> HostPort: ...
    @property
    def listener(self) -> int: ...
    @property
    def family(self) -> int: ...
    @property
    def token(self) -> str: ...
    @property
    def closed(self) -> bool: ...

    def send(self, data: bytes, reference: str = "") -> None:
        """Send a message. Nothing is raised.

        @param reference: the key of the client transaction to fail if this cannot be sent.
        """

    def record(self) -> FlowRecord:
        """What another worker has to know of this flow."""


class Unsent(Protocol):
    """Takes care of what a flow does not send itself. Never called from within C{Flow.send}, but
    for L{sendElsewhere}."""

    def transportFailed(self, reference: str) -> None:
        """What was sent under this reference will not arrive. It may have been sent by another
        worker that shares the socket."""

    def sendElsewhere(self, data: bytes, flow: StreamFlow, reference: str) -> None:
        """Something is to be sent over a connection that another worker has been given."""

    def responseUndelivered(self, data: bytes) -> None:
        """A response finds its connection closed (RFC 3261 §18.2.2)."""


class DatagramFlow:
    """A UDP peer. One is made for each datagram received, so there is little in it."""

    __slots__ = ("address", "port")

    transport = "UDP"
    reliable = False
    secure = False
    closed = False

    def __init__(self, port: DatagramPort, address: tuple[str, int]) -> None:
        """
        @param address: the peer's, as the socket gave it: for IPv6 it has more than two parts.
        """
        self.port = port
        self.address = address

    @property
    def local(self) -> HostPort:
        called = self.port.endpoint.called
        return self.port.sentBy(self.address[0]) if called is None else called

    @property
    def remote(self) -> HostPort:
        return self.address[:2]

    @property
    def listener(self) -> int:
        return self.port.endpoint.index

    @property
    def family(self) -> int:
        return self.port.endpoint.family

    @property
    def token(self) -> str:
        return self.port.tokenFor(self.address)

    def send(self, data: bytes, reference: str = "") -> None:
        port = self.port
        try:
            port.socket.sendto(data, self.address)
        except (OSError, ValueError, OverflowError) as error:
            port.notSent(error, data, self.address, reference)

    def record(self) -> FlowRecord:
        return FlowRecord("UDP", self.port.endpoint.key, ("", 0), self.remote)

    def __repr__(self) -> str:
        return f"<UDP flow to {self.remote}>"


class RemoteFlow:
    """A connection that another worker holds."""

    __slots__ = ("_bus", "_code", "_record", "_token", "listener")

    reliable = True
    closed = False

    def __init__(self, bus: Bus, code: str, record: FlowRecord, token: str, listener: int) -> None:
        """
        @param code: this worker's, for the answer if the connection is gone.
        """
        self.listener = listener
        self._bus = bus
        self._code = code
        self._record = record
        self._token = token

    @property
    def transport(self) -> str:
        return self._record.transport

    @property
    def secure(self) -> bool:
        return self._record.transport == "TLS"

    @property
    def local(self) -> HostPort:
        return self._record.local

    @property
    def remote(self) -> HostPort:
        return self._record.remote

    @property
    def family(self) -> int:
        return 6 if ":" in self._record.remote[0] else 4

    @property
    def token(self) -> str:
        return self._token

    def send(self, data: bytes, reference: str = "") -> None:
        record = self._record
        self._bus.send(record.holder, Send(record.connection, data, self._code, reference))

    def record(self) -> FlowRecord:
        return self._record

    def __repr__(self) -> str:
        return f"<{self.transport} flow to {self.remote} held by {self._record.holder}>"


def _leadsToUDP(params: Mapping[str, str | None]) -> bool:
    """Tell whether a URI's parameters leave it at UDP, which is what is used where nobody says
    otherwise (RFC 3263 §4.1), and at its host."""
    return (params.get("transport") or "udp").lower() == "udp" and "maddr" not in params


def birthplace(connection: str) -> str:
    """
    @param connection: an identifier.
    @return: the code of the worker that had this connection first.
    """
    return connection.partition(".")[0]


def streamToken(identifiers: Identifiers, record: FlowRecord) -> str:
    """The token of a connection. Whoever has it in the end, its tokens name the worker that had it
    first: so that there are no more such names in the world than connections."""
    host, port = record.remote
    holder, connection = birthplace(record.connection), record.connection
    return identifiers.flowToken(
        f"c|{holder}|{connection}|{record.transport}|{record.endpoint}|{host}|{port}"
    )


class Flows:
    """Finds the flow to an address, or that of a token or a record.

    @ivar ports: the UDP ports that this worker can send from, by index of the endpoint.
    """

    def __init__(
        self,
        identifiers: Identifiers,
        endpoints: Endpoints,
        ports: dict[int, DatagramPort],
        bus: Bus,
        streams: Streams,
        turns: Turns,
    ) -> None:
        self.ports = ports
        self._identifiers = identifiers
        self._endpoints = endpoints
        self._bus = bus
        self._streams = streams
        self._turns = turns
        self._straight: dict[tuple[str, int | None, int], DatagramFlow] = {}
        self._forgetAt = 0.0
        self._byToken: dict[str, DatagramFlow] = {}

    def straight(self, uri: SIPURI, preferred: int) -> DatagramFlow | None:
        """The flow to a URI that says itself where it leads: over UDP, to a numeric address.

        @param preferred: as for L{toAddress}.
        @return: C{None} if that is not so, or if there is no socket for it.
        """
        params = uri.params
        if uri.scheme != "sip" or (params and not _leadsToUDP(params)):
            return None
        key = (uri.host, uri.port, preferred)
        known = self._straight.get(key)
        if known is not None and self._turns.now < self._forgetAt:
            return known
        if not familyOf(uri.host):
            return None
        if self._turns.now >= self._forgetAt or len(self._straight) >= _REMEMBERED:
            self._straight.clear()
            self._forgetAt = self._turns.now + _MEMORY
        port = 5060 if uri.port is None else uri.port
        endpoint = self._endpoints.choose("UDP", uri.host, preferred)
        sender = None if endpoint is None else self.ports.get(endpoint.index)
        if sender is None:
            return None
        flow = self._straight[key] = DatagramFlow(sender, (uri.host, port))
        return flow

    def toAddress(self, address: Address, preferred: int) -> Flow | None:
        """The flow to an address that RFC 3263 has found.

        @param preferred: index of the endpoint to use if it suits the address.
        @return: C{None} if there is no socket for its transport and family.
        """
        transport, host, port, tlsName = address
        if transport != "UDP":
            return self._streams.connect(transport, host, port, tlsName, preferred)
        endpoint = self._endpoints.choose("UDP", host, preferred)
        sender = None if endpoint is None else self.ports.get(endpoint.index)
        return None if sender is None else DatagramFlow(sender, (host, port))

    def fromToken(self, token: str) -> Flow | None:
        """
        @return: C{None} if the token was not minted by this server, or what it stands for is
            certain to be gone. That another worker still has a connection shows when it is used.
        """
        known = self._byToken.get(token)
        if known is not None:
            return known
        payload = self._identifiers.readFlowToken(token)
        if payload is None:
            return None
        parts = payload.split("|")
        if parts[0] == "u" and len(parts) == 4:
            endpoint = self._endpoints.byKey(parts[1])
            port = None if endpoint is None else self.ports.get(endpoint.index)
            if port is None:
                return None
            if len(self._byToken) >= _REMEMBERED:
                self._byToken.clear()
            known = self._byToken[token] = DatagramFlow(port, (parts[2], int(parts[3])))
            return known
        if parts[0] != "c" or len(parts) != 7:
            return None
        _, holder, connection, transport, key, host, number = parts
        held = self._streams.index.held(connection)
        if held is not None or holder == self._identifiers.code:
            # Its identifier tells it from all others, also from those of other workers: it may
            # have been moved here since the token was made.
            return held
        if not self._bus.knows(holder):
            return None
        endpoint = self._endpoints.byKey(key)
        local = ("", 0) if endpoint is None else self._endpoints.sentBy(endpoint, host)
        return self._remote(
            FlowRecord(transport, key, local, (host, int(number)), holder, connection), token
        )

    def fromRecord(self, record: FlowRecord) -> Flow | None:
        """
        @return: C{None} if this worker cannot send that way.
        """
        if not record.holder:
            endpoint = self._endpoints.byKey(record.endpoint)
            port = None if endpoint is None else self.ports.get(endpoint.index)
            return None if port is None else DatagramFlow(port, record.remote)
        if record.holder == self._identifiers.code:
            return self._streams.index.held(record.connection)
        return self._remote(record, streamToken(self._identifiers, record))

    def _remote(self, record: FlowRecord, token: str) -> RemoteFlow:
        endpoint = self._endpoints.byKey(record.endpoint)
        index = -1 if endpoint is None else endpoint.index
        return RemoteFlow(self._bus, self._identifiers.code, record, token, index)

"""Flows: the ways to peers (RFC 5626 §2), and the tokens that any worker can find them by.

A datagram flow is an address and the socket to use: every worker can make one. A stream flow is a
connection that one worker holds; in every other worker a L{RemoteFlow} stands for it, which
hands what is to be sent to the holder over the bus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sipapp.transport.bus import Bus, FlowRecord, Send

if TYPE_CHECKING:
    from sipapp.transaction import Identifiers
    from sipapp.transport.datagram import DatagramPort
    from sipapp.transport.streamflow import StreamFlow

HostPort = tuple[str, int]


class Flow(Protocol):
    """A way to one peer.

    @ivar transport: C{UDP}, C{TCP} or C{TLS}.
    @ivar local: host and port that we are called on this flow, fit for a Via or Record-Route.
    @ivar remote: numeric address and port of the peer.
    @ivar listener: index of the endpoint that it belongs to; -1 if there is none.
    @ivar identities: the SIP domains, lower-case, that the peer has proven to be with a certificate
        (RFC 5922 §7.1); empty unless it has.
    @ivar token: finds the flow again in any worker: L{sipapp.transport.flowfinder}.
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
    def identities(self) -> frozenset[str]: ...
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

    def responseUndelivered(self, data: bytes, client: str) -> None:
        """A response finds its connection closed (RFC 3261 §18.2.2).

        @param client: the address at the connection's other end.
        """


class DatagramFlow:
    """A UDP peer. One is made for each datagram received, so there is little in it."""

    __slots__ = ("address", "port")

    transport = "UDP"
    reliable = False
    secure = False
    closed = False
    identities: frozenset[str] = frozenset()

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
        if port.tap is not None:
            port.show(data, self.address, True)
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
    def identities(self) -> frozenset[str]:
        return self._record.identities

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

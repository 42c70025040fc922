"""The settings of the listen endpoints: C{[[listen]]} and the tables in it. See
C{sipapp.config.settings} for what all settings have in common.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sipapp.config.tlssettings import TLSSettings
from sipapp.config.values import (
    Bytes,
    Port,
    Seconds,
    SettingsTable,
    Text,
    Workers,
    checkNetworks,
)


class LimitsSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[listen.limits]}. Those in L{DATAGRAM_LIMITS} are for datagrams too, which have at most
    65,507 bytes anyway; the others are of connections. For C{http} there is no C{send_backlog}.

    The two counts of connections are for each worker process of the listener, since that is what
    can be kept exactly: workers share no memory.

    @ivar headSize: start line and headers of a message, in bytes.
    @ivar bodySize: body of a message, in bytes.
    @ivar headers: header fields of a message.
    @ivar headerSize: start line of a message, or one header field of it, in bytes.
    @ivar connections: open at once.
    @ivar connectionsPerAddress: open at once from one remote address, or one /64 of IPv6.
    @ivar exempt: addresses and networks that C{connections_per_address} is not for, such as load
        balancers and trunks.
    @ivar idleTimeout: a connection with no byte received for that long is closed.
    @ivar messageTimeout: a TLS handshake or a message that has begun must be complete by then.
    @ivar sendBacklog: what may wait for a peer that reads too slowly, in bytes.
    """

    headSize: Bytes = 32_768
    bodySize: Bytes = 65_536
    headers: Annotated[int, Meta(ge=16, le=100_000)] = 256
    headerSize: Bytes = 8192
    connections: Annotated[int, Meta(ge=1, le=10_000_000)] = 4096
    connectionsPerAddress: Annotated[int, Meta(ge=1, le=10_000_000)] = 1024
    exempt: tuple[Text, ...] = ()
    idleTimeout: Seconds = 3600.0
    messageTimeout: Seconds = 10.0
    sendBacklog: Bytes = 4 << 20

    def __post_init__(self) -> None:
        checkNetworks(self, "exempt")


DATAGRAM_LIMITS = frozenset(("headSize", "bodySize", "headers", "headerSize"))
"""The limits of datagrams; the others are of connections."""

SIP_TRANSPORTS = ("udp", "tcp", "tls")
WEB_TRANSPORTS = ("http", "https")
SECURE_TRANSPORTS = ("tls", "https")
DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}  # RFC 3261 §19.1.2
DEFAULT_RESOURCES = ("options", "registrar", "proxy")


class ListenSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[[listen]]}: an endpoint. It becomes one listener for each of its addresses and
    transports.

    @ivar address: an IPv4 or IPv6 address, the name of a network interface (all its addresses),
        C{localhost}, or C{*} (every address of both families); or several of those.
    @ivar port: C{None} is the transport's own, RFC 3261 §19.1.2; for C{http} it must be given.
    @ivar transport: one or several of C{udp}, C{tcp}, C{tls}; or of C{http}, C{https}.
    @ivar socketWorkers: processes of its own for each of its listeners; C{None} leaves it to
        C{[pools]}.
    @ivar resources: names of the resources that are offered what arrives, in that order; C{None}
        is L{DEFAULT_RESOURCES} for SIP and must be given for C{http}.
    @ivar advertise: C{host} or C{host:port} to call this endpoint in Via and Record-Route instead
        of its address: for servers behind address translation.
    @ivar proxyProtocol: addresses and networks of load balancers that speak the PROXY protocol. If
        there are any, every connection comes through one of them and begins with its header. Not
        for C{udp}.
    @ivar tls: for C{tls} and C{https}, where it must be given.
    @ivar limits: what a peer may use.
    """

    address: Text | tuple[Text, ...]
    port: Port | None = None
    transport: Text | tuple[Text, ...] = ("udp", "tcp")
    socketWorkers: Workers | None = None
    resources: tuple[Text, ...] | None = None
    advertise: Text | None = None
    proxyProtocol: tuple[Text, ...] = ()
    tls: TLSSettings | None = None
    limits: LimitsSettings | None = None

    def __post_init__(self) -> None:
        checkNetworks(self, "proxyProtocol")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses as a tuple, however they are written."""
        return (self.address,) if isinstance(self.address, str) else self.address

    @property
    def transports(self) -> tuple[str, ...]:
        """The transports as a tuple, however they are written."""
        return (self.transport,) if isinstance(self.transport, str) else self.transport

    @property
    def isWeb(self) -> bool:
        """Whether this is an endpoint for web resources rather than for SIP."""
        return bool(self.transports) and self.transports[0] in WEB_TRANSPORTS

    @property
    def chain(self) -> tuple[str, ...]:
        """The names of the resources, in the order they are asked."""
        if self.resources is None:
            return () if self.isWeb else DEFAULT_RESOURCES
        return self.resources

    @property
    def bounds(self) -> LimitsSettings:
        """The limits, given or default."""
        return LimitsSettings() if self.limits is None else self.limits

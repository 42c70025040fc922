"""A connection as a flow, which may be sent over before it is open and after it is closed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from sipapp.sip import Request
from sipapp.transport.bus import FlowRecord
from sipapp.transport.flows import streamToken

if TYPE_CHECKING:
    from sipapp.transport.connection import StreamConnection
    from sipapp.transport.streams import Streams

Address = tuple[str, int]

Target = tuple[str, str, int, str]
"""What an outgoing connection is found by: transport, host and port, and for TLS the name that the
peer has proven to be."""

#: Requests whose fate is still told after they were written, if the connection breaks.
_REMEMBERED = 256
#: Messages that wait for a connection to be opened.
_WAITING = 256


class StreamFlow:
    """A connection as a flow (RFC 5626), from the wish to open it until after its end.

    @ivar connection: C{None} while it is being opened and when it is closed.
    @ivar holder: code of the worker that has been given the connection; C{''} if it is here.
    @ivar owed: how many requests that came over it have no final response yet.
    @ivar targets: what it is found by when there is something to send.
    @ivar identities: as of L{sipapp.transport.flows.Flow}; known once the connection is open.
    @ivar tlsName: for an outgoing TLS connection, the name that the peer has proven to be.
    """

    __slots__ = (
        "_recent",
        "_streams",
        "_waiting",
        "closed",
        "connection",
        "endpointKey",
        "holder",
        "identifier",
        "identities",
        "listener",
        "local",
        "outgoing",
        "owed",
        "remote",
        "secure",
        "targets",
        "tlsName",
        "transport",
    )

    reliable = True

    def __init__(
        self,
        streams: Streams,
        transport: str,
        remote: Address,
        listener: int,
        outgoing: bool,
        tlsName: str = "",
    ) -> None:
        self._streams = streams
        # Most connections never need these two.
        self._waiting: list[tuple[bytes, str]] | None = None
        self._recent: deque[str] | None = None
        self.transport = transport
        self.secure = transport == "TLS"
        self.remote = remote
        self.listener = listener
        self.outgoing = outgoing
        self.tlsName = tlsName
        self.identities: frozenset[str] = frozenset()
        self.closed = False
        self.holder = ""
        self.owed = 0
        self.targets: tuple[Target, ...] = ()
        self.connection: StreamConnection | None = None
        self.identifier = streams.newIdentifier()
        self.local, self.endpointKey = streams.named(listener, remote[0])

    @property
    def family(self) -> int:
        return 6 if ":" in self.remote[0] else 4

    @property
    def token(self) -> str:
        return streamToken(self._streams.identifiers, self.record())

    def record(self) -> FlowRecord:
        return FlowRecord(
            self.transport,
            self.endpointKey,
            self.local,
            self.remote,
            self.holder or self._streams.identifiers.code,
            self.identifier,
            self.identities,
        )

    def send(self, data: bytes, reference: str = "") -> None:
        """Send a message, now or when the connection is open."""
        if self.connection is not None:
            if reference:
                self._remember(reference)
            if self._streams.tap is not None:
                self.show(data, True)
            self.connection.write(data)
            if data.startswith(b"SIP/2.0 ") and not data.startswith(b"SIP/2.0 1"):
                self.owed -= 1
                self.connection.answered()
        elif self.holder:
            self._streams.unsent.sendElsewhere(data, self, reference)
        elif self.closed:
            self._streams.undelivered(data, reference, self.remote[0])
        elif self._waiting is None:
            self._waiting = [(data, reference)]
        elif len(self._waiting) < _WAITING:
            self._waiting.append((data, reference))
        else:
            self._streams.undelivered(b"", reference, self.remote[0])

    def show(self, data: bytes, isSent: bool) -> None:
        """Show a message to the tap, if there is one and the connection is open."""
        tap, connection = self._streams.tap, self.connection
        if tap is not None and connection is not None:
            transport: Any = connection.transport
            host = transport.getHost()
            tap.seen(data, isSent, self.transport, (host.host, host.port), self.remote)

    def _remember(self, reference: str) -> None:
        if self._recent is None:
            self._recent = deque(maxlen=_REMEMBERED)
        self._recent.append(reference)

    def noteAlias(self, request: Request) -> None:
        """A request has come; its topmost Via may ask for an alias (RFC 5923 §4)."""
        via = request.via
        if "alias" in via.params:
            self._streams.index.alias(self, via.sentBy[1])

    def opened(self, connection: StreamConnection) -> None:
        """The connection is there, TLS handshake included."""
        self.connection = connection
        waiting, self._waiting = self._waiting, None
        for data, reference in waiting or ():
            self.send(data, reference)

    def moved(self, holder: str) -> list[str]:
        """Another worker has the connection from now on.

        @return: the references of what was sent last.
        """
        self.holder = holder
        self.connection = None
        recent, self._recent = self._recent, None
        return list(recent or ())

    def resume(self, connection: str, owed: int, recent: list[str]) -> None:
        """Be what another worker's flow was."""
        self.identifier = connection
        self.owed = owed
        for reference in recent:
            self._remember(reference)

    def abort(self) -> None:
        """Close the connection at once: nothing that may come over it is wanted."""
        if self.connection is not None:
            self.connection.abort()

    def hold(self) -> None:
        """Read no more for a while: what comes over the connection is too much."""
        if self.connection is not None:
            self.connection.hold()

    def lost(self) -> None:
        """The connection is gone, or could not be opened. Whoever waits is told, and so is who
        has just sent a request: a transaction that has got an answer does not mind."""
        if self.closed:
            return
        self.closed = True
        self.connection = None
        # A response that has waited is one whose own connection is gone, and this one was to where
        # its Via leads: there is no third way (RFC 3261 §18.2.2).
        for reference in (*(each for _, each in self._waiting or ()), *(self._recent or ())):
            self._streams.undelivered(b"", reference, self.remote[0])
        self._waiting = self._recent = None

    def __repr__(self) -> str:
        return f"<{self.transport} flow {self.identifier} to {self.remote}>"

"""One TCP or TLS connection: the protocol that reads it, and the flow that others see."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IHandshakeListener,
    IPushProducer,
)
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.sip import FramingError, KeepAlive, Request, Response, StreamFramer
from sipapp.transport.bus import FlowRecord
from sipapp.transport.flows import streamToken
from sipapp.transport.limits import StreamLimits

if TYPE_CHECKING:
    from sipapp.transport.streams import Streams

Address = tuple[str, int]

#: Requests whose fate is still told after they were written, if the connection breaks.
_REMEMBERED = 256
#: Messages that wait for a connection to be opened.
_WAITING = 256
#: What may wait on either side of a connection that is moved: it has to fit into a datagram.
_MOVABLE = 100_000


class StreamUser(Protocol):
    """Takes what connections receive."""

    def messageReceived(self, message: Request | Response, flow: StreamFlow, data: bytes) -> None:
        """A message has come."""

    def framingFailed(self, error: FramingError, flow: StreamFlow) -> None:
        """What came cannot be understood; the connection is closed after this."""


class StreamFlow:
    """A connection as a flow (RFC 5626), from the wish to open it until after its end.

    @ivar connection: C{None} while it is being opened and when it is closed.
    @ivar holder: code of the worker that has been given the connection; C{''} if it is here.
    @ivar owed: how many requests that came over it have no final response yet.
    @ivar targets: what it is found by when there is something to send.
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
        self._waiting: list[tuple[bytes, str]] = []
        self._recent: deque[str] = deque(maxlen=_REMEMBERED)
        self.transport = transport
        self.secure = transport == "TLS"
        self.remote = remote
        self.listener = listener
        self.outgoing = outgoing
        self.tlsName = tlsName
        self.closed = False
        self.holder = ""
        self.owed = 0
        self.targets: list[tuple[str, str, int, str]] = []
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
        )

    def send(self, data: bytes, reference: str = "") -> None:
        """Send a message, now or when the connection is open."""
        if self.connection is not None:
            if reference:
                self._recent.append(reference)
            self.connection.write(data)
            if data.startswith(b"SIP/2.0 ") and not data.startswith(b"SIP/2.0 1"):
                self.owed -= 1
                self.connection.answered()
        elif self.holder:
            self._streams.unsent.sendElsewhere(data, self, reference)
        elif self.closed or len(self._waiting) >= _WAITING:
            self._streams.undelivered(data, reference)
        else:
            self._waiting.append((data, reference))

    def noteAlias(self, request: Request) -> None:
        """A request has come; its topmost Via may ask for an alias (RFC 5923 §4)."""
        via = request.via
        if "alias" in via.params:
            self._streams.alias(self, via.sentBy[1])

    def opened(self, connection: StreamConnection) -> None:
        """The connection is there, TLS handshake included."""
        self.connection = connection
        waiting, self._waiting = self._waiting, []
        for data, reference in waiting:
            self.send(data, reference)

    def moved(self, holder: str) -> list[str]:
        """Another worker has the connection from now on.

        @return: the references of what was sent last.
        """
        self.holder = holder
        self.connection = None
        recent = list(self._recent)
        self._recent.clear()
        return recent

    def resume(self, connection: str, owed: int, recent: list[str]) -> None:
        """Be what another worker's flow was."""
        self.identifier = connection
        self.owed = owed
        self._recent.extend(recent)

    def lost(self) -> None:
        """The connection is gone, or could not be opened. Whoever waits is told, and so is who
        has just sent a request: a transaction that has got an answer does not mind."""
        if self.closed:
            return
        self.closed = True
        self.connection = None
        for data, reference in self._waiting:
            self._streams.undelivered(data, reference)
        self._waiting.clear()
        for reference in self._recent:
            self._streams.undelivered(b"", reference)
        self._recent.clear()

    def __repr__(self) -> str:
        return f"<{self.transport} flow {self.identifier} to {self.remote}>"


@implementer(IHalfCloseableProtocol, IHandshakeListener, IPushProducer)
class StreamConnection(TwistedProtocol):
    """Reads the messages of one connection, and looks after its limits.

    It is the producer of its own transport, to learn when a slow peer has caught up.

    @ivar ending: whether it is only open until the rest is sent, or received.
    """

    def __init__(self, streams: Streams, flow: StreamFlow, limits: StreamLimits) -> None:
        self.flow = flow
        self.limits = limits
        self._streams = streams
        self._framer = StreamFramer(limits.headSize, limits.bodySize)
        self._backlog = -1
        self._open = False
        self.ending = False

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        transport.registerProducer(self, True)
        if self.flow.secure:
            # What is awaited first is the handshake.
            self._streams.awaitMessage(self)
        else:
            self._opened()

    def handshakeCompleted(self) -> None:
        self._streams.messageComplete(self)
        self._opened()

    def _opened(self) -> None:
        self._open = True
        self._streams.active(self)
        self.flow.opened(self)

    def dataReceived(self, data: bytes) -> None:
        if not self._open:
            return
        turns = self._streams.turns
        turns.begin()
        try:
            self._read(data)
        finally:
            turns.end()

    def _read(self, data: bytes) -> None:
        streams = self._streams
        streams.active(self)
        try:
            for frame in self._framer.feed(data):
                if frame is KeepAlive.PING:
                    self.write(b"\r\n")
                elif frame is not KeepAlive.PONG:
                    message = frame.message
                    if isinstance(message, Request) and message.method != "ACK":
                        self.flow.owed += 1
                    streams.user.messageReceived(message, self.flow, frame.data)
                if not self._open:
                    return
        except FramingError as error:
            streams.framingFailed(error, self)
            self.close()
            return
        if self._framer.idle:
            streams.messageComplete(self)
        elif self._open:
            streams.awaitMessage(self)

    def write(self, data: bytes) -> None:
        """Send some bytes, if the peer reads what it was sent before."""
        transport: Any = self.transport
        transport.write(data)
        if self._backlog >= 0:
            self._backlog += len(data)
            if self._backlog > self.limits.backlog:
                self._streams.limitHit(self, "backlog", "reads too slowly, aborted")
                self.abort()

    def pauseProducing(self) -> None:
        """More waits to be sent than the transport likes: begin to count."""
        self._backlog = max(self._backlog, 0)

    def resumeProducing(self) -> None:
        """All of it is on its way."""
        self._backlog = -1

    def stopProducing(self) -> None:
        """The transport is closed; connectionLost follows."""

    def readConnectionLost(self) -> None:
        """The peer sends no more (TCP half-close), but may wait for its responses. It is not
        asked anything new, and it does not get long."""
        self._streams.forget(self.flow)
        self._end()
        self.answered()

    def answered(self) -> None:
        """A final response was sent: the last that a peer which sends no more has waited for?"""
        if self.ending and self._open and self.flow.owed <= 0:
            self.close()

    def writeConnectionLost(self) -> None:
        """The peer does not read any more."""
        self.close()

    def close(self) -> None:
        """Close when all that was written is sent."""
        self._open = False
        self.flow.lost()
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.loseConnection()
        # A peer that does not read must not keep it open.
        self._end()

    def leave(self) -> tuple[int, bytes, bytes] | None:
        """Let go of the socket without closing it, for another process to go on with.

        @return: its descriptor, what was received but is no whole message yet, and what the peer
            has not taken yet; C{None} if this connection has to stay.
        """
        if not self._open or self.ending or self.flow.secure:
            return None
        unread = self._framer.unfinished
        transport: Any = self.transport
        if transport.dataBuffer or transport._tempDataBuffer:
            transport.doWrite()
            if not self._open:
                return None
        # Twisted has no other name for what it has not written.
        unwritten = transport.dataBuffer[transport.offset :] + b"".join(transport._tempDataBuffer)
        if len(unread) + len(unwritten) > _MOVABLE:
            return None
        transport.stopReading()
        transport.stopWriting()
        self._open = False
        return transport.getHandle().detach(), unread, unwritten

    def resume(self, unread: bytes, unwritten: bytes) -> None:
        """Go on where another process has left."""
        if unwritten:
            self.write(unwritten)
        if unread:
            self.dataReceived(unread)

    def _end(self) -> None:
        self.ending = True
        self._streams.messageComplete(self)
        self._streams.awaitMessage(self)

    def abort(self) -> None:
        """Close at once."""
        self._open = False
        self.flow.lost()
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._open = False
        self._streams.connectionLost(self)
        self.flow.lost()

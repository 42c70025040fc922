"""The protocol of one TCP or TLS connection: reads its messages, and looks after its limits."""

from __future__ import annotations

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
from sipapp.transport.limits import StreamLimits
from sipapp.transport.streamflow import StreamFlow
from sipapp.transport.tls import WrongPeer, handshakeFailure, peerCertificate

if TYPE_CHECKING:
    from sipapp.transport.streams import Streams

#: What may wait on either side of a connection that is moved: it has to fit into a datagram.
_MOVABLE = 100_000
#: Seconds for which a connection is not read over which too much has come.
_HELD = 0.5


class StreamUser(Protocol):
    """Takes what connections receive."""

    def messageReceived(self, message: Request | Response, flow: StreamFlow, data: bytes) -> None:
        """A message has come."""

    def keepAliveReceived(self, flow: StreamFlow) -> bool:
        """A keep-alive has come (RFC 5626 §3.5.1).

        @return: whether it is answered.
        """

    def framingFailed(self, error: FramingError, flow: StreamFlow) -> None:
        """What came cannot be understood; the connection is closed after this."""


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
        self._framer = StreamFramer(limits.message)
        self._backlog = -1
        self._open = False
        self._held = False
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
        flow = self.flow
        self._streams.handshakes[-1 if flow.outgoing else flow.listener] += 1
        self._streams.messageComplete(self)
        try:
            flow.identities = self._streams.identify(flow, peerCertificate(self.transport))
        except WrongPeer as error:
            self._streams.limitHit(self, "certificate", f"{error}, closed")
            self.abort()
        else:
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
        some = False
        try:
            for frame in self._framer.feed(data):
                some = True
                if frame is KeepAlive.PING:
                    if streams.user.keepAliveReceived(self.flow):
                        self.write(b"\r\n")
                elif frame is not KeepAlive.PONG:
                    message = frame.message
                    if isinstance(message, Request) and message.method != "ACK":
                        self.flow.owed += 1
                    if streams.tap is not None:
                        self.flow.show(frame.data, False)
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
            if some:
                # What is unfinished now has only begun, however long there has been no pause.
                streams.messageComplete(self)
            streams.awaitMessage(self)

    def hold(self) -> None:
        """Read no more for a while: too much has come. The rest waits with the peer, and the time
        that it would take to read and drop it is for others."""
        if self._open and not self._held:
            self._held = True
            transport: Any = self.transport
            transport.pauseProducing()
            self._streams.reactor.callLater(_HELD, self._release)

    def _release(self) -> None:
        self._held = False
        if self._open:
            transport: Any = self.transport
            transport.resumeProducing()

    def write(self, data: bytes) -> None:
        """Send some bytes, if the peer reads what it was sent before."""
        transport: Any = self.transport
        if not self.flow.secure:
            data = self._writeNow(transport, data)
        if data:
            transport.write(data)
        if self._backlog >= 0:
            self._backlog += len(data)
            if self._backlog > self.limits.backlog:
                self._streams.limitHit(self, "backlog", "reads too slowly, aborted")
                self.abort()

    def _writeNow(self, transport: Any, data: bytes) -> bytes:
        """Give the kernel what it takes at once. Twisted would wait for the next iteration of the
        reactor to do the same, and ask for an event before it and for none after it.

        @return: the rest, for the transport.
        """
        if not transport.connected or transport.disconnecting:
            return data
        if transport.dataBuffer or transport._tempDataBuffer:
            # It is not its turn.

            return data
        try:
            sent = transport.socket.send(data)
        except OSError:
            # There is no room, or the connection is broken: the transport will find out.
            return data
        return b"" if sent == len(data) else data[sent:]

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
        self._streams.index.forget(self.flow)
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
        if self.flow.secure and not self._open and not self.flow.closed:
            failure = handshakeFailure(reason)
            if failure is not None:
                self._streams.limitHit(self, "handshake", f"{failure}, closed")
        self._open = False
        self._streams.connectionLost(self)
        self.flow.lost()

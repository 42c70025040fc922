"""HTTP endpoints: Twisted's server, with the limits of a stream endpoint.

Twisted bounds heads and puts large bodies into files, but a body has no end for it, each byte that
comes gives a sender the whole time again, and nobody counts connections.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from sipapp.sip import MessageBounds
from sipapp.transport.admission import REFUSE, Admission
from sipapp.transport.expiry import Expiry
from sipapp.transport.limits import ConnectionCount, LimitLog, StreamLimits
from sipapp.transport.networks import NONE, Networks
from sipapp.transport.proxyprotocol import ProxiedFactory
from sipapp.transport.tls import ServerTLS, TLSFactory

__all__ = ["LimitedSite", "webFactory"]

_HEAD_TOO_LARGE = b"431 Request Header Fields Too Large"  # RFC 6585 §5
_BODY_TOO_LARGE = b"413 Content Too Large"  # RFC 9110 §15.5.14
_TOO_MANY_REQUESTS = b"503 Service Unavailable"
_URI_TOO_LONG = b"414 URI Too Long"  # RFC 9110 §15.5.15


class _BodyTooLarge(Exception):
    """More has come of a body than there may be."""


class LimitedRequest(Request):
    """A request whose body has a bound even when it comes in chunks, without a length."""

    _size = 0

    def handleContentChunk(self, data: bytes) -> None:
        self._size += len(data)
        channel: Any = self.channel
        if self._size > channel.bounds.bodySize:
            raise _BodyTooLarge
        super().handleContentChunk(data)


class LimitedChannel(HTTPChannel):
    """One connection.

    @ivar site: its endpoint. @ivar host: the client's address.
    @ivar refused: whether something was too much, so that what follows is not read any more.
    """

    site: LimitedSite
    host = ""
    refused = False
    _lines = 0
    _head = 0

    @property
    def bounds(self) -> MessageBounds:
        """How large a request may be."""
        return self.site.limits.message

    def connectionMade(self) -> None:
        super().connectionMade()
        self.site.awaitRequest(self)

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        if not self.requests:
            self.site.awaitRequest(self)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        self.site.awaitRequest(self)
        self._lines += 1
        self._head += len(line) + 2
        bounds = self.bounds
        # The request line and the empty line are none of the fields.
        if self._head > bounds.headSize or self._lines > bounds.headers + 2:
            self.refuse(_HEAD_TOO_LARGE)
        else:
            super().lineReceived(line)

    def allHeadersReceived(self) -> None:
        if self.length is not None and self.length > self.bounds.bodySize:
            self.refuse(_BODY_TOO_LARGE)
        else:
            super().allHeadersReceived()

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(_HEAD_TOO_LARGE if self._lines else _URI_TOO_LONG)

    def rawDataReceived(self, data: bytes) -> None:
        try:
            super().rawDataReceived(data)
        except _BodyTooLarge:
            self.refuse(_BODY_TOO_LARGE)

    def allContentReceived(self) -> None:
        self._lines = self._head = 0
        self.site.requestComplete(self)
        pause = self.site.pauseFor(self)
        if pause:
            self._end(_TOO_MANY_REQUESTS, b"Retry-After: %d\r\n" % pause)
        else:
            super().allContentReceived()

    def refuse(self, status: bytes) -> None:
        """Answer a request that is too large, and close."""
        self.site.hit("messageSize", self.host, f"{status.decode('ascii')}, closed")
        self._end(status)

    def _end(self, status: bytes, headers: bytes = b"") -> None:
        """Answer what may be only the beginning of a request, and close."""
        self.refused = True
        transport: Any = self.transport
        transport.write(
            b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: 0\r\n%b\r\n" % (status, headers)
        )
        self.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.site.channelLost(self)
        super().connectionLost(reason)


class LimitedSite(Site):
    """The factory of an HTTP endpoint.

    From the opening of a connection, or the first byte of a later request, to the last byte of the
    request there is C{messageTimeout}, for TLS's handshake too.
    """

    noisy = False
    protocol = LimitedChannel  # type: ignore[assignment]  # it is not to speak HTTP/2

    def __init__(
        self,
        reactor: Any,
        root: Resource,
        limits: StreamLimits,
        limitLog: LimitLog,
        name: str,
        admission: Admission | None = None,
    ) -> None:
        """
        @param name: of the endpoint, for the log.
        @param admission: decides who is listened to, and how much; C{None} if everybody is.
        """
        super().__init__(
            root, requestFactory=LimitedRequest, timeout=limits.idleTimeout, reactor=reactor
        )
        self.limits = limits
        self._name = name
        self._limitLog = limitLog
        self._admission = admission
        self._connections = ConnectionCount(limits, limitLog, name)
        self._unfinished: Expiry[LimitedChannel] = Expiry(
            reactor, limits.messageTimeout, self._tooLate
        )

    def buildProtocol(self, addr: IAddress | None) -> LimitedChannel | None:  # type: ignore[override]
        peer: Any = addr
        if self._admission is not None and not self._admission.accepts(peer.host):
            return None
        if not self._connections.admit(peer.host):
            return None
        channel: Any = super().buildProtocol(addr)
        channel.host = peer.host
        channel.MAX_LENGTH = self.limits.message.headerSize
        made: LimitedChannel = channel
        return made

    def awaitRequest(self, channel: LimitedChannel) -> None:
        """A request has begun, if it has not before."""
        if channel not in self._unfinished:
            self._unfinished.renew(channel)

    def requestComplete(self, channel: LimitedChannel) -> None:
        """All of a request has come."""
        self._unfinished.discard(channel)

    def pauseFor(self, channel: LimitedChannel) -> int:
        """
        @return: for how many seconds there should be no more requests from there; 0 if they are
            welcome.
        """
        admission = self._admission
        if admission is None:
            return 0
        verdict = admission.judge(channel.host, False, True, self.reactor.seconds())
        return admission.pause if verdict >= REFUSE else 0

    def channelLost(self, channel: LimitedChannel) -> None:
        """A connection has ended."""
        self._unfinished.discard(channel)
        self._connections.leave(channel.host)

    def hit(self, limit: str, host: str, detail: str) -> None:
        """A limit was hit: see L{LimitLog.hit}."""
        self._limitLog.hit(limit, self._name, host, detail)

    def _tooLate(self, channel: LimitedChannel) -> None:
        self.hit("messageTimeout", channel.host, "did not finish what it began, aborted")
        channel.abort()


def webFactory(
    reactor: Any,
    root: Resource,
    name: str,
    limits: StreamLimits,
    limitLog: LimitLog,
    tls: ServerTLS | None = None,
    balancers: Networks = NONE,
    admission: Admission | None = None,
) -> Any:
    """Make the factory of an HTTP endpoint.

    @param name: what the endpoint is called in the log. @param tls: for C{https}.
    @param balancers: if there are any, all connections come through them (PROXY protocol).
    @param admission: decides who is listened to, and how much; C{None} if everybody is.
    """
    factory: Any = LimitedSite(reactor, root, limits, limitLog, name, admission)
    if tls is not None:
        factory = TLSFactory(tls, False, factory)
    if balancers:
        factory = ProxiedFactory(reactor, factory, balancers, limits, limitLog, name)
    return factory

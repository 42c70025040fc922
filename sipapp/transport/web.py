"""HTTP endpoints: Twisted's server, with the limits of a stream endpoint.

Twisted bounds heads and puts large bodies into files, but a body has no end for it, each byte that
comes gives a sender the whole time again, and nobody counts connections.
"""

from __future__ import annotations

from itertools import count
from tempfile import SpooledTemporaryFile
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource
from twisted.web.server import Site

from sipapp.transport.admission import REFUSE, Admission
from sipapp.transport.expiry import Expiry
from sipapp.transport.handshakes import TLSFactory
from sipapp.transport.limits import ConnectionCount, LimitLog, StreamLimits
from sipapp.transport.networks import NONE, Networks
from sipapp.transport.proxyprotocol import ProxiedFactory
from sipapp.transport.tls import ServerTLS
from sipapp.transport.webchannel import LimitedChannel
from sipapp.transport.webcounters import WebCounters
from sipapp.transport.webrequest import LimitedRequest

__all__ = ["LimitedSite"]

_FAREWELL = 2.0
"""Seconds that a client has to take a last answer and to close."""

_NEWCOMERS = 1.0
"""Seconds that a client which has just connected has to ask for something before the end."""

_IN_MEMORY = 100_000
"""Bytes of a body; a larger one goes into a file."""


_numbers = count(1)


class LimitedSite(Site):
    """The factory of an HTTP endpoint.

    From the opening of a connection, or the first byte of a later request, to the last byte of the
    request there is C{messageTimeout}, for TLS's handshake too.

    @ivar isDraining: whether connections end with the answer that is under way.
    @ivar isPaused: whether new connections are closed at once.
    @ivar counters: what it has answered.
    """

    noisy = False
    protocol = LimitedChannel  # type: ignore[assignment]  # it is not to speak HTTP/2

    def __init__(
        self,
        reactor: Any,
        root: IResource,
        limits: StreamLimits,
        limitLog: LimitLog,
        name: str,
        admission: Admission | None = None,
        server: str | None = None,
    ) -> None:
        """
        @param name: of the endpoint, for the log.
        @param admission: decides who is listened to, and how much; C{None} if everybody is.
        @param server: what the Server of answers says; C{None} for silence.
        """
        super().__init__(
            root, requestFactory=LimitedRequest, timeout=limits.idleTimeout, reactor=reactor
        )
        self.limits = limits
        self.isDraining = False
        self.isPaused = False
        self.counters = WebCounters()
        self._server = None if server is None else server.encode("utf-8")
        self._name = name
        self._limitLog = limitLog
        self._admission = admission
        self._connections = ConnectionCount(limits, limitLog, name)
        self._channels: set[LimitedChannel] = set()
        self._unfinished: Expiry[LimitedChannel] = Expiry(
            reactor, limits.messageTimeout, self._tooLate
        )
        self._leaving: Expiry[LimitedChannel] = Expiry(reactor, _FAREWELL, LimitedChannel.abort)
        self._drained: list[Deferred[None]] = []

    def buildProtocol(self, addr: IAddress | None) -> LimitedChannel | None:  # type: ignore[override]
        peer: Any = addr
        if self.isPaused:
            return None
        if self._admission is not None and not self._admission.accepts(peer.host):
            return None
        if not self._connections.admit(peer.host):
            return None
        self.counters.accepted += 1
        channel: Any = super().buildProtocol(addr)
        channel.host, channel.port = peer.host, peer.port
        channel.number = next(_numbers)
        channel.MAX_LENGTH = self.limits.message.headerSize
        made: LimitedChannel = channel
        return made

    def withPrelude(self, tls: ServerTLS | None = None, balancers: Networks = NONE) -> Any:
        """
        @param tls: for C{https}.
        @param balancers: if there are any, all connections come through them (PROXY protocol).
        @return: the factory to listen with, for what comes before the first request.
        """
        factory: Any = self
        if tls is not None:
            factory = TLSFactory(tls, False, factory)
        if balancers:
            factory = ProxiedFactory(
                self.reactor, factory, balancers, self.limits, self._limitLog, self._name
            )
        return factory

    def getContentFile(self, length: int | None) -> Any:
        """Where the body of a request goes."""
        return SpooledTemporaryFile(_IN_MEMORY)

    def log(self, request: Any) -> None:
        """There is no line for each request."""

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._channels)

    @property
    def channels(self) -> tuple[LimitedChannel, ...]:
        """The connections that are open."""
        return tuple(self._channels)

    # What its connections tell and ask.

    def channelMade(self, channel: LimitedChannel) -> None:
        """A connection is open, and its first request has to come."""
        self._channels.add(channel)
        self._unfinished.renew(channel)

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

    def sign(self, headers: Headers) -> None:
        """Have an answer say whose it is, and not whose library has made it."""
        if self._server is None:
            headers.removeHeader(b"Server")
        else:
            headers.setRawHeaders(b"Server", [self._server])

    def channelLeaves(self, channel: LimitedChannel) -> None:
        """A connection has got its last answer."""
        self._unfinished.discard(channel)
        self._leaving.renew(channel)

    def channelLost(self, channel: LimitedChannel) -> None:
        """A connection has ended."""
        self._unfinished.discard(channel)
        self._leaving.discard(channel)
        self._channels.discard(channel)
        self._connections.leave(channel.host)
        if not self._channels:
            waiting, self._drained = self._drained, []
            for drained in waiting:
                drained.callback(None)

    def hit(self, limit: str, host: str, detail: str) -> None:
        """A limit was hit: see L{LimitLog.hit}."""
        self._limitLog.hit(limit, self._name, host, detail)

    def _tooLate(self, channel: LimitedChannel) -> None:
        self.hit("messageTimeout", channel.host, "did not finish what it began, closed")
        channel.giveUp()

    # The end.

    def drain(self, timeout: float) -> Deferred[None]:
        """Finish the requests that are under way, each the last of its connection, and close the
        connections on which there is none.

        @param timeout: seconds to finish in.
        @return: fires when there are no connections any more.
        """
        self.isDraining = True
        for channel in tuple(self._channels):
            if not channel.requests and channel not in self._unfinished:
                channel.leave()
        if not self._channels:
            return succeed(None)
        drained: Deferred[None] = Deferred()
        self._drained.append(drained)
        clock: Any = self.reactor
        calls = [
            clock.callLater(min(_NEWCOMERS, timeout), self._dismiss),
            clock.callLater(timeout, self._abortAll),
        ]

        def clear(result: None) -> None:
            for call in calls:
                if call.active():
                    call.cancel()

        return drained.addCallback(clear)

    def _dismiss(self) -> None:
        for channel in tuple(self._channels):
            if not channel.isBegun:
                channel.leave()

    def _abortAll(self) -> None:
        for channel in tuple(self._channels):
            channel.abort()

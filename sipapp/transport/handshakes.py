"""Connections over TLS, whose handshakes take turns: a few between two looks at the sockets.

A handshake takes a millisecond or more, a hundred times what a message does. A thousand that come
at once, from an attacker or from all phones after an outage, would have everybody else wait until
the last of them is done. Those that have come last go on first: of more than there is time for,
those are served who are still there to see it.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IAddress, IProtocol
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure

__all__ = ["Handshakes", "Shaking", "TLSFactory"]

_AT_ONCE = 4
"""Steps of handshakes. Each connection has two, the first of which is most of the work."""


class Shaking(Protocol):
    """A connection whose handshake is not complete."""

    def goOn(self, data: bytes) -> None:
        """Take what was received, and what comes from now on."""


class Handshakes:
    """Those of one endpoint."""

    def __init__(self, clock: Any) -> None:
        """
        @param clock: provides C{IReactorTime}; what it calls at once is called between two looks
            at the sockets.
        """
        self._clock = clock
        self._left = _AT_ONCE
        self._isCounting = False
        self._waiting: dict[Shaking, bytes] = {}

    def mayGoOn(self) -> bool:
        """Tell whether there is time for one more step of a handshake now. If so, it is taken."""
        if not self._left:
            return False
        self._left -= 1
        self._count()
        return True

    def wait(self, connection: Shaking, data: bytes) -> None:
        """Have a connection go on when it is its turn. Nothing is read from it until then."""
        self._waiting[connection] = data

    def forget(self, connection: Shaking) -> None:
        """A connection is over."""
        self._waiting.pop(connection, None)

    def _count(self) -> None:
        if not self._isCounting:
            self._isCounting = True
            self._clock.callLater(0, self._next)

    def _next(self) -> None:
        self._isCounting = False
        self._left = _AT_ONCE
        while self._left and self._waiting:
            connection, data = self._waiting.popitem()
            self._left -= 1
            self._count()
            connection.goOn(data)


class _TLSTransport(BufferingTLSTransport):
    """Waits for its turn to shake hands, and leaves nothing of OpenSSL behind: that would wait for
    the garbage collector, which counts objects and does not see that these hold a hundred
    kilobytes.
    """

    factory: TLSFactory

    def dataReceived(self, bytes: bytes) -> None:
        if self._handshakeDone or self.factory.handshakes.mayGoOn():
            super().dataReceived(bytes)
        else:
            socket: Any = self.transport
            socket.pauseProducing()
            self.factory.handshakes.wait(self, bytes)

    def goOn(self, data: bytes) -> None:
        """See L{Shaking}."""
        socket: Any = self.transport
        socket.resumeProducing()
        super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.handshakes.forget(self)
        super().connectionLost(reason)

    def _tlsShutdownFinished(self, reason: Failure | None) -> None:
        super()._tlsShutdownFinished(reason)
        if reason is not None and reason.value is not None:
            # Its frames have it among their variables, and the connection too.
            reason.tb = reason.value.__traceback__ = None


class TLSFactory(TLSMemoryBIOFactory):
    """Twisted's, but a connection that the wrapped factory refuses is closed.

    @ivar handshakes: those of its connections.
    """

    protocol = _TLSTransport

    def __init__(self, creator: Any, isClient: bool, wrapped: Any) -> None:
        super().__init__(creator, isClient, wrapped)
        self.handshakes = Handshakes(self._clock)

    def buildProtocol(self, addr: IAddress | None) -> IProtocol | None:  # type: ignore[override]
        inner = self.wrappedFactory.buildProtocol(addr)
        return None if inner is None else self.protocol(self, inner)

"""The HTTP endpoints of one worker: what they serve, when they begin and how they end."""

from __future__ import annotations

import socket
from collections.abc import Callable, Container, Sequence
from typing import Any

from twisted.internet.defer import gatherResults, maybeDeferred

from sipapp.config import ResolvedListener
from sipapp.inheritance import Inheritance, limitsOf
from sipapp.interfaces import IWebResource
from sipapp.resources.web.root import Root
from sipapp.transport.admission import Admission
from sipapp.transport.limits import LimitLog
from sipapp.transport.listing import Asked
from sipapp.transport.networks import Networks
from sipapp.transport.tls import ServerTLS
from sipapp.transport.web import LimitedSite
from sipapp.transport.webviews import answerAboutWebConnections

__all__ = ["WebSites"]


class WebSites:
    """Several endpoints, each with resources of its own.

    @ivar sites: the endpoints by the names of their listeners.
    @ivar limitLog: says what was refused.
    """

    def __init__(
        self,
        reactor: Any,
        inheritance: Inheritance,
        admission: Callable[[LimitLog], Admission | None],
        server: str | None,
    ) -> None:
        """
        @param admission: makes what decides who is listened to.
        @param server: what the Server of answers says; C{None} for silence.
        """
        self._reactor = reactor
        self._inheritance = inheritance
        self.limitLog = LimitLog(reactor.seconds)
        self._admission = admission(self.limitLog)
        self._server = server
        self.sites: dict[str, LimitedSite] = {}
        self._waiting: list[tuple[socket.socket, Any]] = []
        self._ports: list[Any] = []

    def add(
        self, listener: ResolvedListener, resources: Sequence[IWebResource], tls: ServerTLS | None
    ) -> None:
        """Make an endpoint, which L{accept} opens.

        @param resources: in the order in which the listener names them.
        @param tls: what it shows, if it has TLS.
        @raise ValueError: if its resources are in each other's way.
        """
        site = LimitedSite(
            self._reactor,
            Root(resources),
            limitsOf(listener),
            self.limitLog,
            f"{listener.transport} {listener.host}:{listener.port}",
            self._admission,
            self._server,
        )
        names = zip(resources, listener.listen.chain, strict=True)
        site.counters.names = {each.path.encode("utf-8"): name for each, name in names}
        self.sites[listener.name] = site
        factory = site.withPrelude(tls, Networks(listener.listen.proxyProtocol))
        sockets = self._inheritance.listening(listener), *self._inheritance.spares(listener)
        self._waiting += [(each, factory) for each in sockets]

    def addTo(self, answers: Asked, code: str) -> None:
        """Have it told what there is here when somebody asks.

        @param code: the worker's.
        """
        answerAboutWebConnections(answers, self._reactor, self.sites, code)

    def accept(self) -> None:
        """Take connections from now on."""
        for sock, factory in self._waiting:
            with sock:
                self._ports.append(
                    self._reactor.adoptStreamPort(sock.fileno(), sock.family, factory)
                )
        self._waiting.clear()

    def pause(self, names: Container[str]) -> None:
        """Take no new connections at some endpoints: they are closed at once, and those that are
        open end with their next answer.

        @param names: of their listeners; at all others everybody is welcome.
        """
        for name, site in self.sites.items():
            site.isPaused = name in names

    async def stopListening(self) -> None:
        """Take no more connections. Those that there are end with their next answer."""
        for site in self.sites.values():
            site.isDraining = True
        ports, self._ports = self._ports, []
        for port in ports:
            await maybeDeferred(port.stopListening)

    async def drain(self, timeout: float) -> None:
        """Take nothing new and finish what was begun.

        @param timeout: seconds to finish in.
        """
        await self.stopListening()
        await gatherResults([site.drain(timeout) for site in self.sites.values()])

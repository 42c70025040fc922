"""Sends for the resources: requests in a transaction or without one, and responses."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.interfaces import ISender
from sipapp.sip import Hop, Request, Response, about
from sipapp.transaction import (
    Identifiers,
    TransactionLayer,
)
from sipapp.transport.confinement import Confinement
from sipapp.transport.flowfinder import Flows
from sipapp.transport.flows import Flow
from sipapp.transport.locate import Locator
from sipapp.transport.responses import ResponseRouter
from sipapp.transport.sending import ClientUser, Sending
from sipapp.transport.target import Address, LocateError, Target
from sipapp.transport.vias import addVia

_log = Logger()

#: A Via of ours is shorter than this.
_VIA = 160


@implementer(ISender)
class Sender:
    """Sends for the resources of one worker."""

    def __init__(
        self,
        reactor: Any,
        layer: TransactionLayer,
        flows: Flows,
        locator: Locator,
        identifiers: Identifiers,
        responses: ResponseRouter,
        confinement: Confinement,
        udpMTU: int,
        home: int,
    ) -> None:
        """
        @param udpMTU: the longest request that goes over UDP if TCP will do as well.
        @param home: index of the endpoint to send from when nothing else decides.
        """
        self.reactor = reactor
        self.layer = layer
        self.flows = flows
        self.locator = locator
        self.identifiers = identifiers
        self.home = home
        self._responses = responses
        self._confinement = confinement
        self._udpMTU = udpMTU
        self.supported = frozenset(("UDP", "TCP", "TLS") if flows.ports else ("TCP", "TLS"))

    def request(
        self, request: Request, hop: Hop, user: ClientUser, branch: str | None = None
    ) -> Sending:
        """See L{ISender.request}."""
        sending = Sending(self, request, hop, user, branch or self.identifiers.randomBranch())
        sending.start()
        return sending

    def forward(
        self, request: Request, hop: Hop, branch: str, user: ClientUser | None = None
    ) -> None:
        """See L{ISender.forward}. Nobody can be told if it fails."""
        flow = None if hop.flow is None else self.flows.fromToken(hop.flow)
        if flow is None or flow.closed:
            if hop.flowOnly:
                return
            flow = self.straightFlow(request, hop, self.preferred(request, hop))
        if flow is not None:
            self._forwardOver(flow, request, branch, user)
            return
        # RFC 3263 §4.4: a retransmission must go to the same server.
        choice = random.Random(branch).randint  # noqa: S311 (no secret depends on it)
        try:
            found = self.locator.locate(Target.ofURI(hop.uri), self.supported, choice)
        except LocateError:
            return
        if isinstance(found, list):
            self._forwardTo(found, request, hop, branch, user)
        else:
            found.addCallback(self._forwardTo, request, hop, branch, user)
            found.addErrback(_ignoreLocateError, request)

    def respond(self, response: Response) -> None:
        """See L{ISender.respond}."""
        self._responses.send(response)

    def candidates(self, found: Iterable[Address], request: Request) -> deque[Address]:
        """The addresses to try. One that stands for UDP comes after the same one for TCP if the
        request is too long to be sure to get through (RFC 3261 §18.1.1)."""
        if not self._isLong(request):
            return deque(found)
        every: deque[Address] = deque()
        for address in found:
            if address.transport == "UDP":
                every.append(address._replace(transport="TCP"))
            every.append(address)
        return every

    def preferred(self, request: Request, hop: Hop) -> int:
        """The endpoint to send from if it suits the address: the one that the hop asks for, or
        that which a forwarded request came in by."""
        if hop.listener is not None:
            return hop.listener
        flow = request.flow
        return self.home if flow is None else flow.listener

    def straightFlow(self, request: Request, hop: Hop, preferred: int) -> Flow | None:
        """The flow to a next hop that leaves nothing to look for or to choose from."""
        flow = self.flows.straight(hop.uri, preferred)
        if flow is None or self._isLong(request) or self.isBarred(flow.address[0], request):
            return None
        return flow

    def isBarred(self, host: str, request: Request) -> bool:
        """Whether a request must not be sent to a numeric address, because of where it has come
        from."""
        origin = request.flow
        return origin is not None and self._confinement.bars(host, origin.remote[0])

    def _isLong(self, request: Request) -> bool:
        size = len(request.body) + len(request.requestURI) + _VIA
        return sum(map(len, request.lines)) + 2 * len(request.lines) + size > self._udpMTU

    def _forwardTo(
        self,
        found: Iterable[Address],
        request: Request,
        hop: Hop,
        branch: str,
        user: ClientUser | None,
    ) -> None:
        preferred = self.preferred(request, hop)
        for address in self.candidates(found, request):
            if self.isBarred(address.host, request):
                continue
            flow = self.flows.toAddress(address, preferred)
            if flow is not None:
                self._forwardOver(flow, request, branch, user)
                return

    def _forwardOver(
        self, flow: Flow, request: Request, branch: str, user: ClientUser | None
    ) -> None:
        if user is not None:
            user.flowSelected(request, flow)
        addVia(request, flow, branch)
        flow.send(request.toBytes())


def _ignoreLocateError(failure: Failure, request: Request) -> None:
    if failure.check(LocateError) is None:
        _log.failure("Forwarding a request failed", failure, about=about(request))

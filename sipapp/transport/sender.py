"""Sends requests: finds the addresses, tries them in turn, adds the Via (L{ISender}).

RFC 3263 §4.3 calls it a failure of an address if the request cannot be sent, if no response at all
comes in time, or if the response is a 503. Then the next address is tried, in a new transaction.
A hop may name a flow; that is tried before the addresses.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.interfaces import ISender
from sipapp.sip import Hop, Request, Response
from sipapp.transaction import (
    ClientTransaction,
    Identifiers,
    TransactionLayer,
    clientKey,
)
from sipapp.transport.flows import Flow, Flows
from sipapp.transport.locate import Address, LocateError, Locator, Target
from sipapp.transport.responses import ResponseRouter
from sipapp.transport.vias import addVia

_log = Logger()

#: A Via of ours is shorter than this.
_VIA = 160


class ClientUser(Protocol):
    """What L{sipapp.interfaces.IClientUser} describes."""

    def flowSelected(self, request: Request, flow: Flow) -> None: ...
    def responseReceived(self, response: Response) -> None: ...
    def failed(self, status: int, detail: str) -> None: ...


class _Outlet:
    """A flow as the transaction of one attempt sees it."""

    __slots__ = ("_reference", "_send", "reliable")

    def __init__(self, flow: Flow, reference: str) -> None:
        self.reliable = flow.reliable
        self._send = flow.send
        self._reference = reference

    def send(self, data: bytes) -> None:
        self._send(data, self._reference)


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
        if flow is not None and not flow.closed:
            self._forwardOver(flow, request, branch, user)
            return
        # RFC 3263 §4.4: a retransmission must go to the same server.
        choice = random.Random(branch).randint  # noqa: S311 (no secret depends on it)
        try:
            found = self.locator.locate(Target.ofURI(hop.uri), self.supported, choice)
        except LocateError:
            return
        if isinstance(found, Deferred):
            found.addCallback(self._forwardTo, request, hop, branch, user)
            found.addErrback(_ignoreLocateError)
        else:
            self._forwardTo(found, request, hop, branch, user)

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


class Sending:
    """A request on its way: what L{Sender.request} returns, and the user of its transactions."""

    __slots__ = (
        "_answered",
        "_attempts",
        "_branch",
        "_cancelled",
        "_candidates",
        "_current",
        "_flowGone",
        "_hop",
        "_over",
        "_preferred",
        "_request",
        "_retry",
        "_sender",
        "_transaction",
        "_user",
    )

    def __init__(
        self, sender: Sender, request: Request, hop: Hop, user: ClientUser, branch: str
    ) -> None:
        self._sender = sender
        self._request = request
        self._hop = hop
        self._user = user
        self._branch = branch
        self._preferred = sender.preferred(request, hop)
        self._transaction: ClientTransaction | None = None
        # None until they have been looked for.
        self._candidates: deque[Address] | None = None
        self._current: Address | None = None
        self._retry = False
        self._attempts = 0
        self._flowGone = False
        self._answered = False
        self._cancelled = False
        self._over = False

    def cancel(self) -> None:
        """Give up (RFC 3261 §9.1). The user still gets a final response, or learns of a failure:
        487 if nothing was sent yet."""
        self._cancelled = True
        if self._transaction is not None:
            self._transaction.cancel()
        else:
            self._failLater(487, "cancelled before it was sent")

    def start(self) -> None:
        token = self._hop.flow
        if token is not None:
            flow = self._sender.flows.fromToken(token)
            if flow is not None and not flow.closed:
                self._attempt(flow)
                return
            self._flowGone = True
        self._locate()

    def _locate(self) -> None:
        sender = self._sender
        try:
            found = sender.locator.locate(Target.ofURI(self._hop.uri), sender.supported)
        except LocateError as error:
            self._notLocated(str(error))
            return
        if isinstance(found, Deferred):
            found.addCallbacks(self._located, self._lookupFailed)
            found.addErrback(self._broken)
        else:
            self._located(found)

    def _located(self, found: list[Address]) -> None:
        self._candidates = self._sender.candidates(found, self._request)
        if not self._over:
            self._next(503, "no socket for the transport and address family")

    def _lookupFailed(self, failure: Failure) -> None:
        failure.trap(LocateError)
        self._candidates = deque()
        self._notLocated(str(failure.value))

    def _notLocated(self, detail: str) -> None:
        # RFC 5626 §5.3.1: 430 if there was only the flow.
        self._failLater(430 if self._flowGone else 503, detail)

    def _broken(self, failure: Failure) -> None:
        """Our user, or we, made a mistake where nobody else would see it."""
        _log.failure("Sending a request failed", failure)
        self._failLater(500, "internal error")

    def _next(self, status: int, detail: str) -> None:
        """Try the next address.

        @param status: what to fail with if there is none, and C{detail} why.
        """
        if self._candidates is None:
            self._flowGone = True
            self._locate()
            return
        while self._candidates:
            address = self._candidates.popleft()
            flow = self._sender.flows.toAddress(address, self._preferred)
            if flow is not None:
                self._current = address
                self._attempt(flow)
                return
        self._failLater(status, detail)

    def _attempt(self, flow: Flow) -> None:
        """Send the request over a flow, in a transaction of its own."""
        request = self._request
        # The last address may have the request itself; a stream may have to be tried again.
        if self._candidates is None or self._candidates or flow.reliable:
            request = request.copy()
        branch = self._branch
        if self._attempts:
            branch = f"{branch}-{self._attempts}"
        self._attempts += 1
        self._retry = flow.reliable and getattr(flow, "connection", None) is not None
        self._user.flowSelected(request, flow)
        addVia(request, flow, branch)
        outlet = _Outlet(flow, clientKey(branch, request.method))
        self._transaction = self._sender.layer.request(request, outlet, self)

    def _tryNext(self, status: int, detail: str) -> None:
        """The same from a callback of a transaction."""
        try:
            self._next(status, detail)
        except Exception:
            self._broken(Failure())

    def _failLater(self, status: int, detail: str) -> None:
        if not self._over:
            self._over = True
            self._sender.reactor.callLater(0, self._user.failed, status, detail)

    # From the transactions.

    def responseReceived(
        self, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        status = response.status
        if status == 503 and self._candidates and self._mayTryNext(transaction):
            self._tryNext(503, "every address answered 503")
            return
        if self._over and not 200 <= status < 300:
            # Of an attempt that was given up.
            return
        self._answered = True
        if status >= 200:
            self._over = True
        self._user.responseReceived(response)

    def timedOut(self, transaction: ClientTransaction, now: float) -> None:
        if self._mayTryNext(transaction):
            self._tryNext(408, "no response")
        else:
            self._failLater(408, "no response")

    def transportFailed(self, transaction: ClientTransaction, now: float) -> None:
        if self._cancelled or self._over:
            self._failLater(503, "the request could not be sent")
            return
        if self._retry and self._current is not None and self._candidates is not None:
            # The peer had closed an old connection, which says nothing about a new one.
            self._candidates.appendleft(self._current)
            self._current = None
        self._tryNext(503, "the request could not be sent")

    def _mayTryNext(self, transaction: ClientTransaction) -> bool:
        if self._answered or self._cancelled or self._over or transaction is not self._transaction:
            return False
        return self._candidates is None or bool(self._candidates)


def _ignoreLocateError(failure: Failure) -> None:
    if failure.check(LocateError) is None:
        _log.failure("Forwarding a request failed", failure)

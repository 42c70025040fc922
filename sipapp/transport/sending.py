"""One request on its way, from address to address, in a transaction for each (RFC 3263 §4.3).

It is a failure of an address if the request cannot be sent, if no response at all comes in time,
or if the response is a 503. Then the next address is tried. A flow that the hop names is tried
before any address.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from twisted.logger import Logger
from twisted.python.failure import Failure

from sipapp.sip import Hop, Request, Response, about
from sipapp.transaction import ClientTransaction, clientKey
from sipapp.transport.flows import Flow
from sipapp.transport.target import Address, LocateError, Target
from sipapp.transport.vias import addVia

if TYPE_CHECKING:
    from sipapp.transport.sender import Sender

_NO_OTHERS: deque[Address] = deque(maxlen=0)

_log = Logger()


class ClientUser(Protocol):
    """What L{sipapp.interfaces.IClientUser} describes."""

    def flowSelected(self, request: Request, flow: Flow) -> None: ...
    def responseReceived(self, response: Response) -> None: ...
    def failed(self, status: int, detail: str) -> None: ...


class _Outlet:
    """A flow as the transaction of one attempt sees it.

    @ivar flow: the flow itself.
    """

    __slots__ = ("_reference", "_send", "flow", "reliable")

    def __init__(self, flow: Flow, reference: str) -> None:
        self.flow = flow
        self.reliable = flow.reliable
        self._send = flow.send
        self._reference = reference

    def send(self, data: bytes) -> None:
        self._send(data, self._reference)


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

    def cancel(self, reasons: Sequence[str] = ()) -> None:
        """Give up (RFC 3261 §9.1). The user still gets a final response, or learns of a failure:
        487 if nothing was sent yet.

        @param reasons: the values of the CANCEL's Reason (RFC 3326).
        """
        self._cancelled = True
        if self._transaction is not None:
            self._transaction.cancel(reasons=reasons)
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
            if self._hop.flowOnly:
                self._failLater(430, "the flow is gone")
                return
        straight = self._sender.straightFlow(self._request, self._hop, self._preferred)
        if straight is None:
            self._locate()
        else:
            self._candidates = _NO_OTHERS
            self._attempt(straight)

    def _locate(self) -> None:
        sender = self._sender
        try:
            found = sender.locator.locate(Target.ofURI(self._hop.uri), sender.supported)
        except LocateError as error:
            self._notLocated(str(error))
            return
        if isinstance(found, list):
            self._located(found)
        else:
            found.addCallbacks(self._located, self._lookupFailed)
            found.addErrback(self._broken)

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
        _log.failure("Sending a request failed", failure, about=about(self._request))
        self._failLater(500, "internal error")

    def _next(self, status: int, detail: str) -> None:
        """Try the next address.

        @param status: what to fail with if there is none, and C{detail} why.
        """
        if self._candidates is None:
            self._flowGone = True
            if self._hop.flowOnly:
                # RFC 5626 §5.3
                self._failLater(430 if status == 503 else status, detail)
            else:
                self._locate()
            return
        while self._candidates:
            address = self._candidates.popleft()
            if self._sender.isBarred(address.host, self._request):
                status, detail = 403, "nothing from outside is sent there"
                continue
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
            self._sender.reactor.callLater(0, self._fail, status, detail)

    def _fail(self, status: int, detail: str) -> None:
        try:
            self._user.failed(status, detail)
        except Exception:
            _log.failure("Whoever has sent a request has failed", about=about(self._request))

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
            # It points back here: nothing has to wait for the garbage collector.
            self._transaction = None
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

"""The transactions of a worker, as people see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from sipapp.sip import SIPError
from sipapp.transaction import ClientTransaction, ServerTransaction, TransactionLayer
from sipapp.transport.listing import Asked, Found, find, place, shown

__all__ = ["TransactionView", "answerAboutTransactions", "transactionsWith", "viewOf"]

_Either = ServerTransaction | ClientTransaction


class TransactionView(Struct, frozen=True, kw_only=True, rename={"callID": "call_id"}):
    """A transaction that is not over.

    @ivar side: C{server} if its request was received here, C{client} if it was sent.
    @ivar state: as RFC 3261 §17 and RFC 6026 call it.
    @ivar status: of the last response that was given; 0 before the first one, and on the client's
        side.
    @ivar uri: the Request-URI.
    @ivar caller: the URI in From. @ivar callee: the URI in To.
    @ivar transport: C{UDP}, C{TCP} or C{TLS}. @ivar peer: address and port.
    @ivar seconds: since the request came, or was sent.
    """

    side: Literal["server", "client"]
    method: str
    state: str
    status: int
    uri: str
    caller: str
    callee: str
    callID: str
    transport: str
    peer: str
    seconds: float


def answerAboutTransactions(answers: Asked, reactor: Any, layer: TransactionLayer) -> None:
    """Have a worker answer C{transactions}: those that are wanted, the oldest first."""

    async def transactions(
        limit: int, method: str | None = None, state: str | None = None, callID: str | None = None
    ) -> Found[TransactionView]:
        isWanted = transactionsWith(method, state, callID)
        now = layer.clock()
        return await find(
            reactor, layer.transactions(), isWanted, lambda each: viewOf(each, now), limit
        )

    answers.add("transactions", transactions)


def transactionsWith(
    method: str | None = None, state: str | None = None, callID: str | None = None
) -> Callable[[_Either], bool]:
    """
    @return: tells whether a transaction is one of those that are wanted. C{None} wants any; the
        case of letters counts in a Call-ID alone.
    """
    wantedMethod = None if method is None else method.upper()
    wantedState = None if state is None else state.lower()

    def isWanted(transaction: _Either) -> bool:
        request = transaction.request
        return (
            (wantedMethod is None or request.method == wantedMethod)
            and (wantedState is None or transaction.state.lower() == wantedState)
            and (callID is None or _read(lambda: request.callID) == callID)
        )

    return isWanted


def viewOf(transaction: _Either, now: float) -> TransactionView:
    """
    @param now: on the clock of the layer.
    """
    request = transaction.request
    # A request that was sent may have gone by a flow that knows more than the transaction has to.
    flow: Any = getattr(transaction.flow, "flow", transaction.flow)
    side: Literal["server", "client"]
    if isinstance(transaction, ServerTransaction):
        side, status, since = "server", transaction.lastStatus, transaction.receivedAt
    else:
        side, status, since = "client", 0, transaction.sentAt
    return TransactionView(
        side=side,
        method=shown(request.method),
        state=transaction.state,
        status=status,
        uri=shown(request.requestURI),
        caller=shown(_read(lambda: str(request.fromHeader.uri))),
        callee=shown(_read(lambda: str(request.to.uri))),
        callID=shown(_read(lambda: request.callID)),
        transport=flow.transport,
        peer=place(*flow.remote[:2]),
        seconds=round(max(now - since, 0.0), 3),
    )


def _read(field: Callable[[], str]) -> str:
    """
    @return: a header field; empty if it is malformed.
    """
    try:
        return field()
    except SIPError:
        return ""

"""The transaction user of a worker: offers each request to the resources of its endpoint.

The straight path is a loop over the chain without a Deferred. Only a resource that itself gives
a Deferred or a coroutine makes the rest of the chain wait for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sipapp.resources.sip.asserted import assertsNothing, dropAssertions
from sipapp.sip import Request, Response, about, parseMessage
from sipapp.sip.methods import METHODS, OTHER
from sipapp.sip.status import knownStatus
from sipapp.transaction import Identifiers, ServerTransaction

__all__ = ["TAKEN", "Dispatch"]

_log = Logger()


class _Taken:
    """The type of L{TAKEN}."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "TAKEN"


TAKEN: Final = _Taken()
"""What a resource's C{offer} gives when it will answer the request later by itself."""


class Dispatch:
    """Offers requests to chains of resources.

    @ivar taken: how many requests each resource has taken, by the C{id()} of the resource.
    @ivar failed: how often one has failed, likewise.
    @ivar answers: requests answered without a transaction, by method and status.

    @param chains: for each listener index, the L{sipapp.interfaces.ISIPResource} providers of
        its endpoint, in the order in which they are asked.
    @param identifiers: mints the To tags of the answers that no resource gives.
    @param server: the Server header of the answers given here (RFC 3261 §20.35); C{None} adds none.
    @param isTrusted: tells whose assertions reach the resources (L{sipapp.resources.sip.asserted}).
    """

    def __init__(
        self,
        chains: Mapping[int, Sequence[Any]],
        identifiers: Identifiers,
        server: str | None = None,
        isTrusted: Callable[[Any], bool] = lambda flow: False,
    ) -> None:
        self._chains = chains
        self._identifiers = identifiers
        self._server = server
        self._isTrusted = isTrusted
        self.taken: defaultdict[int, int] = defaultdict(int)
        self.failed: defaultdict[int, int] = defaultdict(int)
        self.answers: defaultdict[tuple[str, int], int] = defaultdict(int)

    def answered(self, request: Request, flow: Any) -> bool:
        """Answer a request without a transaction, if the endpoint's first resource does that.

        @return: whether it has an answer now; if not, it is a request like any other.
        """
        chain = self._chainOf(flow)
        if not chain or request.method not in getattr(chain[0], "stateless", ()):
            return False
        if not assertsNothing(request.names):
            dropAssertions(request, self._isTrusted)
        try:
            response = chain[0].answer(request)
        except Exception:
            # It is offered to the same resource, and what goes wrong then is told.
            return False
        if response is None:
            return False
        self._sign(response)
        flow.send(response.toBytes())
        self.taken[id(chain[0])] += 1
        self._count(request, response)
        return True

    def requestReceived(self, transaction: ServerTransaction, now: float) -> None:
        """A new request, with what every request needs in good order."""
        if not assertsNothing(transaction.request.names):
            dropAssertions(transaction.request, self._isTrusted)
        self._offer(transaction, iter(self._chainOf(transaction.flow)))

    def ackReceived(self, request: Request, flow: Any, now: float) -> None:
        """An ACK to a 2xx, or to nothing: nobody is told if it goes wrong (RFC 3261 §17.1.1.3)."""
        self._showStray(request, flow, "ack")

    def strayResponse(self, response: Response, flow: Any) -> bool:
        """A response that belongs to no transaction of this worker.

        @return: whether a resource has taken it.
        """
        return self._showStray(response, flow, "strayResponse")

    def cancelReceived(
        self, transaction: ServerTransaction, invite: ServerTransaction | None, now: float
    ) -> None:
        """A CANCEL (RFC 3261 §9.2). One whose INVITE is unknown is offered like any request, so
        that a proxy can pass it on (§16.10)."""
        if invite is None:
            self.requestReceived(transaction, now)
            return
        # The To tag should be that of the INVITE's answers, if it has had one with a tag (§9.2).
        answered = parseMessage(invite.lastResponse).to.tag if invite.lastResponse else None
        tag = answered or self._identifiers.toTag(invite.request)
        transaction.respond(transaction.request.respond(200, toTag=tag))
        if invite.isFinal:
            return
        if invite.cancelled is None:
            invite.respond(self._answer(invite.request, 487))
        else:
            invite.cancelled()

    def _showStray(self, message: Request | Response, flow: Any, method: str) -> bool:
        """Ask the resources in turn to take what is part of no transaction.

        @return: whether one has.
        """
        dropAssertions(message, self._isTrusted)
        for resource in self._chainOf(flow):
            try:
                if getattr(resource, method)(message):
                    return True
            except Exception:
                _log.failure(
                    "{resource} failed on {message}",
                    resource=resource,
                    message=message,
                    about=about(message),
                )
                return False
        return False

    def _chainOf(self, flow: Any) -> Sequence[Any]:
        """The resources of the endpoint that a flow belongs to. What comes over a connection that
        we have opened to where we do not listen ourselves is treated as by our first endpoint."""
        chain = self._chains.get(flow.listener)
        return next(iter(self._chains.values())) if chain is None else chain

    def _offer(self, transaction: ServerTransaction, resources: Any) -> None:
        for resource in resources:
            try:
                result = resource.offer(transaction)
                if result is None:
                    continue
                if result is TAKEN:
                    self.taken[id(resource)] += 1
                else:
                    self._given(transaction, resource, resources, result)
            except Exception:
                self._failed(transaction, resource, Failure())
            return
        self._refuse(transaction)

    def _given(
        self, transaction: ServerTransaction, resource: Any, resources: Any, result: object
    ) -> None:
        if isinstance(result, Response):
            self.taken[id(resource)] += 1
            self._sign(result)
            if getattr(resource, "refusesAlike", False):
                self._respondOnce(transaction, result)
            else:
                transaction.respond(result)
        elif isinstance(result, Deferred):
            result.addCallback(partial(self._settled, transaction, resource, resources))
            result.addErrback(partial(self._failed, transaction, resource))
        elif isinstance(result, Coroutine):
            waiting = Deferred.fromCoroutine(result)
            self._given(transaction, resource, resources, waiting)
        else:
            raise TypeError(f"{resource!r} gave {result!r} for an offer")

    def _settled(
        self, transaction: ServerTransaction, resource: Any, resources: Any, result: object
    ) -> None:
        if result is None:
            # Meanwhile the caller may have given up: then it is nothing for the others (§9.2).
            if not transaction.isFinal:
                self._offer(transaction, resources)
        elif result is TAKEN:
            self.taken[id(resource)] += 1
        else:
            self._given(transaction, resource, resources, result)

    def _failed(self, transaction: ServerTransaction, resource: Any, failure: Failure) -> None:
        self.failed[id(resource)] += 1
        request = transaction.request
        _log.failure(
            "{resource} failed on {method}",
            failure,
            resource=resource,
            method=request.method,
            about=about(request),
        )
        if not transaction.isFinal:
            transaction.respond(self._answer(request, 500))

    def _refuse(self, transaction: ServerTransaction) -> None:
        """Nobody has taken it: §8.2.1 for what the endpoint does not do, §8.2.2.1 for the rest."""
        request = transaction.request
        if request.method == "CANCEL":
            transaction.respond(self._answer(request, 481))
            return
        methods: set[str] = set()
        for resource in self._chainOf(transaction.flow):
            methods |= resource.methods
        if request.method in methods:
            self._respondOnce(transaction, self._answer(request, 404))
        else:
            allow = ("Allow", ", ".join(sorted(methods)))
            self._respondOnce(transaction, self._answer(request, 405, (allow,)))

    def _answer(
        self, request: Request, status: int, headers: Iterable[tuple[str, str]] = ()
    ) -> Response:
        tag = self._identifiers.toTag(request)
        response = request.respond(status, toTag=tag, headers=headers)
        self._sign(response)
        return response

    def _sign(self, response: Response) -> None:
        """Say who has made a response (RFC 3261 §20.35)."""
        if self._server is not None and not response.has("Server"):
            response.append("Server", self._server)

    def _respondOnce(self, transaction: ServerTransaction, response: Response) -> None:
        """Refuse an INVITE without a transaction, as a stateless user agent server does (RFC 3261
        §8.2.7): over UDP it would be refused ten times more until there is an ACK, and nobody sends
        one whose address somebody else has written. Sent again, it is refused again."""
        if (
            response.status < 300
            or transaction.request.method != "INVITE"
            or transaction.flow.reliable
            or transaction.lastResponse
        ):
            transaction.respond(response)
            return
        self._count(transaction.request, response)
        answered = transaction.answered
        transaction.abandon()
        transaction.flow.send(response.toBytes())
        if answered is not None:
            answered(response)

    def _count(self, request: Request, response: Response) -> None:
        """A request is answered without a transaction."""
        method = request.method if request.method in METHODS else OTHER
        self.answers[method, knownStatus(response.status)] += 1

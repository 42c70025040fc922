"""The proxy as a resource: what becomes of a request that it is offered (RFC 3261 §16).

The steps of §16.3 to §16.6 in their order, each in a module of its own::

    offer -> checks -> routing -> search (relay, targets) -> ResponseContext -> Branch, Branch, ...
    ack   -> checks -> routing -> search                  -> StatelessForwarding

The straight path, a request whose targets can be looked up at once, has no Deferred.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sipapp.resources.maker import ResourceMaker
from sipapp.resources.sip.dispatch import TAKEN
from sipapp.resources.sip.proxy.calls import Calls
from sipapp.resources.sip.proxy.checks import breadthOf, objectionTo
from sipapp.resources.sip.proxy.context import ResponseContext
from sipapp.resources.sip.proxy.orphans import Orphans
from sipapp.resources.sip.proxy.relay import RelayPolicy
from sipapp.resources.sip.proxy.routing import Routed, preprocess
from sipapp.resources.sip.proxy.search import Found, TargetSearch
from sipapp.resources.sip.proxy.settings import ProxySettings
from sipapp.resources.sip.proxy.stateless import StatelessForwarding
from sipapp.resources.sip.proxy.targets import Groups
from sipapp.resources.sip.proxy.timerc import TimerC
from sipapp.resources.sip.resource import SIPResource
from sipapp.sip import SIPURI, Request, Response, SIPError, about
from sipapp.transaction import Identifiers, ServerTransaction

__all__ = ["Proxy", "proxyMaker"]

_log = Logger()


class Proxy(SIPResource):
    """Forwards requests to the users of this server, and for them.

    @ivar isTrusted: L{sipapp.interfaces.IWorker.isTrusted}.
    @ivar recordRouted: the methods that are record-routed.
    @ivar refused: how many requests were refused because they wanted to be relayed.
    @ivar branches: how many requests were forwarded in a transaction, each target counted.
    """

    refusesAlike = True

    def __init__(self, settings: ProxySettings, worker: Any) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}.
        """
        self.settings = settings
        self.sender = worker.sender
        self.identifiers: Identifiers = worker.identifiers
        self.isTrusted = worker.isTrusted
        self.timerC = TimerC(worker.reactor, settings.timerC or worker.timers.timerC)
        self.recordRouted = frozenset(settings.recordRouteMethods if settings.recordRoute else ())
        self.refused = 0
        self.branches = 0
        self._worker = worker
        self._calls = None if worker.callRecords is None else Calls(worker)
        self._known = frozenset(tag.lower() for tag in settings.proxyRequire)
        policy = RelayPolicy(worker, settings.relayRegistered)
        self._search = TargetSearch(worker, policy, settings.unreachableStatus)
        self._stateless = StatelessForwarding(
            worker.sender, worker.identifiers, worker.isTrusted, settings.maxForwards
        )
        self._orphans = Orphans(
            worker.identifiers,
            self._targetsOf,
            self.timerC,
            self._stateless.response,
            settings.maxBranches,
        )

    @property
    def tallies(self) -> dict[str, int]:
        return {
            "branches": self.branches,
            "relays_refused": self.refused,
            "stateless_requests": self._stateless.requests,
            "stateless_responses": self._stateless.responses,
        }

    def stop(self) -> None:
        self.timerC.close()

    def offer(self, transaction: ServerTransaction) -> Any:
        """Take every request. See L{sipapp.interfaces.ISIPResource} for what is returned."""
        request = transaction.request
        try:
            objection = objectionTo(request, self.identifiers, self._known)
            if objection is not None:
                return objection
            routed = preprocess(request, self._worker)
            breadth = breadthOf(request, self.settings.maxBreadth)
        except SIPError as error:
            return request.refuse(error, self.identifiers.toTag(request))
        if breadth == 0:
            return self._answer(request, 440)
        if self._calls is not None:
            self._calls.see(transaction, routed.proven)
        found = self._search.find(request, routed)
        if self.settings.mode == "stateless":
            return self._offerStateless(transaction, routed, found)
        if isinstance(found, int):
            return self._refusal(request, found)
        # The caller may cancel before targets are found, so there has to be a context.
        context = self._context(transaction, routed, breadth)
        if isinstance(found, list):
            return self._begin(found, context)
        return found.addCallback(self._begin, context)

    def ack(self, request: Request) -> bool:
        """Forward an ACK that belongs to no transaction: one to a 2xx, which follows its Route;
        or one to another final response, if the INVITE was another worker's, which goes
        wherever the INVITE could have gone."""
        if request.maxForwards == 0 or self.identifiers.isLoop(request):
            return True
        to = request.lines[request.names.index("to")]
        if f"{self.identifiers.code}." in to and request.to.tag == self.identifiers.toTag(request):
            return True  # the answer was ours, and nobody waits for the ACK any more
        routed = preprocess(request, self._worker)
        found = self._search.find(request, routed)
        if isinstance(found, (list, int)):
            return self._acknowledge(found, request, routed)
        found.addCallback(self._acknowledge, request, routed)
        found.addErrback(self._lost, request)
        return True

    def strayResponse(self, response: Response) -> bool:
        """Forward a response that belongs to no client transaction of this worker, if its
        topmost Via proves that this server has forwarded what it answers.

        @return: whether it does; any other response is to be dropped (RFC 6026 §7.3).
        """
        if response.status == 100 and self.settings.mode == "stateful":
            # Hop by hop (§16.7 step 5): a stateless proxy only forwards it because it cannot
            # have sent one itself.
            return self.identifiers.isOurs(response)
        if response.status >= 200 and self._orphans.take(response):
            return True
        return self._stateless.response(response)

    def _targetsOf(self, uri: SIPURI) -> Groups:
        """The targets of a user of ours, if they can be looked up at once."""
        if not self._worker.isLocal(uri):
            return []
        found = self._search.lookUp(uri)
        if isinstance(found, Deferred):
            found.addErrback(lambda failure: None)
            return []
        return [] if isinstance(found, int) else found

    def permittedRecursion(self, groups: Groups) -> Groups:
        """The contacts of a 3xx that may be tried (§16.7 step 4). Those at this server are looked
        up; a store that cannot answer at once makes them come back here over the network."""
        permitted: Groups = []
        for group in groups:
            kept = []
            for target in group:
                if not self._worker.isLocal(target.uri):
                    if self.settings.recurse == "always":
                        kept.append(target)
                    continue
                found = self._search.lookUp(target.uri)
                if isinstance(found, Deferred):
                    found.addErrback(lambda failure: None)
                    kept.append(target)
                elif not isinstance(found, int):
                    permitted += found
            if kept:
                permitted.append(kept)
        return permitted

    def _context(
        self, transaction: ServerTransaction, routed: Routed, breadth: int | None
    ) -> ResponseContext:
        context = ResponseContext(self, transaction, routed, breadth)
        if context.isInvite:
            # §16.2: nobody knows how long this will take.
            transaction.respond(transaction.request.respond(100))
        return context

    def _begin(self, found: Found, context: ResponseContext) -> Any:
        if isinstance(found, int):
            if context.transaction.isFinal:
                return TAKEN
            return self._refusal(context.request, found)
        if context.request.method == "CANCEL":
            # Every target may have got the INVITE (§16.10).
            found = [[target for group in found for target in group]]
        context.begin(found)
        return TAKEN

    def _answer(self, request: Request, status: int) -> Response:
        return request.respond(status, toTag=self.identifiers.toTag(request))

    def _refusal(self, request: Request, status: int) -> Response | None:
        """The answer to what is not forwarded. A CANCEL is left to be answered with 481."""
        if status == 403:
            self.refused += 1
        return None if request.method == "CANCEL" else self._answer(request, status)

    def _offerStateless(
        self, transaction: ServerTransaction, routed: Routed, found: Found | Deferred[Found]
    ) -> Any:
        if isinstance(found, Deferred):
            return found.addCallback(lambda late: self._offerStateless(transaction, routed, late))
        request = transaction.request
        if isinstance(found, int):
            return self._refusal(request, found)
        try:
            # The first one always: a retransmission has to make the same choice.
            self._stateless.request(
                request, routed, found[0][0], request.method in self.recordRouted
            )
        except SIPError as error:
            return self._answer(request, error.status)
        transaction.abandon()
        return TAKEN

    def _acknowledge(self, found: Found, request: Request, routed: Routed) -> bool:
        if isinstance(found, int):
            return False
        targets = [target for group in found for target in group]
        try:
            for target in targets[: self.settings.maxBranches]:
                self._stateless.request(request, routed, target)
        except SIPError:
            return False
        return True

    def _lost(self, failure: Any, request: Request) -> None:
        _log.failure("An ACK could not be forwarded", failure, about=about(request))


proxyMaker = ResourceMaker("proxy", "sip", ProxySettings, Proxy)

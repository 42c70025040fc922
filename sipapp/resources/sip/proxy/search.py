"""Finds the target set of a request (RFC 3261 §16.5), within what the relay policy allows."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from sipapp.location import Binding
from sipapp.resources.sip.proxy.relay import RelayPolicy
from sipapp.resources.sip.proxy.routing import Routed, isInDialog
from sipapp.resources.sip.proxy.targets import Groups, Target, fromBindings
from sipapp.resources.sip.selfreference import leadsHere
from sipapp.sip import SIPURI, Request

__all__ = ["Found", "TargetSearch"]

Found = Groups | int
"""The targets, or the status that refuses the request."""


class TargetSearch:
    """
    @param worker: the L{sipapp.interfaces.IWorker}.
    @param unreachableStatus: for users of ours who have no binding. A store of bindings cannot
        tell whether there is such a user, and §16.5 wants 480 for one who cannot be reached.
    """

    def __init__(self, worker: Any, policy: RelayPolicy, unreachableStatus: int) -> None:
        self._worker = worker
        self._policy = policy
        self._unreachable = unreachableStatus

    def find(self, request: Request, routed: Routed) -> Found | Deferred[Found]:
        """
        @param request: the request as it was received.
        @param routed: its destination.
        """
        uri = routed.uri
        if routed.proven and isInDialog(request):
            return self._inDialog(routed)
        if not routed.routes:
            if not isinstance(uri, SIPURI):
                return 416
            if self._worker.isLocal(uri):
                return self.lookUp(uri)
        permitted = self._policy.permits(request)
        if isinstance(permitted, Deferred):
            return permitted.addCallback(lambda late: self._foreign(routed, late))
        return self._foreign(routed, permitted)

    def lookUp(self, uri: SIPURI) -> Found | Deferred[Found]:
        """The bindings of a user of ours."""
        if uri.user is None:
            # The server itself: what it does as a UAS, other resources do.
            return 404
        return self._bound(uri.aor(), uri.scheme == "sips", self._unreachable)

    def _bound(self, aor: str, sips: bool, otherwise: Found) -> Found | Deferred[Found]:
        location = self._worker.location
        bindings = location.lookupNow(aor)
        if bindings is not None:
            return fromBindings(bindings, sips, self._leadsHere) or otherwise
        waiting: Deferred[tuple[Binding, ...]] = location.lookup(aor)
        return waiting.addCallback(
            lambda late: fromBindings(late, sips, self._leadsHere) or otherwise
        )

    def _leadsHere(self, uri: SIPURI) -> bool:
        return leadsHere(uri, self._worker)

    def _inDialog(self, routed: Routed) -> Found | Deferred[Found]:
        """A dialog that we have set up goes where it wants. Only a phone that has given its
        address-of-record for a Contact has to be looked up."""
        direct: Groups = [[Target(routed.text, routed.uri, flow=routed.flow)]]
        uri = routed.uri
        if routed.flow is not None or routed.routes or not isinstance(uri, SIPURI):
            return direct
        if uri.user is None or not self._worker.isLocal(uri):
            return direct
        return self._bound(uri.aor(), uri.scheme == "sips", direct)

    def _foreign(self, routed: Routed, permitted: bool) -> Found:
        if not permitted:
            return 403
        return [[Target(routed.text, routed.uri)]]

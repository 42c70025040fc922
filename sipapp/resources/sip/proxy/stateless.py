"""Forwarding without remembering (RFC 3261 §16.11).

This is how a proxy in stateless mode forwards everything, and how every proxy forwards what belongs
to no transaction: the ACK to a 2xx, and what a worker receives that has taken the place of another.
It works because the branch is a function of the request: a retransmission, and the ACK or CANCEL
of an INVITE, get the branch that the request got before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sipapp.resources.sip.asserted import concealIdentity
from sipapp.resources.sip.proxy.forwarding import forwardedRequest
from sipapp.resources.sip.proxy.recordroute import addRecordRoute
from sipapp.resources.sip.proxy.routing import Routed
from sipapp.resources.sip.proxy.targets import Target
from sipapp.sip import Request, Response
from sipapp.transaction import Identifiers

__all__ = ["StatelessForwarding"]


class StatelessForwarding:
    """
    @ivar isTrusted: L{sipapp.interfaces.IWorker.isTrusted}.
    @ivar requests: how many were forwarded. @ivar responses: likewise.
    @param sender: the L{sipapp.interfaces.ISender}.
    @param maxForwards: what a request without Max-Forwards gets.
    """

    def __init__(
        self,
        sender: Any,
        identifiers: Identifiers,
        isTrusted: Callable[[Any], bool],
        maxForwards: int,
    ) -> None:
        self._sender = sender
        self.identifiers = identifiers
        self.isTrusted = isTrusted
        self.requests = 0
        self.responses = 0
        self._maxForwards = maxForwards

    def request(
        self, request: Request, routed: Routed, target: Target, recordRoute: bool = False
    ) -> None:
        """Forward a request to one target.

        @raise sipapp.sip.SIPError: there is no telling where the target is.
        """
        self.requests += 1
        copy, hop = forwardedRequest(request, routed, target, self._maxForwards, None)
        branch = self.identifiers.branch(request, target.key)
        user = None
        if recordRoute or "privacy" in request.names:
            user = _Departure(self, request, target, recordRoute)
        self._sender.forward(copy, hop, branch, user)

    def response(self, response: Response) -> bool:
        """Forward a response that belongs to no transaction.

        @return: whether it answers something that this server has forwarded; anything else is
            not to be forwarded.
        """
        if not self.identifiers.isOurs(response):
            return False
        self.responses += 1
        response.popFirst("via")
        # Where it leads is not known yet, so that is nobody who is trusted.
        concealIdentity(response, None, _isNobody)
        self._sender.respond(response)
        return True


def _isNobody(flow: Any) -> bool:
    return False


class _Departure:
    """Edits a request when it is known where it leaves to."""

    __slots__ = ("_forwarding", "_received", "_recordRoute", "_target")

    def __init__(
        self, forwarding: StatelessForwarding, received: Request, target: Target, recordRoute: bool
    ) -> None:
        """
        @param received: the request as it was received.
        """
        self._forwarding = forwarding
        self._received = received
        self._target = target
        self._recordRoute = recordRoute

    def flowSelected(self, request: Request, flow: Any) -> None:
        """See L{sipapp.interfaces.IClientUser}."""
        concealIdentity(request, flow, self._forwarding.isTrusted)
        if self._recordRoute:
            # Later requests have to use this flow if the target does.
            farFlow = self._target.flow is not None and not self._target.path
            addRecordRoute(self._forwarding.identifiers, self._received, request, flow, farFlow)

"""Forwarding without remembering (RFC 3261 §16.11).

This is how a proxy in stateless mode forwards everything, and how every proxy forwards what belongs
to no transaction: the ACK to a 2xx, and what a worker receives that has taken the place of another.
It works because the branch is a function of the request: a retransmission, and the ACK or CANCEL
of an INVITE, get the branch that the request got before.
"""

from __future__ import annotations

from typing import Any

from sipapp.resources.sip.proxy.forwarding import forwardedRequest
from sipapp.resources.sip.proxy.recordroute import Departure
from sipapp.resources.sip.proxy.routing import Routed
from sipapp.resources.sip.proxy.targets import Target
from sipapp.sip import Request, Response
from sipapp.transaction import Identifiers

__all__ = ["StatelessForwarding"]


class StatelessForwarding:
    """
    @param sender: the L{sipapp.interfaces.ISender}.
    @param maxForwards: what a request without Max-Forwards gets.
    """

    def __init__(self, sender: Any, identifiers: Identifiers, maxForwards: int) -> None:
        self._sender = sender
        self._identifiers = identifiers
        self._maxForwards = maxForwards

    def request(
        self, request: Request, routed: Routed, target: Target, recordRoute: bool = False
    ) -> None:
        """Forward a request to one target.

        @raise sipapp.sip.SIPError: there is no telling where the target is.
        """
        copy, hop = forwardedRequest(request, routed, target, self._maxForwards, None)
        branch = self._identifiers.branch(request, target.key)
        user = None
        if recordRoute:
            farFlow = target.flow is not None and not target.path
            user = Departure(self._identifiers, request, farFlow)
        self._sender.forward(copy, hop, branch, user)

    def response(self, response: Response) -> bool:
        """Forward a response that belongs to no transaction.

        @return: whether it answers something that this server has forwarded; anything else is
            not to be forwarded.
        """
        if not self._identifiers.isOurs(response):
            return False
        response.popFirst("via")
        self._sender.respond(response)
        return True

"""What a proxy asks of a request before it does anything with it (RFC 3261 §16.3).

Syntax, version and scheme have been checked for every resource alike; these are the steps that
only concern who forwards. Step 6, authorization, is the business of resources in front.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sipapp.sip import MalformedHeader, Request, Response, unsupportedExtensions
from sipapp.transaction import Identifiers

__all__ = ["breadthOf", "objectionTo"]

_number = re.compile("[0-9]{1,9}", re.ASCII).fullmatch


def objectionTo(
    request: Request, identifiers: Identifiers, known: Collection[str] = ()
) -> Response | None:
    """
    @param known: the option tags that may stand in Proxy-Require, lower-case.
    @return: the answer that refuses the request, or C{None} if there is nothing against it.
    @raise SIPError: Max-Forwards or Proxy-Require cannot be read.
    """
    if request.maxForwards == 0:
        # Step 3. What could answer an OPTIONS in place of its target (§11) stands in front.
        return request.respond(483, toTag=identifiers.toTag(request))
    if identifiers.isLoop(request):
        # Step 4, and RFC 5393 §4.2 which makes it a must for those who fork.
        return request.respond(482, toTag=identifiers.toTag(request))
    if "proxy-require" in request.names:
        # Step 5. ACK and CANCEL go where their INVITE has gone (§8.2.2.3).
        unknown = unsupportedExtensions(request, known, proxy=True)
        if unknown:
            return request.respond(
                420,
                toTag=identifiers.toTag(request),
                headers=(("Unsupported", ", ".join(unknown)),),
            )
    return None


def breadthOf(request: Request, most: int) -> int | None:
    """How many branches of this request there may be at the same time (RFC 5393 §5.3).

    @param most: for a request that does not say, or says more.
    @return: C{None} for a method that it does not apply to.
    @raise MalformedHeader: if Max-Breadth is not a number.
    """
    if request.method in ("ACK", "CANCEL"):
        # They go where their INVITE has gone.
        return None
    if "max-breadth" not in request.names:
        return most
    text = request.get("max-breadth") or ""
    if _number(text) is None:
        raise MalformedHeader("not a number", "Max-Breadth")
    return min(int(text), most)

"""The copy of a request that goes to one target (RFC 3261 §16.6 steps 1 to 7).

The rest of §16.6 happens elsewhere: Record-Route (step 4) is written when the flow is known, the
Via (step 8) is the sender's, Timer C (step 11) the branch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sipapp.resources.sip.proxy.routing import Routed
from sipapp.resources.sip.proxy.targets import Target
from sipapp.sip import SIPURI, Hop, NameAddr, Request, SIPError

__all__ = ["forwardedRequest"]


def forwardedRequest(
    request: Request, routed: Routed, target: Target, maxForwards: int, breadth: int | None
) -> tuple[Request, Hop]:
    """
    @param maxForwards: what a request without Max-Forwards gets.
    @param breadth: the Max-Breadth for this target (RFC 5393 §5.3.3); C{None} leaves it alone.
    @return: the request, complete but for Via and Record-Route, and where it has to go.
    @raise SIPError: there is no telling where that is.
    """
    copy = request.copy()
    copy.requestURI = target.text
    left = request.maxForwards
    if left is None:
        copy.append("Max-Forwards", str(maxForwards))
    else:
        copy.set("Max-Forwards", str(left - 1))
    if breadth is not None:
        copy.set("Max-Breadth", str(breadth))
    if "content-length" not in copy.names:
        # Step 9. It can do without on UDP, but who knows yet.
        copy.append("Content-Length", str(len(copy.body)))
    routes: Sequence[NameAddr] = routed.routes
    changed = routed.changed
    if target.path:
        routes = (*target.path, *routes)
        changed = True
    next_: Any = target.uri
    if routes:
        next_ = routes[0].uri
        if isinstance(next_, SIPURI) and not next_.lr:
            # Step 6: a strict router wants itself in the Request-URI, and the real one last.
            copy.requestURI = str(next_)
            remaining = [str(route) for route in routes[1:]]
            remaining.append(f"<{target.text}>")
            _setRoutes(copy, remaining)
            changed = False
    if changed:
        _setRoutes(copy, [str(route) for route in routes])
    if not isinstance(next_, SIPURI):
        raise SIPError(416, detail="the next hop is not a SIP URI")
    return copy, Hop(next_, target.flow)


def _setRoutes(copy: Request, values: Sequence[str]) -> None:
    if copy.has("route"):
        copy.remove("route")
    for value in values:
        copy.append("Route", value)

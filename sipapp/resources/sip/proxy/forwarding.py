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
    lines = request.lines[:]
    names = request.names[:]
    left = request.maxForwards
    if left is None:
        lines.append(f"Max-Forwards: {maxForwards}")
        names.append("max-forwards")
    else:
        lines[names.index("max-forwards")] = f"Max-Forwards: {left - 1}"
    if "content-length" not in names:
        # Step 9. It can do without on UDP, but who knows yet.
        lines.append(f"Content-Length: {len(request.body)}")
        names.append("content-length")
    copy = Request(request.method, target.text, "SIP/2.0", lines, names, request.body)
    copy.flow = request.flow
    if breadth is not None:
        if "max-breadth" in names:
            copy.set("Max-Breadth", str(breadth))
        else:
            lines.append(f"Max-Breadth: {breadth}")
            names.append("max-breadth")
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
    return copy, Hop(next_, target.flow, flowOnly=target.flowOnly)


def _setRoutes(copy: Request, values: Sequence[str]) -> None:
    copy.remove("route")
    for value in values:
        copy.append("Route", value)

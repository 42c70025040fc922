"""Record-Route: how later requests of a dialog find their way here (RFC 3261 §16.6 step 4).

Each value has the address that one side can reach and a token (L{tokens}). One value does for both
sides if both know us by the same address and none of them needs its flow; otherwise there are two,
the upper one for the side the request goes to (RFC 5658 §3).
"""

from __future__ import annotations

from typing import Any

from sipapp.resources.sip.proxy import tokens
from sipapp.sip import Request, bracketed
from sipapp.transaction import Identifiers

__all__ = ["addRecordRoute", "needsItsFlow", "placeText", "recordRoutes"]


def recordRoutes(
    identifiers: Identifiers,
    callID: str,
    near: Any,
    far: Any,
    nearFlow: bool = False,
    farFlow: bool = False,
    sips: bool = False,
) -> list[str]:
    """The values to add, topmost first.

    @param near: the flow that the request came over.
    @param far: the flow that it is about to leave over.
    @param nearFlow: whether requests to the near side have to use its flow.
    @param farFlow: the same for the far side.
    @param sips: whether the request is routed by a sips URI, so that every hop has to be.
    """
    nearPlace = near.local, near.transport
    farPlace = far.local, far.transport
    # Nobody listens for the transport of a connection that has no port on our side: that side has
    # to come to the address of the other one.
    if not farPlace[0][1]:
        farPlace = nearPlace
    elif not nearPlace[0][1]:
        nearPlace = farPlace
    if nearPlace == farPlace and not nearFlow and not farFlow:
        return [_value(*farPlace, tokens.mint(identifiers, callID), sips)]
    return [
        _value(*farPlace, tokens.mint(identifiers, callID, far.token if farFlow else ""), sips),
        _value(*nearPlace, tokens.mint(identifiers, callID, near.token if nearFlow else ""), sips),
    ]


def placeText(host: str, port: int, transport: str) -> str:
    """What stands behind the token in a value of ours."""
    if transport == "UDP":
        return f"{bracketed(host)}:{port};lr>"
    return f"{bracketed(host)}:{port};transport={transport.lower()};lr>"


def _value(local: tuple[str, int], transport: str, token: str, sips: bool) -> str:
    if sips:
        # The scheme says that it is TLS.
        return f"<sips:{token}@{placeText(*local, 'UDP')}"
    return f"<sip:{token}@{placeText(*local, transport)}"


def needsItsFlow(request: Request) -> bool:
    """Whether requests to the sender of this one have to take the flow that it came over: it is
    the first hop, and it sits behind a connection that it has opened or behind a NAT (RFC 5626
    §5.1, RFC 3581 §4)."""
    names = request.names
    if names.count("via") != 1 or "," in request.lines[names.index("via")]:
        return False
    flow = request.flow
    if flow.reliable:
        return True
    via = request.via
    host, port = flow.remote[:2]
    if via.host != host:
        return True
    return via.rport is not None and (via.port or 5060) != port


def addRecordRoute(
    identifiers: Identifiers, received: Request, request: Request, flow: Any, farFlow: bool
) -> int:
    """Add Record-Route to a request that is about to leave.

    @param received: the request as it was received, C{request} as it will leave over C{flow}.
    @param farFlow: whether later requests have to use that flow.
    @return: how many values were added.
    """
    sips = request.requestURI[:5].lower() == "sips:"
    if not sips and "route" in request.names:
        sips = request.routes[0].uri.scheme == "sips"
    nearFlow = needsItsFlow(received)
    values = recordRoutes(
        identifiers, received.callID, received.flow, flow, nearFlow, farFlow, sips
    )
    for value in reversed(values):
        request.prepend("Record-Route", value)
    return len(values)

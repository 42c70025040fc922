"""Where a request says that it wants to go (RFC 3261 §16.4).

Works out, without changing the request, what is left of its Request-URI and Route once the parts
that name this server are taken away: our own Route values, the Request-URI that a strict router
put our Record-Route value into, an C{maddr} that is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sipapp.resources.sip.proxy import tokens
from sipapp.resources.sip.proxy.recordroute import placeText
from sipapp.sip import SIPURI, NameAddr, Request
from sipapp.transaction import Identifiers

__all__ = ["Routed", "isInDialog", "preprocess"]


class Routed:
    """What is left of a request's destination.

    @ivar text: the Request-URI.
    @ivar uri: the same, typed.
    @ivar routes: the Route values that are left, topmost first.
    @ivar changed: whether they differ from the request's.
    @ivar proven: whether a Record-Route value of ours, made for this very Call-ID, has led the
        request here: it belongs to a dialog that this server has set up.
    @ivar flow: the token of the flow to the far side that the value carried (RFC 5626 §5.3), if
        the request is not itself coming from there.
    """

    __slots__ = ("changed", "flow", "proven", "routes", "text", "uri")

    def __init__(self, text: str, uri: Any, routes: Sequence[NameAddr]) -> None:
        self.text = text
        self.uri = uri
        self.routes = routes
        self.changed = False
        self.proven = False
        self.flow: str | None = None


def preprocess(request: Request, worker: Any) -> Routed:
    """Apply RFC 3261 §16.4.

    @param worker: the L{sipapp.interfaces.IWorker}.
    """
    if "route" not in request.names:
        routed = Routed(request.requestURI, request.uri, ())
    elif _hasOnlyOurs(request, worker.identifiers):
        routed = Routed(request.requestURI, request.uri, ())
        routed.changed = routed.proven = True
    else:
        routed = Routed(request.requestURI, request.uri, request.routes)
    ours: list[SIPURI] = []
    if routed.routes:
        _undoStrictRouting(request, routed, worker, ours)
    uri = routed.uri
    if isinstance(uri, SIPURI) and uri.maddr is not None:
        _stripMaddr(request, routed, worker)
    if routed.routes:
        _dropOurRoutes(routed, worker, ours)
    if ours:
        _readTokens(request, routed, worker, ours)
    return routed


def _hasOnlyOurs(request: Request, identifiers: Identifiers) -> bool:
    """Whether the Route is the one value that we have put into this dialog and nothing else, as in
    nearly every request of a dialog: that can be seen without taking it apart."""
    flow = request.flow
    if flow is None or request.names.count("route") != 1:
        return False
    host, port = flow.local
    user, _, place = (request.get("route") or "").partition("@")
    return (
        place == placeText(host, port, flow.transport)
        and user[:5] == "<sip:"
        and identifiers.verifyDialogToken(user[5:], request.callID)
    )


def isInDialog(request: Request) -> bool:
    """Whether To has a tag."""
    line = request.lines[request.names.index("to")]
    # As nearly always: then it need not be taken apart.
    return (">;tag=" in line and '"' not in line) or request.to.tag is not None


def _undoStrictRouting(request: Request, routed: Routed, worker: Any, ours: list[SIPURI]) -> None:
    """A strict router has put our Record-Route value into the Request-URI and the real one at the
    end of Route."""
    uri = routed.uri
    if not isinstance(uri, SIPURI) or not uri.user or not worker.isLocal(uri):
        return
    if tokens.read(worker.identifiers, uri.user, request.callID) is None:
        return
    ours.append(uri)
    last = routed.routes[-1].uri
    routed.uri = last
    routed.text = str(last)
    routed.routes = routed.routes[:-1]
    routed.changed = True


def _stripMaddr(request: Request, routed: Routed, worker: Any) -> None:
    """An C{maddr} of ours, in a request that came the way the URI says, has done its work."""
    uri: SIPURI = routed.uri
    if not worker.isLocal(SIPURI(uri.scheme, host=uri.maddr or "", port=uri.port)):
        return
    flow = request.flow
    transport = uri.transport or ("tls" if uri.scheme == "sips" else "udp")
    port = uri.port or (5061 if transport == "tls" else 5060)
    if flow is None or flow.transport.lower() != transport or flow.local[1] != port:
        return
    routed.uri = uri.withoutParams("maddr", "transport").replace(port=None)
    routed.text = str(routed.uri)


def _dropOurRoutes(routed: Routed, worker: Any, ours: list[SIPURI]) -> None:
    """The topmost Route names this server, and so does the next if we have record-routed twice
    (RFC 5658 §4)."""
    routes = routed.routes
    count = 0
    for route in routes:
        uri = route.uri
        if not isinstance(uri, SIPURI) or not worker.isLocal(uri):
            break
        ours.append(uri)
        count += 1
    if count:
        routed.routes = routes[count:]
        routed.changed = True


def _readTokens(request: Request, routed: Routed, worker: Any, ours: list[SIPURI]) -> None:
    """The last of our values was made for the far side, so its flow is the one to use. If there is
    only one it may be the near side's: a request that comes from that flow goes the other way."""
    flows: list[str] = []
    for uri in ours:
        flow = tokens.read(worker.identifiers, uri.user, request.callID) if uri.user else None
        if flow is not None:
            flows.append(flow)
    if not flows:
        return
    routed.proven = True
    flow = flows[-1]
    if flow and (len(flows) > 1 or request.flow is None or request.flow.token != flow):
        routed.flow = flow

"""RFC 3261 §16.4: what a request's Request-URI and Route say once our own parts are gone."""

from __future__ import annotations

import pytest

from sipapp.resources.sip.proxy import tokens
from sipapp.resources.sip.proxy.routing import Routed, isInDialog, preprocess
from sipapp.sip import Request, parseMessage
from tests.resources.proxy.stage import SERVER, RecordingFlow, Stage, text

CALL = "call1@caller"
stage = Stage()


def own(flow: str = "", callID: str = CALL) -> str:
    """A Record-Route value of ours."""
    return f"<sip:{tokens.mint(stage.identifiers, callID, flow)}@{SERVER}:5060;lr>"


def route(uri: str, *routes: str, flow: RecordingFlow | None = None) -> Routed:
    headers = [f"Route: {', '.join(routes)}"] if routes else []
    request = parseMessage(text("BYE", uri, *headers).encode())
    assert isinstance(request, Request)
    request.flow = flow or RecordingFlow()
    before = request.toBytes()
    routed = preprocess(request, stage)
    assert request.toBytes() == before
    return routed


def left(routed: Routed) -> tuple[str, list[str]]:
    assert str(routed.uri) == routed.text
    return routed.text, [str(value) for value in routed.routes]


BOB = "sip:bob@203.0.113.1"
NEXT = "<sip:p2.example.net;lr>"


def test_nothingOfOurs() -> None:
    routed = route(BOB, NEXT)
    assert left(routed) == (BOB, [NEXT])
    assert not routed.changed
    assert not routed.proven


def test_topmostRouteIsOurs() -> None:
    """§16.4, last paragraph: it is removed, and those below it stay."""
    routed = route(BOB, own(), NEXT)
    assert left(routed) == (BOB, [NEXT])
    assert routed.changed
    assert routed.proven


def test_nothingButOurs() -> None:
    """However it is written, and whichever way the request comes."""
    value = own()
    connection = RecordingFlow("TCP")
    overTCP = value.replace(";lr", ";transport=tcp;lr")
    for flow in (None, connection):
        for one in (value, overTCP, f"Proxy {value}", value.replace("sip:", "SIP:")):
            routed = route(BOB, one, flow=flow)
            assert left(routed) == (BOB, [])
            assert routed.changed
            assert routed.proven
            assert routed.flow is None


def test_ourOwnTwice() -> None:
    routed = route(BOB, own(), own())
    assert left(routed) == (BOB, [])
    assert routed.proven


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("<sip:bob@example.com>;tag=t", True),
        ("sip:bob@example.com;tag=t", True),
        ('"Bob" <sip:bob@example.com> ; Tag = t', True),
        ("<sip:bob@example.com>", False),
        ("<sip:bob@example.com;tag=t>", False),
        ('"<x>;tag=" <sip:bob@example.com>', False),
    ],
)
def test_isInDialog(to: str, expected: bool) -> None:
    request = parseMessage(text("BYE", BOB, to=to).encode())
    assert isinstance(request, Request)
    assert isInDialog(request) is expected


def test_ourDomainAsRoute() -> None:
    """A preloaded Route that names us is removed and proves nothing."""
    routed = route(BOB, "<sip:example.com;lr>")
    assert left(routed) == (BOB, [])
    assert not routed.proven


def test_onlyTheTopIsRemoved() -> None:
    routed = route(BOB, NEXT, own())
    assert left(routed) == (BOB, [NEXT, own()])
    assert not routed.proven


def test_bothOfOursAreRemoved() -> None:
    """RFC 5658 §4: what was record-routed twice is removed twice; the flow is the far side's."""
    routed = route(BOB, own("near"), own("far"), NEXT)
    assert left(routed) == (BOB, [NEXT])
    assert routed.flow == "far"


def test_farSideWithoutFlow() -> None:
    assert route(BOB, own("near"), own()).flow is None


def test_sameFlowOnBothSides() -> None:
    """Two phones behind one connection: the far side's flow is the one the request came from."""
    caller = RecordingFlow(token="both")
    assert route(BOB, own("both"), own("both"), flow=caller).flow == "both"


def test_directionOfASingleValue() -> None:
    """RFC 5626 §5.3: a request from the flow goes away from it, any other towards it."""
    assert route(BOB, own("phone")).flow == "phone"
    assert route(BOB, own("phone"), flow=RecordingFlow(token="phone")).flow is None


def test_tokenOfAnotherCall() -> None:
    routed = route(BOB, own(callID="another@call"))
    assert left(routed) == (BOB, [])
    assert not routed.proven


def test_flowMovedFromAnotherCall() -> None:
    """The proof covers the flow: it cannot be put together with another one."""
    proof = tokens.mint(stage.identifiers, CALL)
    assert not route(BOB, f"<sip:{proof}.phone@{SERVER};lr>").proven
    other = tokens.mint(stage.identifiers, CALL, "other").partition(".")[0]
    assert not route(BOB, f"<sip:{other}.phone@{SERVER};lr>").proven


def test_strictRouter() -> None:
    """§16.4, first paragraph: our Record-Route value as Request-URI is replaced by the last
    Route, which is removed."""
    routed = route(own()[1:-1], NEXT, f"<{BOB}>")
    assert left(routed) == (BOB, [NEXT])
    assert routed.changed
    assert routed.proven


def test_strictRouterAfterDoubleRecordRoute() -> None:
    routed = route(own("near")[1:-1], own("far"), f"<{BOB}>")
    assert left(routed) == (BOB, [])
    assert routed.flow == "far"


def test_madeUpStrictRoute() -> None:
    """A user of ours is no Record-Route value of ours."""
    uri = f"sip:0123456789abcdef0123@{SERVER}"
    assert left(route(uri, NEXT)) == (uri, [NEXT])


def test_maddr() -> None:
    """§16.4, second paragraph: our own maddr is stripped, with port and transport."""
    uri = f"sip:bob@other.example:5060;maddr={SERVER};transport=udp"
    assert left(route(uri)) == ("sip:bob@other.example", [])


def test_maddrOfAnother() -> None:
    uri = "sip:bob@example.com;maddr=198.51.100.99"
    assert left(route(uri)) == (uri, [])


def test_maddrThroughAnotherTransport() -> None:
    """It is stripped only from what came over the transport and to the port that it says."""
    uri = f"sip:bob@example.com;maddr={SERVER};transport=tcp"
    assert left(route(uri)) == (uri, [])
    flow = RecordingFlow("TCP")
    assert left(route(uri, flow=flow)) == ("sip:bob@example.com", [])

"""RFC 3261 §16.6: what a forwarded request looks like, step by step."""

from __future__ import annotations

import pytest

from sipapp.location import Binding
from sipapp.resources.sip.proxy import tokens
from tests.resources.proxy.stage import SERVER, TCP, TLS, Stage, invite, text

BOB = "sip:bob@203.0.113.1"


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.bind("sip:bob@example.com", BOB)
    return stage


def test_copy(stage: Stage) -> None:
    """Step 1: everything else leaves as it came: order, case, unknown header fields, body."""
    odd = ("X-Odd:  a ;b", "SUBJECT: lunch", "Accept: a/b,\r\n c/d")
    stage.receive(invite("sip:bob@example.com", *odd, body="v=0\r\n"))
    [sent] = stage.sent
    wire = sent.request.toBytes().decode()
    for line in odd:
        assert f"\r\n{line}\r\n" in wire
    assert wire.endswith("\r\n\r\nv=0\r\n")
    assert sent.request.get("to") == "<sip:bob@example.com>"


def test_requestURI(stage: Stage) -> None:
    """Step 2: replaced by the target."""
    stage.receive(invite())
    assert stage.sent[0].uri == BOB
    assert str(stage.sent[0].hop.uri) == BOB


@pytest.mark.parametrize(("before", "after"), [("70", "69"), ("1", "0"), (None, "70")])
def test_maxForwards(stage: Stage, before: str | None, after: str) -> None:
    """Step 3: one less, or 70."""
    stage.receive(invite(maxForwards=before))
    assert stage.sent[0].request.getAll("max-forwards") == [after]


@pytest.mark.parametrize("method", ["INVITE", "SUBSCRIBE", "REFER", "NOTIFY"])
def test_recordRoute(stage: Stage, method: str) -> None:
    """Step 4: a loose-routing URI that leads here, above those that are there already."""
    stage.receive(text(method, "sip:bob@example.com", "Record-Route: <sip:p1.example.org;lr>"))
    [ours, theirs] = stage.sent[0].request.recordRoutes
    assert str(theirs) == "<sip:p1.example.org;lr>"
    token = tokens.mint(stage.identifiers, "call1@caller")
    assert str(ours) == f"<sip:{token}@{SERVER}:5060;lr>"


@pytest.mark.parametrize("method", ["MESSAGE", "OPTIONS", "BYE", "PUBLISH"])
def test_noRecordRoute(stage: Stage, method: str) -> None:
    """Step 4: of no use where no dialog can come of it."""
    stage.receive(text(method, "sip:bob@example.com"))
    assert not stage.sent[0].request.has("record-route")


def test_recordRouteAsConfigured() -> None:
    stage = Stage(recordRoute=False)
    stage.bind("sip:bob@example.com", BOB)
    stage.receive(invite())
    assert not stage.sent[0].request.has("record-route")


def test_maxBreadth(stage: Stage) -> None:
    """Step 5, RFC 5393 §5.3.3: 60 if there is none."""
    stage.receive(invite())
    assert stage.sent[0].request.getAll("max-breadth") == ["60"]
    stage.receive(invite("sip:bob@example.com", "Max-Breadth: 7", branch="z9hG4bK2"))
    assert stage.sent[1].request.getAll("max-breadth") == ["7"]


def test_strictNextHop(stage: Stage) -> None:
    """Step 6: the strict router's URI becomes the Request-URI, which becomes the last Route."""
    own = f"<sip:{tokens.mint(stage.identifiers, 'call1@caller')}@{SERVER};lr>"
    routes = f"Route: {own}, <sip:strict.example.net>, <sip:p3.example.net;lr>"
    stage.receive(text("BYE", BOB, routes, to="<sip:bob@example.com>;tag=callee"))
    [sent] = stage.sent
    assert sent.uri == "sip:strict.example.net"
    assert [str(route) for route in sent.request.routes] == ["<sip:p3.example.net;lr>", f"<{BOB}>"]
    assert str(sent.hop.uri) == "sip:strict.example.net"


def test_looseNextHop(stage: Stage) -> None:
    """Step 7: the topmost Route is the next hop, and the Request-URI stays."""
    own = f"<sip:{tokens.mint(stage.identifiers, 'call1@caller')}@{SERVER};lr>"
    routes = f"Route: {own}, <sip:p2.example.net;lr>"
    stage.receive(text("BYE", BOB, routes, to="<sip:bob@example.com>;tag=callee"))
    [sent] = stage.sent
    assert sent.uri == BOB
    assert [str(route) for route in sent.request.routes] == ["<sip:p2.example.net;lr>"]
    assert str(sent.hop.uri) == "sip:p2.example.net;lr"


def test_routeThatIsNoSIPURI(stage: Stage) -> None:
    own = f"<sip:{tokens.mint(stage.identifiers, 'call1@caller')}@{SERVER};lr>"
    stage.receive(text("BYE", BOB, f"Route: {own}, <tel:+1234>", to="<sip:b@example.com>;tag=c"))
    assert stage.caller.statuses() == [416]


def test_path(stage: Stage) -> None:
    """RFC 3327 §5.3: the Path of a binding is the Route to it."""
    path = ("<sip:edge.example.com;lr>", "<sip:inner.example.net;lr>")
    stage.bind("sip:alice@example.com", Binding("sip:alice@10.0.0.1", 3600.0, path=path))
    stage.receive(invite("sip:alice@example.com"))
    [sent] = stage.sent
    assert sent.uri == "sip:alice@10.0.0.1"
    assert [str(route) for route in sent.request.routes] == list(path)
    assert str(sent.hop.uri) == "sip:edge.example.com;lr"


def test_flowOfABinding(stage: Stage) -> None:
    """RFC 5626 §5.3: the flow is preferred to the contact URI."""
    stage.sender.flows["tcpFlow"] = TCP
    contact = "sip:alice@phone.invalid;transport=tcp"
    stage.bind("sip:alice@example.com", Binding(contact, 3600.0, flow="tcpFlow", viaFlow=True))
    stage.receive(invite("sip:alice@example.com"))
    [sent] = stage.sent
    assert (str(sent.hop.uri), sent.hop.flow) == (contact, "tcpFlow")


def test_branchIsAFunctionOfTheRequest(stage: Stage) -> None:
    """Step 8 and §16.11: another worker in the same slot would choose the same branch."""
    stage.receive(invite())
    again = Stage()
    again.bind("sip:bob@example.com", BOB)
    again.receive(invite())
    assert stage.sent[0].branch == again.sent[0].branch
    stage.receive(invite(branch="z9hG4bKcaller2"))
    assert stage.sent[1].branch != stage.sent[0].branch


def test_branchesOfAForkDiffer(stage: Stage) -> None:
    """Step 8: each fork is a transaction of its own."""
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.2")
    stage.receive(invite())
    assert len({sent.branch for sent in stage.sent}) == 2


def test_contentLength(stage: Stage) -> None:
    """Step 9: a request that came without one gets one, since it may leave over a stream."""
    message = invite(body="v=0\r\n").replace("Content-Length: 5\r\n", "")
    stage.receive(message)
    assert stage.sent[0].request.getAll("content-length") == ["5"]


def test_tryingAtOnce(stage: Stage) -> None:
    """§16.2: 100 to an INVITE; but to nothing else (RFC 4320 §4.1)."""
    stage.receive(invite())
    assert stage.caller.statuses() == [100]
    stage.receive(text("MESSAGE", "sip:bob@example.com", branch="z9hG4bK2"))
    assert stage.caller.statuses() == []


def test_anotherAddress(stage: Stage) -> None:
    """What fits the first address is taken off when the sender goes to the next one."""
    stage.receive(invite())
    [sent] = stage.sent
    request = sent.request.copy()
    sent.user.flowSelected(request, TLS)
    assert len(request.recordRoutes) == 3
    sent.user.flowSelected(request, TCP)
    assert [str(route).partition("@")[2] for route in request.recordRoutes] == [
        f"{SERVER}:5060;transport=tcp;lr>",
        f"{SERVER}:5060;lr>",
        f"{SERVER}:5060;lr>",
    ]

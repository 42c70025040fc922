"""The examples of RFC 3261 §16.12, step by step, with this server as one of the proxies."""

from __future__ import annotations

import pytest

from sipapp.transport.trust import TrustedPeers
from tests.resources.proxy.stage import SERVER, Stage, invite, text

CALLEE = "sip:callee@u2.domain.com"


class Domain(Stage):
    """A proxy for one domain of the examples. It trusts its neighbours, as they have agreed."""

    def __init__(self, domain: str, host: str = SERVER) -> None:
        self.domains = frozenset((domain,))
        super().__init__(host=host)
        self.trusted = TrustedPeers(["198.51.100.0/24"])


def recorded(stage: Stage) -> list[str]:
    return [str(value) for value in stage.sent[-1].request.recordRoutes]


def test_basicSIPTrapezoid() -> None:
    """§16.12.1.1: U1 -> P1 -> P2 -> U2, both proxies record-route; the BYE comes back."""
    p1, p2 = Domain("p1.example.com"), Domain("domain.com", "192.0.2.2")
    p2.bind("sip:callee@domain.com", CALLEE)

    # U1 sends INVITE sip:callee@domain.com to P1, which is not responsible for domain.com.
    p1.receive(invite("sip:callee@domain.com", "Route: <sip:p1.example.com;lr>"))
    [atP2] = p1.sent
    assert atP2.uri == "sip:callee@domain.com"
    assert not atP2.request.has("route")
    assert len(recorded(p1)) == 1

    # P2 is responsible, looks it up, and rewrites the Request-URI.
    p2.receive(atP2.request.toBytes())
    [atU2] = p2.sent
    assert atU2.uri == CALLEE
    assert recorded(p2)[1:] == recorded(p1)
    ours, theirs = recorded(p2)

    # U2 hangs up: its route set has P2 on top.
    bye = text(
        "BYE",
        "sip:caller@u1.example.com",
        f"Route: {ours}, {theirs}",
        to="<sip:carol@elsewhere.example>;tag=caller",
        branch="z9hG4bKbye",
    )
    p2.receive(bye)
    atP1 = p2.sent[1]
    assert atP1.uri == "sip:caller@u1.example.com"
    assert [str(value) for value in atP1.request.routes] == [theirs]
    assert f"<{atP1.hop.uri}>" == theirs

    # P1 finds itself in the topmost Route, removes it, and goes by the Request-URI.
    p1.receive(atP1.request.toBytes())
    atU1 = p1.sent[1]
    assert not atU1.request.has("route")
    assert str(atU1.hop.uri) == "sip:caller@u1.example.com"


def test_traversingAStrictRoutingProxy() -> None:
    """§16.12.1.2: U1 -> P1 -> P2 -> P3 -> P4 -> U2 with P3 a strict router; the request in the
    dialog as P2 sends it to P3, and as P4 gets it from there."""
    p2, p4 = Domain("middle.com"), Domain("domain.com", "192.0.2.2")
    for proxy in (p2, p4):
        # A call that has gone through each, to have their Record-Route values.
        proxy.receive(invite("sip:callee@u2.domain.com"))
    [p2RR], [p4RR] = recorded(p2), recorded(p4)
    p3RR = "<sip:p3.middle.com>"
    to = "<sip:bob@example.com>;tag=callee"

    # P2 removes itself; the next hop does not have lr, so it goes into the Request-URI and the
    # Request-URI to the end.
    routes = f"Route: {p2RR}, {p3RR}, {p4RR}"
    p2.receive(text("BYE", CALLEE, routes, to=to, branch="z9hG4bKbye"))
    bye = p2.sent[1]
    assert bye.uri == p3RR[1:-1]
    assert [str(value) for value in bye.request.routes] == [p4RR, f"<{CALLEE}>"]
    assert f"<{bye.hop.uri}>" == p3RR

    # P3, the strict router, puts the next Route into the Request-URI. P4 finds there what it
    # placed in Record-Route itself, and takes the last Route for the Request-URI.
    p4.receive(text("BYE", p4RR[1:-1], f"Route: <{CALLEE}>", to=to, branch="z9hG4bKbye"))
    bye = p4.sent[1]
    assert bye.uri == CALLEE
    assert not bye.request.has("route")
    assert str(bye.hop.uri) == CALLEE


def test_rewritingRecordRouteValues() -> None:
    """§16.12.1.3 rewrites its Record-Route in the response so that each side gets the interface
    that it can reach. RFC 5658 §3 has two values instead: the one in the middle does the same,
    and a signed response stays as it is."""
    from tests.resources.proxy.stage import RecordingFlow

    gateway = Domain("gateway.leftprivatespace.com")
    left = RecordingFlow(local=("10.1.0.1", 5060))
    message = invite(CALLEE, "Route: <sip:gateway.leftprivatespace.com;lr>")
    gateway.receive(message, left)
    right, nearer = recorded(gateway)
    assert right.endswith(f"@{SERVER}:5060;lr>")
    assert nearer.endswith("@10.1.0.1:5060;lr>")

    # U1 sends its BYE to the left interface, U2 to the right one; both values are removed.
    to = "<sip:bob@example.com>;tag=callee"
    bye = text("BYE", CALLEE, f"Route: {nearer}, {right}", to=to, branch="z9hG4bKbye1")
    gateway.isLocal = lambda uri: uri.host in (SERVER, "10.1.0.1")  # type: ignore[method-assign]
    gateway.receive(bye, left)
    assert not gateway.sent[1].request.has("route")
    bye = text("BYE", "sip:u1@10.1.0.7", f"Route: {right}, {nearer}", to=to, branch="z9hG4bKbye2")
    gateway.receive(bye)
    assert not gateway.sent[2].request.has("route")


@pytest.mark.parametrize("phone", ["sip:bob@example.com", f"sip:bob@{SERVER}"])
def test_contactThatIsAnAddressOfRecord(phone: str) -> None:
    """Not in §16.12, but phones do it: they give their own address-of-record for a Contact. In a
    dialog it is looked up."""
    stage = Stage()
    stage.bind(phone, "sip:bob@203.0.113.1")
    stage.receive(invite(phone))
    [value] = recorded(stage)
    to = "<sip:bob@example.com>;tag=callee"
    stage.receive(text("BYE", phone, f"Route: {value}", to=to, branch="z9hG4bKbye"))
    assert stage.sent[1].uri == "sip:bob@203.0.113.1"


def test_contactOnOurHost() -> None:
    """A phone on the server's own machine, without a user in its Contact or not registered, is
    no business of the location service."""
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(invite())
    [value] = recorded(stage)
    to = "<sip:bob@example.com>;tag=callee"
    for number, contact in enumerate((f"sip:{SERVER}", f"sip:bob@{SERVER}")):
        bye = text("BYE", contact, f"Route: {value}", to=to, branch=f"z9hG4bK{number}")
        stage.receive(bye)
        assert stage.sent[-1].uri == contact

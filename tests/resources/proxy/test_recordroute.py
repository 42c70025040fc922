"""Record-Route where the two sides differ: RFC 3261 §16.6 step 4, RFC 5658, RFC 5626 §5.3."""

from __future__ import annotations

from sipapp.location import Binding
from sipapp.resources.sip.proxy.recordroute import recordRoutes
from tests.resources.proxy.stage import SERVER, TCP, TLS, UDP, RecordingFlow, Stage, invite, text

NAT = RecordingFlow(remote=("198.51.100.77", 34567), token="natFlow")
CONNECTION = RecordingFlow("TCP", ("198.51.100.10", 41000), listener=1, token="callerConnection")


def phone(flow: RecordingFlow, contact: str) -> Binding:
    return Binding(contact, 3600.0, flow=flow.token, viaFlow=True)


def staged(*bindings: Binding) -> Stage:
    stage = Stage()
    for flow in (UDP, TCP, TLS, NAT, CONNECTION):
        stage.sender.flows[flow.token] = flow
    stage.bind("sip:bob@example.com", *bindings)
    return stage


def values(stage: Stage) -> list[str]:
    """The Record-Routes without their tokens, which have their own tests, but for the flow."""
    result = []
    for value in stage.sent[-1].request.recordRoutes:
        user, _, rest = str(value)[1:-1].partition("@")
        scheme, _, token = user.partition(":")
        result.append(f"{scheme}:{token.partition('.')[2]}@{rest}")
    return result


def test_sameOnBothSides() -> None:
    stage = staged(Binding("sip:bob@203.0.113.1", 3600.0))
    stage.receive(invite())
    assert values(stage) == [f"sip:@{SERVER}:5060;lr"]


def test_farSideByFlow() -> None:
    """RFC 5658 §3: one value for each side, the far side's on top, with its flow."""
    stage = staged(phone(TCP, "sip:bob@phone.invalid"))
    stage.receive(invite())
    assert values(stage) == [
        f"sip:tcpFlow@{SERVER}:5060;transport=tcp;lr",
        f"sip:@{SERVER}:5060;lr",
    ]


def test_nearSideByFlow() -> None:
    """A caller behind a connection that it has opened can only be reached through it."""
    stage = staged(Binding("sip:bob@203.0.113.1", 3600.0))
    stage.receive(invite(), CONNECTION)
    assert values(stage) == [
        f"sip:@{SERVER}:5060;lr",
        f"sip:callerConnection@{SERVER}:5060;transport=tcp;lr",
    ]


def test_nearSideBehindAnotherProxy() -> None:
    """The connection of a proxy is not the way to the caller: its own Record-Route is."""
    stage = staged(Binding("sip:bob@203.0.113.1", 3600.0))
    stage.receive(invite("sip:bob@example.com", "Via: SIP/2.0/UDP 10.9.9.9"), CONNECTION)
    assert values(stage) == [f"sip:@{SERVER}:5060;lr", f"sip:@{SERVER}:5060;transport=tcp;lr"]


def test_nearSideBehindNAT() -> None:
    """A datagram that comes from elsewhere than its Via says."""
    stage = staged(Binding("sip:bob@203.0.113.1", 3600.0))
    stage.receive(invite(), NAT)
    assert values(stage) == [f"sip:@{SERVER}:5060;lr", f"sip:natFlow@{SERVER}:5060;lr"]


def test_nearSideWithAnotherPort() -> None:
    """A port that differs is a NAT's if the caller asks for symmetric answers (RFC 3581)."""
    other = RecordingFlow(remote=("198.51.100.10", 1024), token="otherPort")
    stage = staged(Binding("sip:bob@203.0.113.1", 3600.0))
    stage.receive(invite(), other)
    assert values(stage) == [f"sip:@{SERVER}:5060;lr"]
    stage.receive(invite(branch="z9hG4bK2;rport"), other)
    assert values(stage) == [f"sip:@{SERVER}:5060;lr", f"sip:otherPort@{SERVER}:5060;lr"]


def test_betweenInterfaces() -> None:
    """A server on two addresses: each side gets the one that it can reach."""
    inner = RecordingFlow(remote=("10.0.0.7", 5060), local=("10.0.0.1", 5060), token="inner")
    stage = staged(Binding("sip:bob@203.0.113.1", 3600.0))
    stage.receive(
        invite().replace("198.51.100.10:5060", "10.0.0.7"),
        inner,
    )
    assert values(stage) == [f"sip:@{SERVER}:5060;lr", "sip:@10.0.0.1:5060;lr"]


def test_withoutAListenerForTheFarSide() -> None:
    """A server without a TCP endpoint that calls over TCP: the callee comes back over UDP."""
    opened = RecordingFlow("TCP", ("203.0.113.2", 5060), (SERVER, 0), listener=-1, token="opened")
    stage = staged(phone(opened, "sip:bob@203.0.113.2;transport=tcp"))
    stage.sender.flows["opened"] = opened
    stage.receive(invite())
    assert values(stage) == [f"sip:opened@{SERVER}:5060;lr", f"sip:@{SERVER}:5060;lr"]


def test_withoutAListenerAndWithoutFlow() -> None:
    """One value is enough where no flow is needed."""
    opened = RecordingFlow("TCP", ("203.0.113.2", 5060), (SERVER, 0), listener=-1, token="opened")
    caller = RecordingFlow()
    identifiers = Stage().identifiers
    for near, far in ((caller, opened), (opened, caller)):
        [value] = recordRoutes(identifiers, "call", near, far)
        assert value.endswith(f"@{SERVER}:5060;lr>")


def test_sips() -> None:
    """§16.6 step 4: a request that is routed by a sips URI gets sips Record-Routes."""
    stage = staged(phone(TLS, "sips:bob@phone.invalid"))
    stage.receive(invite("sips:bob@example.com"), TLS)
    assert values(stage) == [f"sips:tlsFlow@{SERVER}:5061;lr", f"sips:tlsFlow@{SERVER}:5061;lr"]


def test_sipOverTLS() -> None:
    """§16.6 step 4: what comes over TLS and leaves for a sip URI gets sip Record-Routes."""
    stage = staged(Binding("sip:bob@203.0.113.1", 3600.0))
    stage.receive(invite(), TLS)
    assert values(stage) == [
        f"sip:@{SERVER}:5060;lr",
        f"sip:tlsFlow@{SERVER}:5061;transport=tls;lr",
    ]


def test_IPv6() -> None:
    flow = RecordingFlow(remote=("2001:db8::7", 5060), local=("2001:db8::1", 5060), token="six")
    stage = staged(Binding("sip:bob@203.0.113.1", 3600.0))
    stage.receive(invite().replace("198.51.100.10:5060", "[2001:db8::7]"), flow)
    assert values(stage) == [f"sip:@{SERVER}:5060;lr", "sip:@[2001:db8::1]:5060;lr"]


def test_throughTheDialog() -> None:
    """A call between two connections: BYE from either side reaches the other over its flow, and
    nothing has to be looked up."""
    stage = staged(phone(TCP, "sip:bob@phone.invalid"))
    stage.receive(invite(), CONNECTION)
    recorded = [str(value) for value in stage.sent[0].request.recordRoutes]
    stage.sent[0].answer(200)

    fromCaller = text(
        "BYE",
        "sip:bob@phone.invalid",
        f"Route: {', '.join(reversed(recorded))}",
        to="<sip:bob@example.com>;tag=callee",
        branch="z9hG4bK2",
        cseq=2,
    )
    stage.receive(fromCaller, CONNECTION)
    bye = stage.sent[1]
    assert (bye.uri, bye.hop.flow) == ("sip:bob@phone.invalid", "tcpFlow")
    assert not bye.request.has("route")

    fromCallee = text(
        "BYE",
        "sip:carol@198.51.100.10",
        f"Route: {', '.join(recorded)}",
        to="<sip:carol@elsewhere.example>;tag=caller",
        branch="z9hG4bK3",
    )
    stage.receive(fromCallee, TCP)
    bye = stage.sent[2]
    assert (bye.uri, bye.hop.flow) == ("sip:carol@198.51.100.10", "callerConnection")
    assert not bye.request.has("route")

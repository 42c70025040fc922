"""RFC 3261 §16.3: what a proxy refuses before it looks where a request goes."""

from __future__ import annotations

import pytest

from tests.resources.proxy.stage import SERVER, Stage, invite, text

BOB = "sip:bob@203.0.113.1"


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.bind("sip:bob@example.com", BOB)
    return stage


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "MESSAGE", "BYE"])
def test_noForwardsLeft(stage: Stage, method: str) -> None:
    """Step 3: 483 when Max-Forwards is 0."""
    stage.receive(text(method, "sip:bob@example.com", maxForwards="0"))
    assert stage.caller.statuses() == [483]
    assert stage.sent == []


def test_loop(stage: Stage) -> None:
    """Step 4: 482 when a request comes back as it was when it was forwarded."""
    stage.receive(invite())
    [sent] = stage.sent
    sent.request.requestURI = "sip:bob@example.com"
    sent.request.prepend("Via", "SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKother")
    stage.caller.take()
    stage.receive(sent.request.toBytes())
    assert stage.caller.statuses() == [482]
    assert len(stage.sent) == 1


def test_spiral(stage: Stage) -> None:
    """Step 4: one that comes back with another Request-URI is no loop."""
    stage.bind("sip:alice@example.com", "sip:alice@203.0.113.9")
    stage.receive(invite())
    [sent] = stage.sent
    sent.request.requestURI = "sip:alice@example.com"
    sent.request.prepend("Via", "SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKother")
    stage.receive(sent.request.toBytes())
    assert stage.sent[1].uri == "sip:alice@203.0.113.9"


def test_loopWithForgedBranch(stage: Stage) -> None:
    """Only a branch that this server has made counts."""
    via = f"Via: SIP/2.0/UDP {SERVER};branch=z9hG4bKu0.000000000000.000000000000.0000000000000000"
    stage.receive(invite("sip:bob@example.com", via))
    assert stage.caller.statuses() == [100]


def test_proxyRequire(stage: Stage) -> None:
    """Step 5: 420 names what is not supported in Unsupported."""
    stage.receive(invite("sip:bob@example.com", "Proxy-Require: privacy, sec-agree"))
    [response] = stage.caller.take()
    assert response.status == 420
    assert response.unsupported == ("privacy", "sec-agree")
    assert response.to.tag


def test_proxyRequireKnown() -> None:
    stage = Stage(proxyRequire=("privacy",))
    stage.bind("sip:bob@example.com", BOB)
    stage.receive(invite("sip:bob@example.com", "Proxy-Require: Privacy"))
    assert stage.caller.statuses() == [100]
    stage.receive(invite("sip:bob@example.com", "Proxy-Require: privacy, foo", branch="z9hG4bK2"))
    [response] = stage.caller.take()
    assert (response.status, response.unsupported) == (420, ("foo",))


def test_order(stage: Stage) -> None:
    """Max-Forwards (step 3) is looked at before Proxy-Require (step 5)."""
    stage.receive(invite("sip:bob@example.com", "Proxy-Require: foo", maxForwards="0"))
    assert stage.caller.statuses() == [483]


def test_noBreadthLeft(stage: Stage) -> None:
    """RFC 5393 §5.3.3.1: 440 when not even one branch is allowed."""
    stage.receive(invite("sip:bob@example.com", "Max-Breadth: 0"))
    assert stage.caller.statuses() == [440]


@pytest.mark.parametrize("value", ["", "-1", "many", "1 2", "\u0663"])
def test_malformedBreadth(stage: Stage, value: str) -> None:
    stage.receive(invite("sip:bob@example.com", f"Max-Breadth: {value}"))
    assert stage.caller.statuses() == [400]


def test_malformedRoute(stage: Stage) -> None:
    stage.receive(invite("sip:bob@example.com", "Route: <sip:"))
    assert stage.caller.statuses() == [400]

"""RFC 3261 §16.10, §16.8: giving up."""

from __future__ import annotations

from typing import Any

from sipapp.location import Binding
from sipapp.resources.sip.proxy import tokens
from sipapp.transaction import TimerSettings
from tests.resources.proxy.stage import SERVER, Stage, invite, text


def call(*phones: str | Binding, **settings: Any) -> Stage:
    stage = Stage(**settings)
    stage.bind("sip:bob@example.com", *phones)
    stage.receive(invite())
    stage.caller.take()
    return stage


def test_cancel() -> None:
    """Every pending branch is cancelled; their 487 goes upstream."""
    stage = call("sip:bob@203.0.113.1", "sip:bob@203.0.113.2")
    one, two = stage.sent
    one.answer(180)
    stage.caller.take()
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    assert stage.caller.statuses() == [200]
    assert one.cancelled
    assert two.cancelled
    one.answer(487)
    assert stage.caller.statuses() == []
    two.answer(487)
    assert stage.caller.statuses() == [487]


def test_whyItIsCancelled() -> None:
    """RFC 3326: what the caller says of that reaches the phones; what cannot be said again does
    not keep it from them."""
    stage = call("sip:bob@203.0.113.1")
    reasons = (
        'Reason: SIP;cause=200;text="Call completed elsewhere", Q.850;cause=16',
        'Reason: SIP;text="\\\0"',
        "Reason: X;text=\udcff",
    )
    message = text("CANCEL", "sip:bob@example.com", *reasons)
    stage.receive(message.encode("utf-8", "surrogateescape"))
    [bob] = stage.sent
    assert bob.cancelled
    assert bob.reasons == ['SIP;cause=200;text="Call completed elsewhere"', "Q.850;cause=16"]


def test_cancelOfWhatHasEnded() -> None:
    """Branches that have had their answer are left alone, and nothing new is tried."""
    stage = call(
        "sip:bob@203.0.113.1",
        "sip:bob@203.0.113.2",
        Binding("sip:bob@203.0.113.3", 3600.0, q=0.5),
    )
    one, two = stage.sent
    one.answer(486)
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    two.answer(487)
    assert (one.cancelled, two.cancelled) == (False, True)
    assert len(stage.sent) == 2
    assert stage.caller.statuses() == [200, 487]


def test_cancelThatComesTooLate() -> None:
    stage = call("sip:bob@203.0.113.1")
    stage.sent[0].answer(200)
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    assert stage.caller.statuses() == [200, 200]
    assert not stage.sent[0].cancelled


def test_cancelCrosses200() -> None:
    """The callee was faster: the caller gets the 200 and hangs up with BYE."""
    stage = call("sip:bob@203.0.113.1")
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    stage.sent[0].answer(200)
    assert stage.caller.statuses() == [200, 200]


def test_silenceAfterCancel() -> None:
    """A target that never says anything: 487 is what the caller waits for, not 408."""
    stage = call("sip:bob@203.0.113.1")
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    stage.sent[0].fail(408)
    assert stage.caller.statuses() == [200, 487]


def test_cancelBeforeTheLookUp() -> None:
    """The store has not answered yet: there is nobody to cancel."""
    stage = Stage(slow=True)
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(invite())
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    assert stage.caller.statuses() == [100, 200, 487]
    stage.location.answer()
    assert stage.sent == []
    assert stage.caller.statuses() == []


def test_cancelBeforeTheLookUpOfNobody() -> None:
    stage = Stage(slow=True)
    stage.receive(invite())
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    stage.location.answer()
    assert stage.caller.statuses() == [100, 200, 487]


def test_cancelWithoutInvite() -> None:
    """§16.10: the INVITE was another worker's. The CANCEL goes wherever that could have gone,
    with the branches that it had."""
    dead = call("sip:bob@203.0.113.1", Binding("sip:bob@203.0.113.2", 3600.0, q=0.5))
    dead.sent[0].answer(486)
    stage = Stage()
    stage.bind(
        "sip:bob@example.com",
        "sip:bob@203.0.113.1",
        Binding("sip:bob@203.0.113.2", 3600.0, q=0.5),
    )
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    assert [sent.branch for sent in stage.sent] == [sent.branch for sent in dead.sent]
    assert [sent.uri for sent in stage.sent] == [sent.uri for sent in dead.sent]
    assert not stage.sent[0].request.has("max-breadth")
    one, two = stage.sent
    one.answer(481)
    two.answer(200)
    assert stage.caller.statuses() == [200]


def test_cancelForNobody() -> None:
    """§9.2: 481."""
    stage = Stage()
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    assert stage.caller.statuses() == [481]
    stage.receive(text("CANCEL", "sip:bob@elsewhere.example", branch="z9hG4bK2"))
    assert stage.caller.statuses() == [481]
    assert stage.sent == []


def test_cancelOfAReInvite() -> None:
    """In a dialog it takes the Route of its INVITE."""
    sent = []
    for method in ("INVITE", "CANCEL"):
        stage = Stage()
        token = tokens.mint(stage.identifiers, "call1@caller")
        route = f"Route: <sip:{token}@{SERVER};lr>"
        to = "<sip:bob@example.com>;tag=callee"
        stage.receive(text(method, "sip:bob@203.0.113.1", route, to=to))
        sent += stage.sent
    invited, cancelled = sent
    assert invited.uri == cancelled.uri == "sip:bob@203.0.113.1"
    assert invited.branch == cancelled.branch


# Timer C.


def test_timerCWithoutAnswer() -> None:
    """§16.8: as if 408 had come."""
    stage = call("sip:bob@203.0.113.1")
    stage.advance(TimerSettings().timerC - 1)
    assert stage.caller.statuses() == []
    stage.advance(1)
    assert stage.caller.statuses() == [408]


def test_timerCWhileRinging() -> None:
    """§16.7 step 2: every provisional response but 100 starts it again. §16.8: the phone that
    rings is cancelled."""
    stage = call("sip:bob@203.0.113.1", timerC=200.0)
    [bob] = stage.sent
    stage.advance(150)
    bob.answer(180)
    stage.advance(150)
    bob.answer(100)
    assert stage.caller.statuses() == [180]
    stage.advance(49)
    assert not bob.cancelled
    stage.advance(1)
    assert bob.cancelled
    assert stage.caller.statuses()[:1] == [408]
    # What the CANCEL brings concerns nobody any more.
    bob.answer(487)
    assert 487 not in stage.caller.statuses()


def test_timerCAndThenTheNext() -> None:
    """A branch that was given up makes room for the next group."""
    stage = call("sip:bob@203.0.113.1", Binding("sip:bob@203.0.113.2", 3600.0, q=0.5))
    stage.sent[0].answer(180)
    stage.advance(TimerSettings().timerC)
    assert stage.sent[0].cancelled
    stage.sent[1].answer(200)
    assert stage.caller.statuses() == [180, 200]


def test_2xxAfterTimerC() -> None:
    """§16.7 step 5: any 2xx to an INVITE, also after a final response; step 9: statelessly where
    there is no transaction for it."""
    stage = call("sip:bob@203.0.113.1")
    stage.advance(TimerSettings().timerC)
    stage.caller.take()
    stage.sent[0].answer(200)
    [response] = stage.sender.responses
    assert response.status == 200
    assert len(response.vias) == 1


def test_noTimerCForOthers() -> None:
    """§16.6 step 11: only INVITE."""
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(text("MESSAGE", "sip:bob@example.com"))
    assert len(stage.proxy.timerC) == 0


def test_stop() -> None:
    stage = call("sip:bob@203.0.113.1")
    stage.proxy.start()
    stage.proxy.stop()
    assert not stage.clock.getDelayedCalls()

"""RFC 3261 §16.7: what becomes of responses, as timelines of forked and other requests."""

from __future__ import annotations

import pytest

from sipapp.location import Binding
from tests.resources.proxy.stage import TCP, RecordingFlow, Sent, Stage, invite, text


def forked(*qs: float, **settings: object) -> tuple[Stage, list[Sent]]:
    """An INVITE to a user with as many phones, of these preferences."""
    stage = Stage(**settings)  # type: ignore[arg-type]  # each test knows its settings
    for number, q in enumerate(qs, 1):
        stage.bind("sip:bob@example.com", Binding(f"sip:bob@203.0.113.{number}", 3600.0, q=q))
    stage.receive(invite())
    assert stage.caller.statuses() == [100]
    return stage, stage.sent


def ringing(sent: list[Sent]) -> list[int]:
    """The numbers of the phones that were called and not cancelled."""
    return [int(each.uri.rpartition(".")[2]) for each in sent if not each.cancelled]


# One target.


def test_ourViaIsRemoved() -> None:
    """Step 3, and step 9: the rest goes back as it came."""
    stage, [bob] = forked(1.0)
    bob.answer(180, headers=(("X-Odd", "yes"), ("Contact", "<sip:bob@203.0.113.1>")))
    [response] = stage.caller.take()
    assert [str(via) for via in response.vias] == [
        "SIP/2.0/UDP 198.51.100.10:5060;branch=z9hG4bKcaller1"
    ]
    assert response.get("x-odd") == "yes"
    assert response.to.tag == "callee"


def test_responseWithoutAnotherVia() -> None:
    """Step 3: what has no Via left was for nobody else. A final one is replaced by a 502."""
    stage, [bob] = forked(1.0)
    for status in (180, 486):
        response = bob.response(status)
        response.popFirst("via")
        response.popFirst("via")
        response.prepend("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx")
        bob.user.responseReceived(response)
    assert stage.caller.statuses() == [502]


def test_100IsNotForwarded() -> None:
    """Step 5."""
    stage, [bob] = forked(1.0)
    bob.answer(100, tag=None)
    assert stage.caller.statuses() == []


def test_basicCall() -> None:
    """Step 5: provisional responses and 2xx at once, the 2xx as often as it comes."""
    stage, [bob] = forked(1.0)
    for status in (180, 183, 200, 200):
        bob.answer(status)
    assert stage.caller.statuses() == [180, 183, 200, 200]
    assert len(stage.proxy.timerC) == 0


@pytest.mark.parametrize("status", [302, 401, 404, 486, 500, 603])
def test_failure(status: int) -> None:
    """Step 6: with one branch its answer is the best."""
    stage, [bob] = forked(1.0)
    bob.answer(status)
    [response] = stage.caller.take()
    assert (response.status, response.to.tag) == (status, "callee")
    assert len(stage.proxy.timerC) == 0


def test_foreign503() -> None:
    """Step 6: a 503 from behind would speak of this server, so it becomes a 500."""
    stage, [bob] = forked(1.0)
    bob.answer(503, headers=(("Retry-After", "60"),))
    [response] = stage.caller.take()
    assert response.status == 500
    assert not response.has("retry-after")


def test_nothingToReach() -> None:
    """§16.9: as if the target had answered 503."""
    stage, [bob] = forked(1.0)
    bob.fail(503)
    assert stage.caller.statuses() == [500]


def test_timeout() -> None:
    """Step 6: 408 when nothing has come."""
    stage, [bob] = forked(1.0)
    bob.fail(408)
    assert stage.caller.statuses() == [408]


def test_timeoutOfAnotherMethod() -> None:
    """RFC 4320 §4.2: nobody waits for a 408 to anything but INVITE."""
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(text("MESSAGE", "sip:bob@example.com"))
    stage.sent[0].fail(408)
    assert stage.caller.statuses() == []


def test_provisionalOfAnotherMethod() -> None:
    """Only INVITE has a Timer C; the transaction drops what RFC 4320 does not want."""
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(text("MESSAGE", "sip:bob@example.com"))
    stage.sent[0].answer(183)
    assert len(stage.proxy.timerC) == 0
    stage.sent[0].answer(200)
    assert stage.caller.statuses() == [200]


def test_failureComesOnce() -> None:
    """After its end a branch is heard no more, but for a 2xx."""
    stage, [bob] = forked(1.0)
    bob.answer(486)
    stage.caller.take()
    bob.answer(180)
    bob.answer(486)
    bob.fail(408)
    assert stage.caller.statuses() == []


# Several targets.


def test_parallel() -> None:
    """§16.6: equal q, called together; the first 2xx wins and the others are cancelled
    (step 10)."""
    stage, sent = forked(1.0, 1.0, 1.0)
    one, two, three = sent
    one.answer(180, "one")
    two.answer(180, "two")
    three.answer(486, "three")
    assert stage.caller.statuses() == [180, 180]
    two.answer(200, "two")
    [response] = stage.caller.take()
    assert (response.status, response.to.tag) == (200, "two")
    assert (one.cancelled, two.cancelled, three.cancelled) == (True, False, False)
    assert one.reasons == ['SIP;cause=200;text="Call completed elsewhere"']
    one.answer(487, "one")
    assert stage.caller.statuses() == []
    assert len(stage.proxy.timerC) == 0


def test_twoWinners() -> None:
    """Step 5: every 2xx to an INVITE goes upstream; the caller has two dialogs then."""
    stage, [one, two] = forked(1.0, 1.0)
    one.answer(200, "one")
    two.answer(200, "two")
    two.answer(200, "two")
    tags = [response.to.tag for response in stage.caller.take()]
    assert tags == ["one", "two", "two"]


def test_twoAnswersToAnotherMethod() -> None:
    """Step 5: only the first 2xx of a request that is no INVITE."""
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1", "sip:bob@203.0.113.2")
    stage.receive(text("MESSAGE", "sip:bob@example.com"))
    for sent in stage.sent:
        sent.answer(200)
    assert stage.caller.statuses() == [200]
    assert not any(sent.cancelled for sent in stage.sent)


def test_allFail() -> None:
    """Step 6: nothing goes upstream before the last branch has ended; then the best does."""
    stage, [one, two, three] = forked(1.0, 1.0, 1.0)
    one.answer(486)
    two.fail(408)
    assert stage.caller.statuses() == []
    three.answer(404)
    assert stage.caller.statuses() == [486]


def test_challengesFromSeveralBranches() -> None:
    """Step 7."""
    stage, [one, two] = forked(1.0, 1.0)
    one.answer(401, headers=(("WWW-Authenticate", 'Digest realm="one"'),))
    two.answer(407, headers=(("Proxy-Authenticate", 'Digest realm="two"'),))
    [response] = stage.caller.take()
    assert response.status == 401
    assert response.get("www-authenticate") == 'Digest realm="one"'
    assert response.get("proxy-authenticate") == 'Digest realm="two"'


def test_globalFailure() -> None:
    """Step 5: a 6xx cancels the others and waits for them."""
    stage, sent = forked(1.0, 1.0, 0.5)
    one, two = sent
    two.answer(180)
    stage.caller.take()
    one.answer(603, "one")
    assert stage.caller.statuses() == []
    assert two.cancelled
    assert two.reasons == ["SIP;cause=603"]
    two.answer(487, "two")
    [response] = stage.caller.take()
    assert (response.status, response.to.tag) == (603, "one")
    assert len(sent) == 2


def test_twoGlobalFailures() -> None:
    """The first of equals, and nothing from a branch in between."""
    stage, [one, two, three] = forked(1.0, 1.0, 1.0)
    one.answer(603, "one")
    two.answer(600, "two")
    three.answer(487, "three")
    [response] = stage.caller.take()
    assert (response.status, response.to.tag) == (603, "one")


def test_ringingAfterTheCall() -> None:
    """A branch that still rings when another has won is not heard any more."""
    stage, [one, two] = forked(1.0, 1.0)
    one.answer(200)
    two.answer(180)
    assert stage.caller.statuses() == [200]


def test_2xxBeats6xx() -> None:
    """Step 5: a 2xx that crosses the CANCEL still goes upstream."""
    stage, [one, two] = forked(1.0, 1.0)
    one.answer(603)
    two.answer(200)
    assert stage.caller.statuses() == [200]


def test_serial() -> None:
    """§16.6: another q, another turn."""
    stage, sent = forked(1.0, 0.5, 0.5, 0.1)
    assert ringing(sent) == [1]
    sent[0].answer(180)
    sent[0].answer(486)
    assert ringing(sent) == [1, 2, 3]
    sent[1].fail(408)
    assert ringing(sent) == [1, 2, 3]
    sent[2].answer(480)
    assert ringing(sent) == [1, 2, 3, 4]
    sent[3].answer(200)
    assert stage.caller.statuses() == [180, 200]


def test_serialToTheEnd() -> None:
    stage, sent = forked(1.0, 0.5)
    sent[0].answer(486)
    sent[1].answer(302)
    assert stage.caller.statuses() == [302]


def test_serialEndsWith2xx() -> None:
    stage, sent = forked(1.0, 0.5)
    sent[0].answer(200)
    sent[0].answer(200)
    assert len(sent) == 1
    assert stage.caller.statuses() == [200, 200]


def test_failOverAfterTransportFailure() -> None:
    """§16.9: the next target gets its turn."""
    stage, sent = forked(1.0, 0.5)
    sent[0].fail(503)
    sent[1].answer(200)
    assert stage.caller.statuses() == [200]


def test_mostBranches() -> None:
    """The number of branches of one request is limited."""
    stage, sent = forked(1.0, 1.0, 1.0, 0.5, maxBranches=2)
    assert ringing(sent) == [1, 2]
    sent[0].answer(486)
    sent[1].answer(486)
    assert ringing(sent) == [1, 2]
    assert stage.caller.statuses() == [486]


def test_nothingIsLeft() -> None:
    """A context leaves neither timers nor references behind."""
    stage, [one, two] = forked(1.0, 1.0)
    one.answer(486)
    two.answer(486)
    assert len(stage.proxy.timerC) == 0
    stage.advance(200)
    assert stage.layer.serverCount == 0
    assert not stage.clock.getDelayedCalls()


# Flows (RFC 5626 §7).


def outbound() -> tuple[Stage, Sent]:
    """A phone with two flows is called.

    @return: the request over the first one.
    """
    stage = Stage()
    other = RecordingFlow("TCP", token="otherFlow")
    stage.sender.flows.update(tcpFlow=TCP, otherFlow=other)
    for number, flow in enumerate(("tcpFlow", "otherFlow"), 1):
        binding = Binding(
            "sip:bob@phone.invalid",
            3600.0,
            flow=flow,
            viaFlow=True,
            instance="<urn:uuid:1>",
            regID=number,
        )
        stage.bind("sip:bob@example.com", binding)
    stage.receive(invite())
    [first] = stage.sent
    return stage, first


@pytest.mark.parametrize("status", [408, 430, 503])
def test_anotherFlowOfThePhone(status: int) -> None:
    """430: the flow is gone; the phone's other one is tried, at the same place in the search. So
    it is when nothing comes back."""
    stage, first = outbound()
    first.fail(status)
    second = stage.sent[1]
    assert {first.hop.flow, second.hop.flow} == {"tcpFlow", "otherFlow"}
    assert first.hop.flowOnly
    assert second.branch != first.branch
    second.fail(430)
    # Nobody outside knows of flows.
    assert stage.caller.statuses() == [100, 480]


@pytest.mark.parametrize("status", [486, 500, 603])
def test_aPhoneAnswersOnce(status: int) -> None:
    """A final response is the phone's, whichever of its flows it has come over."""
    stage, first = outbound()
    first.answer(status)
    assert len(stage.sent) == 1
    assert stage.caller.statuses() == [100, status]


# Redirection (step 4).

CONTACTS = (("Contact", "<sip:bob@203.0.113.9>;q=0.1, <sip:bob@203.0.113.8>;q=0.9"),)


def test_redirectionGoesUpstream() -> None:
    stage, [bob] = forked(1.0)
    bob.answer(302, headers=CONTACTS)
    [response] = stage.caller.take()
    assert response.status == 302
    assert len(response.contacts) == 2


def test_recursion() -> None:
    """Its contacts are tried in the place of the branch, before what comes after it."""
    stage, sent = forked(1.0, 0.5, recurse="always")
    sent[0].answer(302, headers=CONTACTS)
    assert ringing(sent) == [1, 8]
    sent[1].answer(486)
    assert ringing(sent) == [1, 8, 9]
    sent[2].answer(404)
    assert ringing(sent) == [1, 8, 9, 2]
    sent[3].answer(500)
    # The 302 that was followed is not an answer any more.
    assert stage.caller.statuses() == [486]


def test_recursionInACircle() -> None:
    """§16.5: no URI twice."""
    stage, sent = forked(1.0, recurse="always")
    contact = (("Contact", "<sip:bob@203.0.113.1>"),)
    sent[0].answer(302, headers=contact)
    assert len(sent) == 1
    assert stage.caller.statuses() == [408]


def test_recursionOnlyHere() -> None:
    """A foreign contact is not followed; one of ours is looked up."""
    stage, sent = forked(1.0, recurse="local")
    stage.bind("sip:alice@example.com", "sip:alice@203.0.113.7")
    contacts = (("Contact", "<sip:bob@203.0.113.9>, <sip:alice@example.com>"),)
    sent[0].answer(302, headers=contacts)
    assert ringing(sent) == [1, 7]
    sent[1].answer(200)
    assert stage.caller.statuses() == [200]


def test_recursionWithASlowStore() -> None:
    """A contact of ours that cannot be looked up at once comes back over the network."""
    stage = Stage(slow=True, recurse="local")
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(invite())
    stage.location.answer()
    contacts = (("Contact", "<sip:alice@example.com>, <sip:example.com>"),)
    stage.sent[0].answer(302, headers=contacts)
    assert [sent.uri for sent in stage.sent[1:]] == ["sip:alice@example.com"]


def test_recursionOnNothing() -> None:
    stage, sent = forked(1.0, recurse="local")
    sent[0].answer(302, headers=(("Contact", "<sip:bob@203.0.113.9>"),))
    assert stage.caller.statuses() == [302]


def test_noRecursionAfterCancel() -> None:
    stage, sent = forked(1.0, recurse="always")
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    stage.caller.take()
    sent[0].answer(302, headers=CONTACTS)
    assert len(sent) == 1
    assert stage.caller.statuses() == [302]


# Odd moments.


@pytest.mark.parametrize("status", [200, 500])
def test_callerIsGone(status: int) -> None:
    """RFC 4320 §4.2: a request that was not answered in time is not answered at all."""
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(text("MESSAGE", "sip:bob@example.com"))
    stage.advance(33)
    stage.caller.take()
    stage.sent[0].answer(status)
    assert stage.caller.statuses() == []
    assert stage.sender.responses == []


def test_requestThatComesAgain() -> None:
    """An INVITE that was answered, and is sent again after its transaction has gone while the
    client transaction lingers, must not be mistaken for a new one."""
    from sipapp.transaction import BranchInUse

    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")

    def refuse(*args: object) -> None:
        raise BranchInUse("as the layer does")

    stage.sender.request = refuse  # type: ignore[method-assign, assignment]
    stage.receive(invite())
    assert stage.caller.statuses() == [100, 482]


def test_malformedNextHop() -> None:
    """A binding whose path cannot be followed fails its branch, not the others."""
    stage = Stage()
    stage.bind(
        "sip:bob@example.com",
        Binding("sip:bob@203.0.113.1", 3600.0, path=("<tel:+1234>",)),
        "sip:bob@203.0.113.2",
    )
    stage.receive(invite())
    assert [sent.uri for sent in stage.sent] == ["sip:bob@203.0.113.2"]
    stage.sent[0].answer(200)
    assert stage.caller.statuses() == [100, 200]

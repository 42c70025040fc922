"""RFC 3261 §16.11, and what even a stateful proxy forwards without remembering it: the ACK to a
2xx, and what belongs to transactions of a worker that is gone."""

from __future__ import annotations

from sipapp.location import Binding
from sipapp.resources.sip.proxy import tokens
from tests.resources.proxy.stage import SERVER, TCP, Stage, invite, text

BOB = "sip:bob@203.0.113.1"
ANSWERED = "<sip:bob@example.com>;tag=callee"


def stateless() -> Stage:
    stage = Stage(mode="stateless")
    stage.bind("sip:bob@example.com", BOB, Binding("sip:bob@203.0.113.2", 3600.0, q=0.5))
    return stage


def stateful() -> Stage:
    stage = Stage()
    stage.bind("sip:bob@example.com", BOB)
    return stage


# The mode.


def test_oneTarget() -> None:
    """A stateless proxy chooses one target, and sends no 100 of its own."""
    stage = stateless()
    stage.receive(invite())
    [sent] = stage.sender.forwarded
    assert sent.uri == BOB
    assert sent.request.maxForwards == 69
    assert len(sent.request.recordRoutes) == 1
    assert not sent.request.has("max-breadth")
    assert stage.sent == []
    stage.advance(60)
    assert stage.caller.statuses() == []
    assert stage.layer.serverCount == stage.layer.pending == 0


def test_retransmission() -> None:
    """It is forwarded again with the same branch."""
    stage = stateless()
    stage.receive(invite())
    stage.receive(invite())
    one, two = stage.sender.forwarded
    assert one.request.toBytes() == two.request.toBytes()


def test_methodsWithoutDialog() -> None:
    stage = stateless()
    stage.receive(text("MESSAGE", "sip:bob@example.com"))
    assert not stage.sender.forwarded[0].request.has("record-route")


def test_cancelAndAckTakeTheBranchOfTheirInvite() -> None:
    stage = stateless()
    stage.receive(invite())
    stage.receive(text("CANCEL", "sip:bob@example.com"))
    stage.receive(text("ACK", "sip:bob@example.com", to=ANSWERED))
    sent = stage.sender.forwarded
    assert [each.request.method for each in sent[:3]] == ["INVITE", "CANCEL", "ACK"]
    assert len({each.branch for each in sent[:3]}) == 1


def test_response() -> None:
    stage = stateless()
    stage.receive(invite())
    [sent] = stage.sender.forwarded
    for status in (100, 180, 200):
        assert stage.proxy.strayResponse(sent.response(status))
    assert [response.status for response in stage.sender.responses] == [100, 180, 200]
    assert [len(response.vias) for response in stage.sender.responses] == [1, 1, 1]


def test_refusals() -> None:
    stage = stateless()
    stage.receive(invite("sip:nobody@example.com"))
    stage.receive(invite("sip:victim@victim.example", branch="z9hG4bK2"))
    stage.receive(invite(maxForwards="0", branch="z9hG4bK3"))
    token = tokens.mint(stage.identifiers, "call1@caller")
    route = f"Route: <sip:{token}@{SERVER};lr>, <tel:+1234>"
    stage.receive(text("BYE", BOB, route, to=ANSWERED, branch="z9hG4bK4"))
    assert stage.caller.statuses() == [480, 403, 483, 416]


def test_slowStore() -> None:
    stage = Stage(slow=True, mode="stateless")
    stage.bind("sip:bob@example.com", BOB)
    stage.receive(invite())
    stage.location.answer()
    assert [sent.uri for sent in stage.sender.forwarded] == [BOB]


# ACK.


def test_ackTo2xx() -> None:
    """§13.2.2.4, §16.11: it follows its Route, over the flow that the Route names."""
    stage = stateful()
    stage.sender.flows["tcpFlow"] = TCP
    near = tokens.mint(stage.identifiers, "call1@caller")
    far = tokens.mint(stage.identifiers, "call1@caller", "tcpFlow")
    route = f"Route: <sip:{near}@{SERVER};lr>, <sip:{far}@{SERVER};lr>, <sip:p2.example.net;lr>"
    stage.receive(text("ACK", BOB, route, to=ANSWERED))
    [sent] = stage.sender.forwarded
    assert (sent.uri, str(sent.hop.uri), sent.hop.flow) == (
        BOB,
        "sip:p2.example.net;lr",
        "tcpFlow",
    )
    assert sent.request.maxForwards == 69
    assert not sent.request.has("record-route")
    assert [str(value) for value in sent.request.routes] == ["<sip:p2.example.net;lr>"]


def test_ackToWhatAnotherWorkerForwarded() -> None:
    """The ACK to a 486 whose INVITE a worker had forwarded that is gone: the target gets it with
    the branch of the INVITE, so that it matches there."""
    dead = stateful()
    dead.receive(invite())
    stage = stateful()
    stage.receive(text("ACK", "sip:bob@example.com", to=ANSWERED))
    [sent] = stage.sender.forwarded
    assert (sent.uri, sent.branch) == (BOB, dead.sent[0].branch)


def test_ackToAnAnswerOfOurs() -> None:
    """It ends here."""
    dead = stateful()
    dead.receive(invite("sip:nobody@example.com"))
    [refusal] = dead.caller.take()
    stage = stateful()
    ack = text("ACK", "sip:nobody@example.com", to=str(refusal.to))
    stage.bind("sip:nobody@example.com", BOB)
    stage.receive(ack)
    assert stage.sender.forwarded == []


def test_acksThatGoNowhere() -> None:
    stage = stateful()
    token = tokens.mint(stage.identifiers, "call1@caller")
    stage.receive(text("ACK", "sip:bob@example.com", maxForwards="0"))
    stage.receive(text("ACK", "sip:nobody@example.com", to=ANSWERED))
    stage.receive(text("ACK", BOB, f"Route: <sip:{token}@{SERVER};lr>, <tel:+1>", to=ANSWERED))
    assert stage.sender.forwarded == []
    assert stage.caller.statuses() == []


def test_ackWithASlowStore() -> None:
    stage = Stage(slow=True)
    stage.bind("sip:bob@example.com", BOB)
    stage.receive(text("ACK", "sip:bob@example.com", to=ANSWERED))
    stage.location.answer()
    assert [sent.uri for sent in stage.sender.forwarded] == [BOB]
    stage.receive(text("ACK", "sip:bob@example.com", to=ANSWERED))
    stage.location.asked.pop()[1].errback(OSError("the disk is gone"))
    assert len(stage.sender.forwarded) == 1


# Responses without a transaction.


def test_strayResponses() -> None:
    """A worker that takes the place of a dead one forwards what answers its requests."""
    dead = stateful()
    dead.receive(invite())
    stage = stateful()
    for status in (180, 486, 200):
        assert stage.proxy.strayResponse(dead.sent[0].response(status))
    assert [response.status for response in stage.sender.responses] == [180, 486, 200]


def test_stray100() -> None:
    """§16.7 step 5: not forwarded by a stateful proxy."""
    dead = stateful()
    dead.receive(invite())
    stage = stateful()
    assert stage.proxy.strayResponse(dead.sent[0].response(100))
    assert stage.sender.responses == []


def test_forgedResponse() -> None:
    """A response that answers nothing of ours is not forwarded: the Via below ours would let
    anybody send to anywhere through us."""
    stage = stateful()
    stage.receive(invite())
    response = stage.sent[0].response(200)
    response.popFirst("via")
    response.prepend("Via", f"SIP/2.0/UDP {SERVER};branch=z9hG4bKu0.0.0.0")
    assert not stage.proxy.strayResponse(response)
    genuine = stage.sent[0].response(200)
    genuine.replaceFirst("Via", str(genuine.via))
    lines = [str(via) for via in genuine.vias]
    genuine.set("Via", f"{lines[0]}, SIP/2.0/UDP victim.example;branch=z9hG4bKcaller1")
    assert not stage.proxy.strayResponse(genuine)
    assert stage.sender.responses == []

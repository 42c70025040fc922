"""What the INVITE server transaction does when (RFC 3261 §17.2.1)."""

from __future__ import annotations

from tests.transaction.fakes import advance
from tests.transaction.messages import BRANCH, VIA, request
from tests.transaction.timeline import Line


def test_aSilentUserMakesTheTransactionSay100() -> None:
    line = Line()
    invite = request()
    transaction = line.receive(invite)
    advance(line.layer, 10)
    line.layer.receiveRequest(request(), line.flow, 10)
    assert line.flow.timeline("100") == [0.2, 10]
    assert transaction.lastStatus == 100
    assert (line.layer.absorbed, line.layer.retransmitted) == (1, 1)


def test_aUserThatSpeaksInTimeNeedsNo100() -> None:
    line = Line()
    invite = request()
    transaction = line.receive(invite)
    line.layer.receiveRequest(request(), line.flow, 0.05)
    assert line.flow.times == []
    transaction.respond(invite.respond(180), 0.1)
    advance(line.layer, 10)
    assert line.flow.times == [(0.0500, "180")]


def test_aRejectionIsRepeatedUntilTheAck() -> None:
    line = Line()
    invite = request()
    transaction = line.receive(invite)
    transaction.respond(invite.respond(486, toTag="t"), 0.0)
    advance(line.layer, 12)
    assert line.flow.timeline("486") == [0, 0.5, 1.5, 3.5, 7.5, 11.5]
    line.layer.receiveRequest(request("ACK", toTag="t"), line.flow, 12.0)
    line.layer.receiveRequest(request("ACK", toTag="t"), line.flow, 12.1)
    line.layer.receiveRequest(request(), line.flow, 12.2)
    advance(line.layer, 16.9)
    assert line.layer.serverCount == 1
    advance(line.layer, 17)
    assert len(line.flow.timeline("486")) == 6
    assert line.owner.events == ["ended"]
    assert (transaction.timedOut, line.user.acks) == (False, [])
    line.assertQuiet()


def test_aRejectionThatIsNeverAcknowledgedTimesOut() -> None:
    line = Line()
    invite = request()
    transaction = line.receive(invite)
    transaction.respond(invite.respond(486, toTag="t"), 0.0)
    advance(line.layer, 100)
    assert line.flow.timeline("486") == [
        *(0, 0.5, 1.5, 3.5, 7.5),
        *(11.5, 15.5, 19.5, 23.5, 27.5, 31.5),
    ]
    assert transaction.timedOut
    assert line.owner.events == ["ended"]
    line.assertQuiet()


def test_aRejectionOverAReliableTransportIsSentOnce() -> None:
    line = Line(reliable=True)
    invite = request()
    transaction = line.receive(invite)
    transaction.respond(invite.respond(486, toTag="t"), 0.0)
    advance(line.layer, 31.9)
    assert line.flow.timeline("486") == [0]
    line.layer.receiveRequest(request("ACK", toTag="t"), line.flow, 31.9)
    line.assertQuiet()


def test_anAccepted2xxIsLeftToTheUser() -> None:
    """RFC 6026: the INVITE is absorbed, the 2xx is the user's to repeat, the ACK the user's."""
    line = Line()
    invite = request()
    transaction = line.receive(invite)
    transaction.respond(invite.respond(200, toTag="t"), 0.0)
    line.layer.receiveRequest(request(), line.flow, 1.0)
    transaction.respond(invite.respond(200, toTag="other"), 2.0)
    ack = request("ACK", via=VIA.replace(BRANCH, "z9hG4bKack"), toTag="t")
    line.layer.receiveRequest(ack, line.flow, 3.0)
    # Some clients give the ACK to a 2xx the branch of the INVITE.
    same = request("ACK", toTag="t")
    line.layer.receiveRequest(same, line.flow, 4.0)
    advance(line.layer, 31.9)
    assert line.flow.times == [(0.0, "200"), (1.0, "200")]
    assert line.user.acks == [(ack, line.flow), (same, line.flow)]
    assert line.layer.serverCount == 1
    advance(line.layer, 32)
    transaction.respond(invite.respond(200, toTag="t"), 33.0)
    assert len(line.flow.times) == 2
    assert line.owner.events == ["ended"]
    line.assertQuiet()

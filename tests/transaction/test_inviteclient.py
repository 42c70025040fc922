"""What the INVITE client transaction does when (RFC 3261 §17.1.1)."""

from __future__ import annotations

import pytest

from sipapp.transaction import TransactionLayer
from tests.transaction.fakes import RecordingClient, RecordingFlow, RecordingUser, advance
from tests.transaction.messages import BRANCH, parsedRequest, request, response
from tests.transaction.timeline import Line


def test_inviteIsRepeatedAtDoublingIntervalsUntilTimerB() -> None:
    line = Line()
    line.send(request())
    advance(line.layer, 100)
    assert line.flow.timeline("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert line.client.events == ["timeout"]
    assert (line.layer.retransmitted, line.layer.timeouts) == (6, 1)
    line.assertQuiet()


def test_inviteOverAReliableTransportIsSentOnce() -> None:
    line = Line(reliable=True)
    line.send(request())
    advance(line.layer, 100)
    assert line.flow.timeline("INVITE") == [0]
    assert line.client.events == ["timeout"]
    line.assertQuiet()


def test_aProvisionalResponseEndsTheRepetitionsAndTheTimeout() -> None:
    line = Line()
    invite = request()
    line.send(invite)
    line.answer(invite, 180, 2.0)
    advance(line.layer, 1000)
    assert line.flow.timeline("INVITE") == [0, 0.5, 1.5]
    line.answer(invite, 200, 1000)
    line.answer(invite, 200, 1031)
    advance(line.layer, 2000)
    assert line.client.events == [180, 200, 200]
    line.assertQuiet()


def test_everyRepeatedRejectionIsAcknowledged() -> None:
    line = Line()
    invite = request()
    line.send(invite)
    for now in (1.0, 1.5, 2.5, 4.5):
        line.answer(invite, 486, now)
    assert line.flow.timeline("ACK") == [1.0, 1.5, 2.5, 4.5]
    assert line.client.events == [486]
    assert line.layer.absorbed == 3
    advance(line.layer, 32.9)
    assert line.layer.clientCount == 1
    advance(line.layer, 33.0)
    line.assertQuiet()


def test_rejectionOverAReliableTransportEndsTheTransactionAtOnce() -> None:
    line = Line(reliable=True)
    invite = request()
    line.send(invite)
    line.answer(invite, 486, 1.0)
    assert line.flow.timeline("ACK") == [1.0]
    assert line.client.events == [486]
    line.assertQuiet()
    assert not line.layer.receiveResponse(response(invite, 486), line.flow, 1.1)


def test_cancelWaitsForAProvisionalResponse() -> None:
    line = Line()
    invite = request()
    transaction = line.send(invite)
    transaction.cancel(0.1)
    advance(line.layer, 1.0)
    assert line.flow.timeline("CANCEL") == []
    line.answer(invite, 100, 1.0)
    assert line.flow.timeline("CANCEL") == [1.0]
    transaction.cancel(1.2)
    line.answer(invite, 180, 1.3)
    assert line.flow.timeline("CANCEL") == [1.0]
    line.answer(invite, 487, 1.4)
    line.answer(request("CANCEL"), 200, 1.45)
    transaction.cancel(1.6)
    advance(line.layer, 100)
    assert line.flow.timeline("CANCEL") == [1.0]
    assert line.client.events == [100, 180, 487]
    line.assertQuiet()


def test_theFirstReasonToCancelIsTheOneThatIsGiven() -> None:
    """RFC 3326."""
    layer, flow, invite = TransactionLayer(RecordingUser()), RecordingFlow(), request()
    transaction = layer.request(invite, flow, RecordingClient(), 0.0)
    transaction.cancel(0.1, ["SIP;cause=200", "Q.850;cause=16"])
    transaction.cancel(0.2, ["SIP;cause=603"])
    layer.receiveResponse(response(invite, 180), flow, 0.3)
    cancel = parsedRequest(flow.sent[-1])
    assert cancel.method == "CANCEL"
    assert cancel.getAll("reason") == ["SIP;cause=200", "Q.850;cause=16"]


def test_aCancelledInviteWithoutFinalResponseTimesOut() -> None:
    line = Line()
    invite = request()
    transaction = line.send(invite)
    line.answer(invite, 180, 1.0)
    transaction.cancel(100.0)
    line.answer(request("CANCEL"), 200, 100.1)
    advance(line.layer, 131.9)
    assert line.client.events == [180]
    advance(line.layer, 132.0)
    assert line.client.events == [180, "timeout"]
    line.assertQuiet()


@pytest.mark.parametrize("fate", ["timeout", "failure"])
def test_nobodyHearsOfTheCancelItself(fate: str) -> None:
    line = Line()
    invite = request()
    transaction = line.send(invite)
    line.answer(invite, 180, 1.0)
    transaction.cancel(1.0)
    if fate == "failure":
        line.layer.transportFailed(f"CANCEL {BRANCH}", 1.0)
        assert line.layer.clientCount == 1
    advance(line.layer, 100)
    assert line.client.events == [180, "timeout"]
    line.assertQuiet()


def test_aCancelThatIsUnderWayAlreadyServes() -> None:
    """A proxy may have forwarded a CANCEL by itself (RFC 3261 §16.10)."""
    line = Line()
    invite = request()
    transaction = line.send(invite)
    line.layer.request(request("CANCEL"), line.flow, line.client, 0.0)
    transaction.cancel(0.0)
    line.answer(invite, 180, 0.1)
    assert line.flow.timeline("CANCEL") == [0.0]
    assert line.client.events == [180]

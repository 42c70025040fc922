"""What the non-INVITE server transaction does when (RFC 3261 §17.2.2, RFC 4320)."""

from __future__ import annotations

import pytest

from sipapp.transaction import ServerTransaction
from tests.transaction.fakes import advance
from tests.transaction.messages import request
from tests.transaction.timeline import Line


def test_theResponseAnswersEveryRepetition() -> None:
    line = Line()
    options = request("OPTIONS")
    transaction = line.receive(options)
    line.layer.receiveRequest(request("OPTIONS"), line.flow, 0.5)
    assert line.flow.times == []
    transaction.respond(options.respond(200), 1.0)
    line.layer.receiveRequest(request("OPTIONS"), line.flow, 1.5)
    transaction.respond(options.respond(500), 2.0)
    line.layer.receiveRequest(request("OPTIONS"), line.flow, 32.9)
    assert [word for _, word in line.flow.times] == ["200", "200", "200"]
    assert line.owner.events == ["ended"]
    advance(line.layer, 33)
    line.assertQuiet()


def test_afterTimerJTheSameRequestIsNew() -> None:
    line = Line()
    options = request("OPTIONS")
    line.receive(options).respond(options.respond(200), 0.0)
    assert line.layer.knows(request("OPTIONS"))
    # The request itself finds that its time is over, whether or not a timer has fired.
    line.layer.receiveRequest(request("OPTIONS"), line.flow, 31.9)
    line.layer.receiveRequest(request("OPTIONS"), line.flow, 32.0)
    assert [transaction.lastStatus for transaction in line.user.requests] == [200, 0]
    assert line.layer.retransmitted == line.layer.absorbed == 1


def test_answersAreForgottenInTheirTurn() -> None:
    """One timer serves them all, and none is kept for long when no more requests come."""
    line = Line()
    for number in range(5):
        via = f"SIP/2.0/UDP client.example.com:5060;branch=z9hG4bK{number}"
        options = request("OPTIONS", via=via)
        line.receive(options, 10.0 * number).respond(options.respond(200), 10.0 * number)
    assert len(line.layer.timers) == 1
    assert [key.split()[1][-1] for key in line.layer.serverKeys()] == ["1", "2", "3", "4"]
    for until, left in (43, 3), (53, 2), (63, 1), (73, 0):
        advance(line.layer, until)
        assert line.layer.serverCount == left
    line.assertQuiet()


def test_theAnswerGivenInTheSameTurnCostsNoTimer() -> None:
    line = Line(reliable=True)
    for delay in 0.0, 0.1:
        options = request("OPTIONS")
        transaction = line.receive(options, 7.0)
        transaction.respond(options.respond(200), 7.0 + delay)
        assert line.layer.nextDeadline() is None


def test_theAnswerGivenAtOnceCostsNoTimer() -> None:
    line = Line(reliable=True)

    def answer(transaction: ServerTransaction, now: float) -> None:
        assert not len(line.layer.timers)
        transaction.respond(transaction.request.respond(200), now)

    line.user.requestReceived = answer  # type: ignore[method-assign]
    line.layer.receiveRequest(request("OPTIONS"), line.flow, 0.0)
    assert line.flow.times == [(0.0, "200")]
    line.assertQuiet()


def test_anExceptionOfTheUserLeavesNothingUnanswered() -> None:
    line = Line()

    def fail(transaction: ServerTransaction, now: float) -> None:
        raise RuntimeError("a mistake")

    line.user.requestReceived = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        line.layer.receiveRequest(request("OPTIONS"), line.flow, 0.0)
    assert line.layer.nextDeadline() == 3.5
    assert [timer.name for timer in line.layer.timers] == ["Timer 100"]
    advance(line.layer, 100)
    assert line.flow.times == [(3.5, "100")]
    line.assertQuiet()


def test_overAnUnreliableTransportNo100IsSentTooEarly() -> None:
    line = Line()
    options = request("OPTIONS")
    transaction = line.receive(options)
    transaction.respond(options.respond(100), 1.0)
    transaction.respond(options.respond(183), 1.0)
    assert line.flow.times == []
    advance(line.layer, 3.4)
    assert line.flow.times == []
    advance(line.layer, 3.6)
    assert line.flow.times == [(3.5, "100")]
    transaction.respond(options.respond(100), 4.0)
    transaction.respond(options.respond(183), 4.0)
    assert [word for _, word in line.flow.times] == ["100", "100"]


def test_overAReliableTransport100IsSentAnyTime() -> None:
    line = Line(reliable=True)
    options = request("OPTIONS")
    transaction = line.receive(options)
    transaction.respond(options.respond(100), 1.0)
    assert [word for _, word in line.flow.times] == ["100"]
    advance(line.layer, 10)
    assert [word for _, word in line.flow.times] == ["100"]
    transaction.respond(options.respond(200), 10.0)
    line.assertQuiet()


def test_noFinalResponseIsSentWhenTheClientHasGivenUp() -> None:
    line = Line()
    options = request("OPTIONS")
    transaction = line.receive(options)
    advance(line.layer, 31.9)
    assert line.layer.serverCount == 1
    advance(line.layer, 32)
    assert transaction.timedOut
    assert line.owner.events == ["ended"]
    transaction.respond(options.respond(200), 32.1)
    assert [word for _, word in line.flow.times] == ["100"]
    line.assertQuiet()


@pytest.mark.parametrize("since", [1.0, 4.0])
def test_408IsNeverSent(since: float) -> None:
    line = Line()
    options = request("OPTIONS")
    transaction = line.receive(options)
    advance(line.layer, since)
    line.flow.times.clear()
    transaction.respond(options.respond(408), since)
    line.layer.receiveRequest(request("OPTIONS"), line.flow, since + 1)
    assert line.flow.times == []
    assert transaction.isFinal
    advance(line.layer, 100)
    line.assertQuiet()


def test_answersAreNotKeptForLongerWhenTheClockIsSetBack() -> None:
    line = Line()
    options = request("OPTIONS")
    line.layer.receiveRequest(options, line.flow, 5000.0)
    line.user.requests[-1].respond(options.respond(200, toTag="t"), 5000.0)
    line.layer.setBack(1000.0)
    assert line.layer.serverCount == 1
    advance(line.layer, 1031.9)
    assert line.layer.serverCount == 1
    advance(line.layer, 1032.0)
    assert line.layer.serverCount == 0
    line.assertQuiet()

"""What each machine does when, with the timers of RFC 3261 at their defaults."""

from __future__ import annotations

import pytest

from sipapp.sip import Request
from sipapp.transaction import (
    ClientTransaction,
    ServerTransaction,
    TimerSettings,
    TransactionLayer,
)
from tests.transaction.fakes import (
    RecordingClient,
    RecordingFlow,
    RecordingServerUser,
    RecordingUser,
    advance,
)
from tests.transaction.messages import BRANCH, VIA, request, response


class TimedFlow(RecordingFlow):
    """Notes when things are sent."""

    layer: TransactionLayer

    def __init__(self, reliable: bool = False) -> None:
        super().__init__(reliable)
        self.times: list[tuple[float, str]] = []

    def send(self, data: bytes) -> None:
        super().send(data)
        self.times.append((self.layer.now, self.take()[0]))

    def timeline(self, what: str) -> list[float]:
        """
        @return: when it was sent.
        """
        return [time for time, word in self.times if word == what]


class Line:
    """A layer, a flow, and notes."""

    def __init__(self, reliable: bool = False, settings: TimerSettings | None = None) -> None:
        self.user = RecordingUser()
        self.layer = TransactionLayer(self.user, settings)
        self.flow = TimedFlow(reliable)
        self.flow.layer = self.layer
        self.client = RecordingClient()
        self.owner = RecordingServerUser()

    def send(self, message: Request) -> ClientTransaction:
        return self.layer.request(message, self.flow, self.client, 0.0)

    def receive(self, message: Request, now: float = 0.0) -> ServerTransaction:
        self.layer.receiveRequest(message, self.flow, now)
        transaction = self.user.requests[-1]
        transaction.user = self.owner
        return transaction

    def answer(self, to: Request, status: int, now: float) -> None:
        advance(self.layer, now)
        assert self.layer.receiveResponse(response(to, status), self.flow, now)

    def assertQuiet(self) -> None:
        assert self.layer.serverCount == self.layer.clientCount == self.layer.pending == 0
        assert len(self.layer.timers) == 0
        assert self.layer.nextDeadline() is None


# The INVITE client.


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


# The non-INVITE client.


def test_aRequestIsRepeatedAtIntervalsUpToT2UntilTimerF() -> None:
    line = Line()
    line.send(request("OPTIONS"))
    advance(line.layer, 100)
    assert line.flow.timeline("OPTIONS") == [
        *(0, 0.5, 1.5, 3.5, 7.5),
        *(11.5, 15.5, 19.5, 23.5, 27.5, 31.5),
    ]
    assert line.client.events == ["timeout"]
    line.assertQuiet()


def test_aProvisionalResponseSlowsTheRepetitionsDown() -> None:
    line = Line()
    options = request("OPTIONS")
    line.send(options)
    line.answer(options, 100, 0.6)
    advance(line.layer, 100)
    # The Timer E that was running goes on; the next ones take T2.
    assert line.flow.timeline("OPTIONS") == [0, 0.5, *(1.5 + 4 * n for n in range(8))]
    assert line.client.events == [100, "timeout"]
    line.assertQuiet()


def test_onlyTheFirstFinalResponseCounts() -> None:
    line = Line()
    options = request("OPTIONS")
    line.send(options)
    line.answer(options, 200, 1.0)
    line.answer(options, 500, 2.0)
    line.answer(options, 100, 3.0)
    advance(line.layer, 5.9)
    assert (line.layer.clientCount, line.layer.absorbed) == (1, 2)
    advance(line.layer, 6.0)
    assert line.client.events == [200]
    line.assertQuiet()


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_aTransportFailureEndsAClientTransaction(method: str) -> None:
    line = Line()
    transaction = line.send(request(method))
    line.layer.transportFailed(transaction, 0.1)
    assert line.client.events == ["failure"]
    assert line.layer.failures == 1
    line.layer.transportFailed(transaction, 0.2)
    line.layer.transportFailed(f"{method} {BRANCH}", 0.2)
    assert line.client.events == ["failure"]
    line.assertQuiet()


# The INVITE server.


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


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_aServerTransactionOutlivesAFailureToSend(method: str) -> None:
    line = Line()
    message = request(method)
    transaction = line.receive(message)
    line.layer.transportFailed(transaction, 0.1)
    assert line.owner.events == ["failure"]
    transaction.user = None
    line.layer.transportFailed(transaction, 0.1)
    assert line.layer.failures == 2
    transaction.respond(message.respond(500), 0.1)
    assert line.layer.serverCount == 1
    advance(line.layer, 100)
    line.assertQuiet()


# The non-INVITE server.


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
    advance(line.layer, 33)
    assert line.owner.events == ["ended"]
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


# Both.


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_anAbandonedTransactionLeavesNoTrace(method: str) -> None:
    line = Line()
    transaction = line.receive(request(method))
    transaction.abandon()
    line.assertQuiet()
    assert (line.owner.events, line.flow.times) == ([], [])
    assert line.receive(request(method), 1.0) is not transaction


def test_otherSettingsOtherTimes() -> None:
    line = Line(settings=TimerSettings(t1=0.1, t2=0.4, t4=1.0, timerD=2.0))
    line.send(request("OPTIONS"))
    advance(line.layer, 2)
    assert line.flow.timeline("OPTIONS") == pytest.approx([0, 0.1, 0.3, 0.7, 1.1, 1.5, 1.9])


def test_theClockIsAskedByCallsFromOutside() -> None:
    line = Line()
    clock = 50.0
    line.layer.clock = lambda: clock
    options = request("OPTIONS")
    line.receive(options).respond(options.respond(200))
    invite = request()
    transaction = line.layer.request(invite, line.flow, line.client)
    transaction.cancel()
    deadlines = sorted((timer.name, timer.deadline) for timer in line.layer.timers)
    assert deadlines == [("Timer A", 50.5), ("Timer B", 82.0), ("Timer J", 82.0)]


def test_withoutAClockTheTimeOfTheLastEntryCounts() -> None:
    line = Line()
    options = request("OPTIONS")
    line.receive(options, now=7.0).respond(options.respond(200))
    assert [timer.deadline for timer in line.layer.timers] == [39.0]

"""Which transaction a message finds (RFC 3261 §17.1.3, §17.2.3, §9.2, §8.2.2.2)."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from sipapp.sip import MalformedHeader, Request
from sipapp.transaction import (
    BranchInUse,
    ServerTransaction,
    TransactionError,
    TransactionLayer,
    clientKey,
)
from tests.transaction.fakes import RecordingClient, RecordingFlow, RecordingUser, advance
from tests.transaction.messages import BRANCH, VIA, request, response

OLD = "SIP/2.0/UDP old.example.com:5060"


class Server:
    """A layer that receives."""

    def __init__(self) -> None:
        self.user = RecordingUser()
        self.layer = TransactionLayer(self.user)
        self.flow = RecordingFlow()

    def receive(self, message: Request) -> ServerTransaction | None:
        """
        @return: the transaction, if the message has made a new one.
        """
        known = len(self.user.requests)
        self.layer.receiveRequest(message, self.flow, 0.0)
        return self.user.requests[-1] if len(self.user.requests) > known else None

    def make(self, message: Request) -> ServerTransaction:
        transaction = self.receive(message)
        assert transaction is not None
        return transaction


@pytest.fixture
def server() -> Server:
    return Server()


def test_theSameRequestFindsItsTransaction(server: Server) -> None:
    transaction = server.make(request())
    assert server.receive(request()) is None
    # Nothing but branch, sent-by and method counts.
    again = request(via=f"SIP/2.0/UDP CLIENT.example.com;rport;branch={BRANCH}", callID="x")
    assert server.receive(again) is None
    assert server.layer.findServer(again) is transaction
    assert again.flow is server.flow
    assert (server.layer.serverCount, server.layer.serversCreated) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        request(via=f"SIP/2.0/UDP client.example.com:5061;branch={BRANCH}"),
        request(via=f"SIP/2.0/UDP other.example.com:5060;branch={BRANCH}"),
        request(via=f"SIP/2.0/UDP client.example.com:5060;branch={BRANCH}x"),
        request("OPTIONS"),
        request(via="SIP/2.0/UDP client.example.com:5060"),
    ],
)
def test_anotherBranchOrSentByOrMethodIsAnotherTransaction(server: Server, other: Request) -> None:
    server.make(request())
    assert server.receive(other) is not None
    assert server.layer.serverCount == 2


def test_theAckOfARejectionFindsTheInvite(server: Server) -> None:
    invite = request()
    transaction = server.make(invite)
    transaction.respond(invite.respond(486, toTag="t"), 0.0)
    server.receive(request("ACK", toTag="t"))
    assert transaction.state == "Confirmed"
    assert server.user.acks == []


def test_aStrayAckGoesToTheUser(server: Server) -> None:
    stray = request("ACK")
    server.receive(stray)
    assert server.user.acks == [(stray, server.flow)]
    assert server.layer.serverCount == 0


def test_cancelHasATransactionAndKnowsItsInvite(server: Server) -> None:
    invite = server.make(request())
    server.receive(request("CANCEL"))
    server.receive(request("CANCEL"))
    ((cancel, found),) = server.user.cancels
    assert found is invite
    assert (invite.cancelledBy, cancel.cancelledBy) == (cancel.request, None)
    assert server.layer.inviteOf(cancel.request) is invite
    cancel.respond(cancel.request.respond(200))
    assert server.flow.take() == ["200"]


def test_cancelAfterTheFinalResponseComesTooLate(server: Server) -> None:
    invite = request()
    transaction = server.make(invite)
    transaction.respond(invite.respond(200, toTag="t"), 0.0)
    server.receive(request("CANCEL"))
    assert server.user.cancels[0][1] is transaction
    assert transaction.cancelledBy is None


@pytest.mark.parametrize("via", [VIA.replace("client", "other"), VIA + "x", OLD])
def test_aCancelOfNothingKnown(server: Server, via: str) -> None:
    server.make(request())
    server.receive(request("CANCEL", via=via))
    ((_, found),) = server.user.cancels
    assert found is None


@pytest.mark.parametrize("reliable", [False, True])
def test_whoeverAsksLearnsTheAnswerOnce(server: Server, reliable: bool) -> None:
    server.flow.reliable = reliable
    options = request("OPTIONS")
    transaction = server.make(options)
    answers: list[int] = []
    transaction.answered = lambda answer: answers.append(answer.status)
    transaction.respond(options.respond(100), 0.0)
    assert answers == []
    transaction.respond(options.respond(404), 0.0)
    transaction.respond(options.respond(500), 0.0)
    assert answers == [404]
    assert transaction.answered is None


def test_somebodyElseMayAddToTheAnswer(server: Server) -> None:
    options = request("OPTIONS")
    transaction = server.make(options)
    transaction.amend = lambda answer: answer.append("Server", f"for a {answer.status}")
    transaction.respond(options.respond(100), 0.0)
    transaction.respond(options.respond(200), 0.0)
    assert b"\r\nServer: for a 200\r\n" in transaction.lastResponse
    assert b"100\r\n" not in transaction.lastResponse
    advance(server.layer, 100)
    assert transaction.amend is None


def test_nobodyLearnsTheAnswerOfWhatHasEnded(server: Server) -> None:
    options = request("OPTIONS")
    abandoned = server.make(options)
    abandoned.answered = lambda answer: pytest.fail()
    abandoned.abandon(0.0)
    abandoned.respond(options.respond(200), 0.0)
    expired = server.make(options)
    expired.answered = lambda answer: pytest.fail()
    advance(server.layer, 100)
    expired.respond(options.respond(200), 100.0)
    assert server.layer.serverCount == 0


# RFC 2543 clients.


@pytest.mark.parametrize("via", [OLD, f"{OLD};branch=1", f"{OLD};branch=z9hG4bK"])
def test_withoutACookieTheOtherFieldsCount(server: Server, via: str) -> None:
    transaction = server.make(request(via=via))
    assert server.receive(request(via=f"{via};received=192.0.2.1;rport=9")) is None
    assert server.layer.findServer(request(via=via)) is transaction


@pytest.mark.parametrize(
    "other",
    [
        request(via=OLD, uri="sip:carol@example.com"),
        request(via=OLD, toTag="t"),
        request(via=OLD, fromTag="f"),
        request(via=OLD, callID="c"),
        request(via=OLD, cseq=2),
        request(via=f"{OLD};branch=2"),
        request(via="SIP/2.0/TCP old.example.com:5060"),
        request("REGISTER", via=OLD),
    ],
)
def test_withoutACookieEachOfTheOtherFieldsCounts(server: Server, other: Request) -> None:
    server.make(request(via=OLD))
    assert server.receive(other) is not None


def test_withoutACookieTheAckIsFoundByTheToTagOfTheResponse(server: Server) -> None:
    invite = request(via=OLD)
    transaction = server.make(invite)
    transaction.respond(invite.respond(486, toTag="ours"), 0.0)
    wrong = request("ACK", via=OLD, toTag="theirs")
    server.receive(wrong)
    assert server.user.acks == [(wrong, server.flow)]
    assert transaction.state == "Completed"
    server.receive(request("ACK", via=OLD, toTag="ours"))
    assert transaction.state == "Confirmed"


def test_withoutACookieTheAckOfA2xxGoesToTheUser(server: Server) -> None:
    invite = request(via=OLD)
    server.make(invite).respond(invite.respond(200, toTag="ours"), 0.0)
    ack = request("ACK", via=OLD, toTag="ours")
    server.receive(ack)
    assert server.user.acks == [(ack, server.flow)]


def test_withoutACookieCancelIsFoundToo(server: Server) -> None:
    transaction = server.make(request(via=OLD))
    server.receive(request("CANCEL", via=OLD))
    assert server.user.cancels[0][1] is transaction


def test_twoOldInvitesThatDifferInTheToTagOnly(server: Server) -> None:
    """They are two transactions, and the end of the first leaves the other's ACK alone."""
    first = server.make(request(via=OLD))
    invite = request(via=OLD, toTag="known")
    second = server.make(invite)
    first.abandon(0.0)
    second.respond(invite.respond(486), 0.0)
    server.receive(request("ACK", via=OLD, toTag="known"))
    assert second.state == "Confirmed"
    advance(server.layer, 100)
    assert server.layer.serverCount == 0


def test_theEndOfAnOldInviteEndsTheSearchForIt(server: Server) -> None:
    invite = request(via=OLD)
    server.make(invite).respond(invite.respond(486, toTag="ours"), 0.0)
    advance(server.layer, 100)
    ack = request("ACK", via=OLD, toTag="ours")
    server.receive(ack)
    assert server.user.acks == [(ack, server.flow)]


# Responses and client transactions.


def client(server: Server, message: Request) -> RecordingClient:
    notes = RecordingClient()
    server.layer.request(message, server.flow, notes, 0.0)
    return notes


def test_aResponseFindsItsTransactionByBranchAndMethod(server: Server) -> None:
    invite, options = request(), request("OPTIONS")
    inviting, asking = client(server, invite), client(server, options)
    answer = response(options, 200)
    assert server.layer.receiveResponse(answer, server.flow, 1.0)
    assert (inviting.events, asking.events) == ([], [200])
    assert answer.flow is server.flow
    assert not server.layer.receiveResponse(response(request("INFO"), 200), server.flow, 1.0)
    elsewhere = response(request(via=VIA + "x"), 200)
    assert not server.layer.receiveResponse(elsewhere, server.flow, 1.0)
    old = response(request(via=OLD), 200)
    assert not server.layer.receiveResponse(old, server.flow, 1.0)


def test_aBranchIsUsedOnceAtATime(server: Server) -> None:
    notes = client(server, request())
    with pytest.raises(BranchInUse, match=clientKey(BRANCH, "INVITE")):
        client(server, request())
    advance(server.layer, 32)
    assert notes.events == ["timeout"]
    client(server, request())
    assert (server.layer.clientCount, server.layer.clientsCreated) == (1, 2)


@pytest.mark.parametrize("wrong", [request("ACK"), request(via=OLD)])
def test_whatMakesNoClientTransaction(server: Server, wrong: Request) -> None:
    with pytest.raises(TransactionError):
        client(server, wrong)
    assert server.layer.clientCount == server.layer.pending == 0


def test_malformedHeaderFieldsAreReportedToTheDriver(server: Server) -> None:
    with pytest.raises(MalformedHeader):
        server.receive(request(via="nonsense"))
    with pytest.raises(MalformedHeader):
        server.layer.receiveResponse(response(request(via="nonsense"), 200), server.flow, 0.0)
    assert server.layer.serverCount == server.layer.pending == 0


def test_nothingKeepsAnEndedTransactionAlive(server: Server) -> None:
    """Its cancelled timers are still in the queue, behind one that runs."""
    advance(server.layer, 0)
    options = request("OPTIONS")
    server.flow.reliable = True
    gc.collect()
    gc.disable()
    try:
        transaction = server.make(options)
        assert server.layer.nextDeadline() is not None
        transaction.respond(options.respond(200), 0.0)
        server.user.requests.clear()
        alive = weakref.ref(transaction)
        del transaction
        assert alive() is None
    finally:
        gc.enable()


def test_whatATimerIsAbout(server: Server) -> None:
    """The transaction whose timer fires names its request, also when its user fails."""
    layer = server.layer
    assert layer.requestOfTimer is None
    transaction = server.make(request())
    seen: list[Request | None] = []
    layer.timers.start(0.0, 0.1, _Owner(lambda: seen.append(layer.requestOfTimer)), "other")
    advance(layer, 0.2)
    # Timer 100 is the transaction's.
    assert seen == [None]
    assert layer.requestOfTimer is transaction.request


def test_theRequestOfAKey(server: Server) -> None:
    layer, sent = server.layer, request("OPTIONS")
    transaction = layer.request(sent, server.flow, RecordingClient(), 0.0)
    assert layer.requestUnder(transaction.key) is sent
    assert layer.requestUnder("OPTIONS z9hG4bKelse") is None


def test_thoseThatAreThere(server: Server) -> None:
    """Those that have been received come first, and what has ended is no more among them."""
    server.flow.reliable = True
    inviting, asking = server.make(request()), server.make(request("OPTIONS"))
    sent = server.layer.request(request("INFO"), server.flow, RecordingClient(), 0.0)
    assert server.layer.transactions() == (inviting, asking, sent)
    asking.respond(asking.request.respond(200), 0.0)
    assert server.layer.transactions() == (inviting, sent)


class _Owner:
    """Of a timer that is no transaction's."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

    def timerFired(self, name: str, now: float) -> None:
        self._call()

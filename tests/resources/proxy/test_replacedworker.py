"""A call goes on when the worker that carries it is killed, in every phase: what the dead worker
knew, its replacement works out from the messages (RFC 3261 §16.11)."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.processes import isAlive, sendSignal
from tests.support.server import Server
from tests.support.sipclient import UDPSocket
from tests.support.siptext import Received, newToken

DOMAIN = "example.test"
WORKER = "udp-0/0"


class Stage:
    """Two phones at a server with one worker."""

    def __init__(self, server: Server, caller: UDPSocket, phone: UDPSocket) -> None:
        self.server = server
        self.caller = caller
        user = newToken("bob-")
        assert phone.register(user).status == 200
        self.bob = Callee(phone, user)
        self.call = Call(caller, f"sip:{user}@{DOMAIN}")

    def kill(self) -> None:
        pid = self.server.workers()[WORKER]
        sendSignal(pid, signal.SIGKILL)
        waitFor(lambda: not isAlive(pid), "the end of the worker")
        waitFor(lambda: self.server.workers()[WORKER] not in (None, pid), "another worker", 30.0)

    def ring(self) -> Received:
        self.caller.send(self.call.invite())
        invite = self.bob.expect("INVITE", self.call.callID)
        self.bob.reply(invite, 180, "Ringing")
        return invite

    def await_(self, method: str, status: int) -> Received:
        while True:
            message = self.caller.receive(20.0)
            if (message.method, message.status) == (method, status):
                return message

    def hangUp(self) -> None:
        self.caller.send(self.call.next("BYE"))
        self.bob.reply(self.bob.expect("BYE", self.call.callID), 200, "OK")
        self.await_("BYE", 200)


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp", workers=1)
    return startSharedServer(sharedConfiguration)


@pytest.fixture
def makeStage(server: Server) -> Iterator[Callable[[], Stage]]:
    address = server.endpoint("udp").address
    with UDPSocket(address) as caller, UDPSocket(address) as phone:
        yield lambda: Stage(server, caller, phone)


def test_beforeAnyAnswer(makeStage: Callable[[], Stage]) -> None:
    """The caller sends its INVITE again; the phone sees a retransmission."""
    stage = makeStage()
    invite = stage.call.invite()
    stage.caller.send(invite)
    first = stage.bob.expect("INVITE", stage.call.callID)
    stage.kill()
    stage.caller.send(invite)
    again = stage.bob.expect("INVITE", stage.call.callID)
    assert again.branch == first.branch
    stage.bob.answer(again)
    stage.call.awaitFinal("INVITE")
    stage.caller.send(stage.call.ack())
    stage.bob.expect("ACK", stage.call.callID)
    stage.hangUp()


def test_whileRinging(makeStage: Callable[[], Stage]) -> None:
    stage = makeStage()
    invite = stage.ring()
    stage.await_("INVITE", 180)
    stage.kill()
    stage.bob.answer(invite)
    stage.call.awaitFinal("INVITE")
    stage.caller.send(stage.call.ack())
    stage.bob.expect("ACK", stage.call.callID)
    stage.hangUp()


def test_rejection(makeStage: Callable[[], Stage]) -> None:
    """The ACK to a 486 reaches the phone with the branch that it knows."""
    stage = makeStage()
    invite = stage.ring()
    stage.kill()
    stage.bob.reply(invite, 486, "Busy Here")
    refusal = stage.await_("INVITE", 486)
    stage.caller.send(stage.call.ackFailure(refusal))
    assert stage.bob.expect("ACK", stage.call.callID).branch == invite.branch


def test_cancel(makeStage: Callable[[], Stage]) -> None:
    stage = makeStage()
    invite = stage.ring()
    stage.await_("INVITE", 180)
    stage.kill()
    stage.caller.send(stage.call.cancel())
    cancel = stage.bob.expect("CANCEL", stage.call.callID)
    assert cancel.branch == invite.branch
    stage.bob.reply(cancel, 200, "OK")
    stage.await_("CANCEL", 200)
    stage.bob.reply(invite, 487, "Request Terminated")
    refusal = stage.await_("INVITE", 487)
    stage.caller.send(stage.call.ackFailure(refusal))
    assert stage.bob.expect("ACK", stage.call.callID).branch == invite.branch


def test_beforeTheAck(makeStage: Callable[[], Stage]) -> None:
    stage = makeStage()
    invite = stage.ring()
    stage.bob.answer(invite)
    stage.call.awaitFinal("INVITE")
    stage.kill()
    stage.caller.send(stage.call.ack())
    stage.bob.expect("ACK", stage.call.callID)
    stage.hangUp()


def test_acknowledgedRejection(makeStage: Callable[[], Stage]) -> None:
    """The phone has had its ACK from the worker that was killed. The caller's own comes to one
    that knows of no call, and goes where it can do no harm."""
    stage = makeStage()
    invite = stage.ring()
    stage.bob.reply(invite, 486, "Busy Here")
    refusal = stage.await_("INVITE", 486)
    assert stage.bob.expect("ACK", stage.call.callID).branch == invite.branch
    stage.kill()
    stage.caller.send(stage.call.ackFailure(refusal))
    assert stage.bob.expect("ACK", stage.call.callID).branch == invite.branch


def test_established(makeStage: Callable[[], Stage]) -> None:
    """A request in the dialog that was begun before the kill and is answered after it, then
    others."""
    stage = makeStage()
    stage.bob.answer(stage.ring())
    stage.call.awaitFinal("INVITE")
    stage.caller.send(stage.call.ack())
    stage.bob.expect("ACK", stage.call.callID)
    stage.caller.send(stage.call.next("INFO"))
    info = stage.bob.expect("INFO", stage.call.callID)
    stage.kill()
    stage.bob.reply(info, 200, "OK")
    stage.await_("INFO", 200)
    stage.caller.send(stage.call.next("INVITE"))
    again = stage.bob.expect("INVITE", stage.call.callID)
    stage.bob.answer(again)
    stage.await_("INVITE", 200)
    stage.hangUp()


def test_fork(makeStage: Callable[[], Stage]) -> None:
    """Two phones of a user ring. The one that is answered gets the call, though nobody knows
    any more that there were two."""
    stage = makeStage()
    with UDPSocket(stage.server.endpoint("udp").address) as other:
        assert other.register(stage.bob.user, cseq=2).status == 200
        second = Callee(other, stage.bob.user)
        stage.ring()
        invite = second.expect("INVITE", stage.call.callID)
        second.reply(invite, 180, "Ringing")
        stage.kill()
        second.answer(invite)
        stage.call.awaitFinal("INVITE")
        stage.caller.send(stage.call.ack())
        second.expect("ACK", stage.call.callID)
        stage.caller.send(stage.call.next("BYE"))
        second.reply(second.expect("BYE", stage.call.callID), 200, "OK")
        stage.await_("BYE", 200)


def test_forkAndCancel(makeStage: Callable[[], Stage]) -> None:
    """Every phone that rings gets the CANCEL of the caller."""
    stage = makeStage()
    with UDPSocket(stage.server.endpoint("udp").address) as other:
        assert other.register(stage.bob.user, cseq=2).status == 200
        second = Callee(other, stage.bob.user)
        stage.ring()
        invite = second.expect("INVITE", stage.call.callID)
        second.reply(invite, 180, "Ringing")
        stage.kill()
        stage.caller.send(stage.call.cancel())
        stage.bob.expect("CANCEL", stage.call.callID)
        assert second.expect("CANCEL", stage.call.callID).branch == invite.branch


def test_forkAndRefusal(makeStage: Callable[[], Stage]) -> None:
    """One of two phones refuses, and the other one still rings: the call goes on."""
    stage = makeStage()
    with UDPSocket(stage.server.endpoint("udp").address) as other:
        assert other.register(stage.bob.user, cseq=2).status == 200
        second = Callee(other, stage.bob.user)
        first = stage.ring()
        invite = second.expect("INVITE", stage.call.callID)
        second.reply(invite, 180, "Ringing")
        stage.kill()
        stage.bob.reply(first, 486, "Busy Here")
        second.answer(invite)
        # Any other final answer would fail the test.
        stage.call.awaitFinal("INVITE")
        stage.caller.send(stage.call.ack())
        second.expect("ACK", stage.call.callID)

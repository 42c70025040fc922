"""The proxy in a real server with several workers: calls between every two transports, forks,
CANCEL and fail-over, as two phones see them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import product

import pytest

from tests.conftest import ServerStarter
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration
from tests.support.dialog import Call, Callee
from tests.support.ports import freePort
from tests.support.server import Server
from tests.support.sipclient import NoMessage, SIPSocket, StreamSocket, UDPSocket
from tests.support.siptext import newBranch, newToken, request

TRANSPORTS = ("udp", "tcp", "tls")
DOMAIN = "example.test"

Connect = Callable[[str], SIPSocket]


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp", workers=2)
    for transport in ("tcp", "tls"):
        sharedConfiguration.listen(transport, workers=2)
    return startSharedServer(sharedConfiguration)


@pytest.fixture
def connect(server: Server, authority: CertificateAuthority) -> Iterator[Connect]:
    with ExitStack() as stack:

        def make(transport: str) -> SIPSocket:
            address = server.endpoint(transport).address
            if transport == "udp":
                return stack.enter_context(UDPSocket(address))
            context = authority.clientContext() if transport == "tls" else None
            return stack.enter_context(StreamSocket(address, context))

        yield make


def callee(client: SIPSocket, user: str, contact: str | None = None) -> Callee:
    assert client.register(user, contact=contact).status == 200
    return Callee(client, user)


def awaitStatus(call: Call, method: str, status: int) -> None:
    """Wait for a final response to a request of a call."""
    while True:
        message = call.client.receive()
        if (message.callID, message.method) == (call.callID, method) and message.status >= 200:
            assert message.status == status
            if method == "INVITE" and status >= 300:
                call.client.send(call.ackFailure(message))
            return


@pytest.mark.parametrize(("near", "far"), list(product(TRANSPORTS, TRANSPORTS)))
def test_call(connect: Connect, near: str, far: str) -> None:
    """A call from each transport to each, four times to meet other workers; ACK and BYE find
    their way through the connections that the phones have opened."""
    phone = connect(far)
    user = newToken("bob-")
    bob = callee(phone, user)
    for _ in range(4):
        Call(connect(near), f"sip:{user}@{DOMAIN}").run(bob)


@pytest.mark.parametrize(("near", "far"), list(product(TRANSPORTS, TRANSPORTS)))
def test_calleeHangsUp(connect: Connect, near: str, far: str) -> None:
    """The BYE of the callee goes back over the caller's own connection."""
    caller, phone = connect(near), connect(far)
    user = newToken("bob-")
    bob = callee(phone, user)
    call = Call(caller, f"sip:{user}@{DOMAIN}")
    caller.send(call.invite())
    invite = bob.expect("INVITE", call.callID)
    bob.answer(invite)
    call.awaitFinal("INVITE")
    caller.send(call.ack())
    bob.expect("ACK", call.callID)
    bye = request(
        "BYE",
        caller.contact("caller"),
        via=phone.via(),
        fromValue=f"{invite.get('to')};tag={bob.tag}",
        toValue=invite.get("from"),
        callID=call.callID,
        extra=[("Route", route) for route in invite.getAll("record-route")],
    )
    phone.send(bye)
    alice = Callee(caller, "caller")
    received = alice.expect("BYE", call.callID)
    assert received.getAll("route") == []
    alice.reply(received, 200, "OK")
    while True:
        message = phone.receive()
        if message.method == "BYE" and message.status:
            assert message.status == 200
            return


@pytest.mark.parametrize("far", TRANSPORTS)
def test_cancel(connect: Connect, far: str) -> None:
    user = newToken("bob-")
    bob = callee(connect(far), user)
    call = Call(connect("udp"), f"sip:{user}@{DOMAIN}")
    call.client.send(call.invite())
    invite = bob.expect("INVITE", call.callID)
    bob.reply(invite, 180, "Ringing")
    call.client.send(call.cancel())
    cancel = bob.expect("CANCEL", call.callID)
    assert cancel.branch == invite.branch
    bob.reply(cancel, 200, "OK")
    bob.reply(invite, 487, "Request Terminated")
    bob.expect("ACK", call.callID)
    awaitStatus(call, "CANCEL", 200)
    awaitStatus(call, "INVITE", 487)


def test_fork(connect: Connect) -> None:
    """Three phones of one user on three transports; the one that answers wins."""
    user = newToken("bob-")
    phones = [callee(connect(transport), user) for transport in TRANSPORTS]
    call = Call(connect("udp"), f"sip:{user}@{DOMAIN}")
    call.client.send(call.invite())
    invites = [phone.expect("INVITE", call.callID) for phone in phones]
    assert len({invite.branch for invite in invites}) == 3
    for phone, invite in zip(phones, invites, strict=True):
        phone.reply(invite, 180, "Ringing")
    phones[1].answer(invites[1])
    for phone, invite in ((phones[0], invites[0]), (phones[2], invites[2])):
        phone.reply(phone.expect("CANCEL", call.callID), 200, "OK")
        phone.reply(invite, 487, "Request Terminated")
        phone.expect("ACK", call.callID)
    awaitStatus(call, "INVITE", 200)


def test_serialFork(connect: Connect) -> None:
    """The phone of lower q rings when the others have declined."""
    user = newToken("bob-")
    first, second = connect("tcp"), connect("udp")
    one = callee(first, user)
    two = callee(second, user, f"<{second.contact(user)}>;q=0.5")
    call = Call(connect("udp"), f"sip:{user}@{DOMAIN}")
    call.client.send(call.invite())
    one.reply(one.expect("INVITE", call.callID), 486, "Busy Here")
    two.answer(two.expect("INVITE", call.callID))
    awaitStatus(call, "INVITE", 200)


def test_failOverToTheNextTarget(connect: Connect) -> None:
    """Nobody listens at the first binding."""
    user = newToken("bob-")
    nowhere = f"<sip:{user}@127.0.0.1:{freePort()};transport=tcp>"
    client = connect("udp")
    callee(client, user, nowhere)
    bob = callee(client, user, f"<{client.contact(user)}>;q=0.5")
    Call(connect("udp"), f"sip:{user}@{DOMAIN}").run(bob)


@pytest.mark.parametrize("near", TRANSPORTS)
def test_nothingToReach(connect: Connect, near: str) -> None:
    """§16.9, without another target."""
    user = newToken("bob-")
    client = connect("udp")
    callee(client, user, f"<sip:{user}@127.0.0.1:{freePort()};transport=tcp>")
    call = Call(connect(near), f"sip:{user}@{DOMAIN}")
    call.client.send(call.invite())
    awaitStatus(call, "INVITE", 500)


def test_nobody(connect: Connect) -> None:
    call = Call(connect("udp"), f"sip:{newToken('nobody-')}@{DOMAIN}")
    call.client.send(call.invite())
    awaitStatus(call, "INVITE", 480)


def test_strangersAreNotRelayed(connect: Connect) -> None:
    """A made-up dialog with a Route of its own sends nothing to anybody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        victim.bind(("127.0.0.1", 0))
        victim.settimeout(0.3)
        target = f"127.0.0.1:{victim.getsockname()[1]}"
        client = connect("udp")
        host, port = client.server
        for uri, route in (
            (f"sip:victim@{target}", ""),
            (f"sip:{DOMAIN}", f"<sip:{target};lr>"),
            (f"sip:victim@{target}", f"<sip:0123456789abcdef0123@{host}:{port};lr>"),
            (f"sip:0123456789abcdef0123@{host}:{port}", f"<sip:victim@{target}>"),
        ):
            data = request(
                "BYE",
                uri,
                via=client.via(newBranch()),
                fromValue="<sip:stranger@example.test>;tag=a",
                toValue="<sip:victim@example.test>;tag=b",
                callID=newToken("call-"),
                extra=[("Route", route)] if route else [],
            )
            client.send(data)
            assert client.receive().status in (403, 404, 480)
        with pytest.raises(TimeoutError):
            victim.recv(65536)


@pytest.mark.parametrize("far", TRANSPORTS)
def test_stateless(
    configuration: Configuration,
    startServer: ServerStarter,
    authority: CertificateAuthority,
    far: str,
) -> None:
    """A whole call with CANCEL and BYE through a proxy that remembers nothing (§16.11)."""
    udp = configuration.listen("udp", workers=1)
    other = udp if far == "udp" else configuration.listen(far, workers=1)
    configuration.table("resource.proxy", mode="stateless")
    startServer(configuration)
    context = authority.clientContext() if far == "tls" else None
    with (
        UDPSocket(udp.address) as caller,
        UDPSocket(udp.address) if far == "udp" else StreamSocket(other.address, context) as phone,
    ):
        bob = callee(phone, "bob")
        Call(caller, f"sip:bob@{DOMAIN}").run(bob)

        call = Call(caller, f"sip:bob@{DOMAIN}")
        caller.send(call.invite())
        invite = bob.expect("INVITE", call.callID)
        bob.reply(invite, 180, "Ringing")
        caller.send(call.cancel())
        cancel = bob.expect("CANCEL", call.callID)
        assert cancel.branch == invite.branch
        bob.reply(cancel, 200, "OK")
        awaitStatus(call, "CANCEL", 200)
        bob.reply(invite, 487, "Request Terminated")
        awaitStatus(call, "INVITE", 487)
        assert bob.expect("ACK", call.callID).branch == invite.branch
        with pytest.raises(NoMessage):
            while caller.receive(0.3).status != 100:
                pass

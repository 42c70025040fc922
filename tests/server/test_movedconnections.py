"""A reload moves TCP connections to the new workers: who is connected stays connected."""

from __future__ import annotations

import signal

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.netsockets import acceptedConnection
from tests.support.processes import isAlive
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken, workerCode


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.table("server", drain_timeout=2.0)
    configuration.listen("udp")
    # A reload may take its time on a machine that does other things as well.
    configuration.listen("tcp", limits={"message_timeout": 60.0})
    return startServer(configuration)


def replaceWorkers(server: Server, *, gone: bool) -> None:
    """Reload.

    @param gone: whether to wait until the old workers have left.
    """
    old, before = server.children(), len(server.output())
    server.program.signal(signal.SIGHUP)
    waitFor(lambda: "Reloaded in " in server.output()[before:], "the reload", START)
    if gone:
        waitFor(lambda: not any(map(isAlive, old)), "the end of the old workers", START)


def test_phoneBehindAConnection(server: Server) -> None:
    """A phone that can only be reached over the connection that it has registered with is called
    through three generations, by the binding that the first one made."""
    with (
        StreamSocket(server.endpoint("tcp").address) as far,
        UDPSocket(server.endpoint("udp").address) as near,
    ):
        user = newToken("behind-")
        assert far.register(user).status == 200
        for gone in (True, False, True):
            replaceWorkers(server, gone=gone)
            call, phone = Call(near, f"sip:{user}@{DOMAIN}"), Callee(far, user)
            near.send(call.invite())
            phone.answer(phone.expect("INVITE", call.callID))
            assert call.awaitFinal("INVITE").status == 200
            near.send(call.ack())
            phone.expect("ACK", call.callID)


def test_theBusDoesNotGrow(server: Server) -> None:
    """However many reloads there are, one name of a worker that is no more stays: the one in the
    binding of a phone that is still connected, and can be called. It goes with the phone."""
    bus = server.configuration.runDirectory / "bus"

    def dead() -> list[str]:
        return [path.name for path in bus.iterdir() if path.is_symlink()]

    with UDPSocket(server.endpoint("udp").address) as near:
        with StreamSocket(server.endpoint("tcp").address) as far:
            user = newToken("faithful-")
            first = workerCode(far.register(user).toTag)
            for _ in range(8):
                replaceWorkers(server, gone=True)
                waitFor(lambda: dead() == [first], "one name that leads to another worker")
                assert len(server.codes()) == 5
            Call(near, f"sip:{user}@{DOMAIN}").run(Callee(far, user))
        waitFor(
            lambda: acceptedConnection(far.server, far.local) is None, "the end of the connection"
        )
        replaceWorkers(server, gone=True)
        waitFor(lambda: not dead(), "no name that leads to another worker")
    server.stop()


def test_halfAMessage(server: Server) -> None:
    """What has come of a message before the reload is not lost; nor is a call that rings."""
    with (
        StreamSocket(server.endpoint("tcp").address) as near,
        UDPSocket(server.endpoint("udp").address) as far,
    ):
        user = newToken("half-")
        assert far.register(user).status == 200
        call, phone = Call(near, f"sip:{user}@{DOMAIN}"), Callee(far, user)
        near.send(call.invite())
        invite = phone.expect("INVITE", call.callID)
        phone.reply(invite, 180, "Ringing")
        second = Call(near, f"sip:{user}@{DOMAIN}")
        data = second.invite()
        near.send(data[:200])
        replaceWorkers(server, gone=False)
        near.send(data[200:])
        phone.answer(phone.expect("INVITE", second.callID))
        assert second.awaitFinal("INVITE").status == 200
        phone.answer(invite)
        assert call.awaitFinal("INVITE").status == 200

"""A reload moves TCP connections to the new workers: who is connected stays connected."""

from __future__ import annotations

import signal

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.processes import isAlive
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.table("server", drain_timeout=2.0)
    configuration.listen("udp")
    configuration.listen("tcp")
    return startServer(configuration)


def replaceWorkers(server: Server, *, gone: bool) -> None:
    """Reload.

    @param gone: whether to wait until the old workers have left.
    """
    old, before = server.children(), len(server.output())
    server.program.signal(signal.SIGHUP)
    waitFor(lambda: "Reloaded in " in server.output()[before:], "the reload", START)
    if gone:
        waitFor(lambda: not any(map(isAlive, old)), "the end of the old workers", 20.0)


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

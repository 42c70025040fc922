"""Workers are over their memory limit while other things happen to the server: a reload, another
program of the parent. Neither calls nor connections notice."""

from __future__ import annotations

import os
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

NAMES = ("udp-0/0", "tcp-0/0")


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    """One worker for UDP and one for TCP. Each needs more than it may have, so both are renewed
    when the parent has looked, and not again within a minute."""
    configuration.table("server", drain_timeout=60.0)
    configuration.table("pools", memory_limit=1)
    # What may be sent again is remembered for 64 times as long.
    configuration.table("sip", t1=0.1, t2=0.8)
    for transport in ("udp", "tcp"):
        configuration.listen(transport, workers=1)
    return startServer(configuration)


@pytest.mark.parametrize(
    "when",
    [
        pytest.param("A fresh worker takes its place", id="starting"),
        pytest.param("has taken over from pid", id="leaving"),
    ],
)
def test_reload(server: Server, when: str) -> None:
    """A phone rings when the workers are renewed, and answers when others follow all of them. A
    fresh worker that only starts is given up for that; one that has the place is followed.

    @param when: what the log says of each worker when it is time to reload.
    """
    before = server.workers()
    with (
        UDPSocket(server.endpoint("udp").address) as near,
        StreamSocket(server.endpoint("tcp").address) as far,
    ):
        user = newToken("renewed-")
        assert far.register(user).status == 200
        call, phone = Call(near, f"sip:{user}@{DOMAIN}"), Callee(far, user)
        near.send(call.invite())
        invite = phone.expect("INVITE", call.callID)
        phone.reply(invite, 180, "Ringing")
        for name in NAMES:
            server.lineWith(name, when)
        assert isAlive(before["udp-0/0"]), "it has to finish the call"
        server.program.signal(signal.SIGHUP)
        server.lineWith("Generation 1 has taken over from generation 0")
        phone.answer(invite)
        call.awaitFinal("INVITE")
        near.send(call.ack())
        phone.expect("ACK", call.callID)
        near.send(call.next("BYE"))
        phone.reply(phone.expect("BYE", call.callID), 200, "OK")
        call.awaitFinal("BYE")
        waitFor(lambda: not any(map(isAlive, before.values())), "the end of the old", START)
        Call(near, f"sip:{user}@{DOMAIN}").run(phone)
        assert far.options(f"sip:{DOMAIN}").status == 200
    assert "has crashed" not in server.output()
    server.stop()
    assert not os.listdir(server.configuration.runDirectory / "bus")


def test_upgrade(server: Server) -> None:
    """The next program goes on with the workers that are there: fresh ones."""
    with (
        UDPSocket(server.endpoint("udp").address) as near,
        StreamSocket(server.endpoint("tcp").address) as far,
    ):
        user = newToken("renewed-")
        assert far.register(user).status == 200
        for name in NAMES:
            server.lineWith(f"{name}: pid", "has taken over from pid")
        renewed = server.workers()
        server.program.signal(signal.SIGUSR2)
        server.lineWith("Generation 1 has taken over from generation 0")
        waitFor(lambda: not any(map(isAlive, renewed.values())), "the end of the old", START)
        Call(near, f"sip:{user}@{DOMAIN}").run(Callee(far, user))
    server.stop()
    assert not os.listdir(server.configuration.runDirectory / "bus")

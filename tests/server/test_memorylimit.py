"""A worker grows beyond C{memory_limit}: another takes its place, and nobody who calls notices."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.processes import isAlive
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken, workerCode

#: A plugin whose resource keeps 20 MB for each request to the user C{grow}.
PLUGIN = """
from sipapp.resources.maker import ResourceMaker, Settings
from sipapp.resources.sip.resource import SIPResource

hoard = []

class Resource(SIPResource):
    def __init__(self, settings, worker):
        self.worker = worker
    def offer(self, transaction):
        request = transaction.request
        if request.uri.user != "grow":
            return None
        hoard.append(b"x" * 20_000_000)
        return request.respond(200, toTag=self.worker.identifiers.toTag(request))

maker = ResourceMaker("hoarding", "sip", Settings, Resource)
"""
#: In MiB: more than a worker needs that does nothing, less than one with the hoard below.
LIMIT = 200
HOARD = 12


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Makes the plugin known to a server."""
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "hoarding_plugin.py").write_text(PLUGIN)
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), os.getenv("PYTHONPATH")]))}


def awaitReplaced(server: Server, name: str, pid: int) -> None:
    """Wait until another process serves in the place of a worker."""
    waitFor(lambda: server.workers()[name] not in (None, pid), f"another {name}", START)


def test_callsGoOn(
    configuration: Configuration, startServer: ServerStarter, environment: dict[str, str]
) -> None:
    """One call rings, another is established, and a phone is registered over TCP; then a third
    call makes the worker grow."""
    configuration.table("server", drain_timeout=20.0)
    configuration.table("pools", memory_limit=LIMIT)
    chain = ["hoarding", "options", "registrar", "proxy"]
    configuration.listen("udp", workers=2, resources=chain)
    configuration.listen("tcp")
    server = startServer(configuration, environment=environment)
    address = server.endpoint("udp").address
    before = server.workers()
    with (
        UDPSocket(address) as near,
        UDPSocket(address) as far,
        StreamSocket(server.endpoint("tcp").address) as connected,
    ):
        user = newToken("grown-")
        assert far.register(user).status == 200
        assert connected.register(newToken("tcp-")).status == 200
        phone = Callee(far, user)
        talking, ringing = (Call(near, f"sip:{user}@{DOMAIN}") for _ in range(2))
        near.send(talking.invite())
        phone.answer(phone.expect("INVITE", talking.callID))
        talking.awaitFinal("INVITE")
        near.send(talking.ack())
        phone.expect("ACK", talking.callID)
        near.send(ringing.invite())
        invite = phone.expect("INVITE", ringing.callID)
        phone.reply(invite, 180, "Ringing")
        # The Call-ID is that of the call, so it is the worker of the call that grows.
        for cseq in range(10, 10 + HOARD):
            grown = near.options(f"sip:grow@{DOMAIN}", callID=ringing.callID, cseq=cseq)
            assert grown.status == 200
        pid = server.workerOf(workerCode(grown.toTag))
        name = next(each for each in before if before[each] == pid)
        awaitReplaced(server, name, pid)
        assert f"{name} is over its memory limit, pid {pid}: " in server.output()
        assert isAlive(pid), "it has to finish its call"
        # A retransmission goes to the worker that rings: the phone does not get it again.
        near.send(ringing.invite())
        phone.answer(invite)
        ringing.awaitFinal("INVITE")
        near.send(ringing.ack())
        phone.expect("ACK", ringing.callID)
        for call in (talking, ringing):
            near.send(call.next("BYE"))
            phone.reply(phone.expect("BYE", call.callID), 200, "OK")
            call.awaitFinal("BYE")
        waitFor(lambda: not isAlive(pid), "the end of the old worker", START)
        assert f"{name}: pid {server.workers()[name]} has taken over from pid {pid}" in (
            server.output()
        )
        assert connected.options(f"sip:{DOMAIN}").status == 200
        seen = {server.workerOf(workerCode(near.options(f"sip:{DOMAIN}").toTag)) for _ in range(20)}
    after = server.workers()
    assert seen == {after[each] for each in after if each.startswith("udp")}
    assert {each for each in after if after[each] != before[each]} == {name}
    server.stop()
    assert not os.listdir(configuration.runDirectory / "bus")

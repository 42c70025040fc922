"""The life of a server from its first line to its last: start, failure to start, stop, kill."""

from __future__ import annotations

import re
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support import netsockets
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.processes import commandLine, isAlive
from tests.support.server import START, STOP, Server
from tests.support.sipclient import SIPSocket, StreamSocket, UDPSocket
from tests.support.siptext import newToken

#: A plugin whose resource cannot be made, or whose start fails.
PLUGIN = """
from sipapp.resources.maker import ResourceMaker, Settings

class Resource:
    def __init__(self, settings, worker):
        {make}
    def start(self):
        {start}
    def stop(self):
        pass
    def offer(self, transaction):
        return None

maker = ResourceMaker("stubborn", "sip", Settings, Resource)
"""
REASON = "the tape of answers is torn"


def startFailing(
    configuration: Configuration,
    startServer: ServerStarter,
    environment: dict[str, str] | None = None,
) -> str:
    """Start a server that must not get ready.

    @return: its log.
    """
    server = startServer(configuration, awaitReady=False, environment=environment)
    seen: set[int] = set()

    def ended() -> bool:
        seen.update(server.children())
        return server.program.status is not None

    waitFor(ended, "the end of a server that cannot start", START)
    assert server.program.status not in (0, None)
    assert not [pid for pid in seen if isAlive(pid)]
    assert not server.workersFile.exists()
    return server.output()


def acceptors(server: Server) -> list[int]:
    """
    @return: the pids of the workers that take new connections. It is empty once a stop has begun.
    """
    listening = netsockets.listeningSockets(server.endpoint("tcp").port)
    sockets = {row.inode for row in listening}
    return [pid for pid in server.children() if netsockets.inodes(pid) & sockets]


def test_startsAsMany(configuration: Configuration, startServer: ServerStarter) -> None:
    """The children are the workers that the server names, and they say what they are."""
    configuration.listen("udp")
    configuration.listen("tcp")
    server = startServer(configuration)
    assert set(server.workers()) == {"udp-0/0", "udp-0/1", "tcp/0", "tcp/1"}
    assert sorted(server.workers().values()) == server.children()
    assert all("sipapp.worker" in commandLine(pid) for pid in server.children())
    assert "sipapp ready: 4 workers" in server.output()
    server.stop()


def test_badCertificate(configuration: Configuration, startServer: ServerStarter) -> None:
    configuration.directory.mkdir(exist_ok=True)
    configuration.certificate = configuration.directory / "worthless.pem"
    configuration.certificate.write_text("-----BEGIN NOTHING-----\n")
    configuration.listen("udp")
    configuration.listen("tls")
    log = startFailing(configuration, startServer)
    assert "worthless.pem" in log
    assert re.search(r"The doctor has made .* errors? \(.*certificates", log)


@pytest.mark.parametrize("stage", ["make", "start"])
def test_failingResource(
    configuration: Configuration, startServer: ServerStarter, tmp_path: Path, stage: str
) -> None:
    """A third party's plugin that raises: start-up stops with its words."""
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    actions = {"make": "pass", "start": "pass", stage: f"raise RuntimeError({REASON!r})"}
    (plugins / "stubborn_plugin.py").write_text(PLUGIN.format(**actions))
    configuration.listen("udp", resources=["stubborn", "options"])
    configuration.listen("tcp")
    log = startFailing(configuration, startServer, {"PYTHONPATH": str(tmp_path)})
    assert REASON in log


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_addressInUse(
    configuration: Configuration, startServer: ServerStarter, transport: str
) -> None:
    """Also if the one who has it allows others beside him, as another sipapp would."""
    endpoint = configuration.listen(transport)
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(endpoint.address)
        if transport == "tcp":
            other.listen()
        log = startFailing(configuration, startServer)
    assert f"127.0.0.1:{endpoint.port}" in log
    assert "in use" in log


def test_nothingIsKeptOfOptions(configuration: Configuration, startServer: ServerStarter) -> None:
    """What is answered without a transaction (RFC 3261 §8.2.7) leaves none behind, unlike what is
    offered to the resources and answered by one."""
    configuration.listen("udp", workers=1)
    server = startServer(configuration)
    with UDPSocket(server.endpoint("udp").address) as client:
        assert client.options("sip:example.test").status == 200
        assert client.ask("PUBLISH", "sip:example.test").status >= 400
    server.stop()
    assert "Ends with 1 server and 0 client transactions" in server.output()


def test_idleServerStops(configuration: Configuration, startServer: ServerStarter) -> None:
    """SIGTERM with nothing under way: no drain timeout is waited out."""
    configuration.table("server", drain_timeout=60.0)
    configuration.listen("udp")
    configuration.listen("tcp")
    server = startServer(configuration)
    with UDPSocket(server.endpoint("udp").address) as client:
        assert client.options("sip:example.test").status == 200
    with StreamSocket(server.endpoint("tcp").address) as client:
        assert client.options("sip:example.test").status == 200
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 60.0
    assert not server.workersFile.exists()


@pytest.mark.parametrize(
    ("near", "far"),
    [("udp", "udp"), ("tcp/0", "tcp/0"), ("tcp/0", "tcp/1"), ("udp", "tcp/0"), ("tcp/0", "udp")],
)
def test_stopLetsACallFinish(
    configuration: Configuration, startServer: ServerStarter, near: str, far: str
) -> None:
    """SIGTERM while it rings: the answer still reaches the caller, then the server exits, also
    if the two phones are connected to different workers."""
    configuration.table("server", drain_timeout=60.0)
    configuration.listen("udp")
    configuration.listen("tcp")
    server = startServer(configuration)
    children = server.children()

    def connect(where: str) -> SIPSocket:
        if where == "udp":
            return UDPSocket(server.endpoint("udp").address)
        return server.connect("tcp", where)

    with connect(near) as caller, connect(far) as callee:
        user = newToken("slow-")
        assert callee.register(user).status == 200
        call, phone = Call(caller, f"sip:{user}@example.test"), Callee(callee, user)
        caller.send(call.invite())
        invite = phone.expect("INVITE", call.callID)
        phone.reply(invite, 180, "Ringing")
        assert len(acceptors(server)) == 2
        server.program.signal(signal.SIGTERM)
        waitFor(lambda: not acceptors(server), "workers that take no new connections")
        phone.answer(invite)
        assert call.awaitFinal("INVITE").status == 200
        assert server.program.join(STOP) == 0
    assert not [pid for pid in children if isAlive(pid)]


def test_stopDoesNotWaitForEver(configuration: Configuration, startServer: ServerStarter) -> None:
    """A call that rings and rings is given up after the drain timeout."""
    configuration.table("server", drain_timeout=1.0)
    configuration.listen("udp")
    server = startServer(configuration)
    address = server.endpoint("udp").address
    with UDPSocket(address) as near, UDPSocket(address) as far:
        user = newToken("deaf-")
        assert far.register(user).status == 200
        call, phone = Call(near, f"sip:{user}@example.test"), Callee(far, user)
        near.send(call.invite())
        phone.reply(phone.expect("INVITE", call.callID), 180, "Ringing")
        server.stop()


def test_nobodyOutlivesAKilledParent(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    """SIGKILL to the parent alone; and what it leaves lying about does not hinder the next."""
    configuration.listen("udp")
    configuration.listen("tcp")
    configuration.listen("tls")
    server = startServer(configuration)
    children = server.children()
    assert children
    server.program.kill()
    waitFor(lambda: not any(map(isAlive, children)), "the end of all children")
    startServer(configuration).stop()


def test_bindingsSurviveARestart(configuration: Configuration, startServer: ServerStarter) -> None:
    configuration.listen("udp")
    server = startServer(configuration)
    user = newToken("kept-")
    with UDPSocket(server.endpoint("udp").address) as client:
        assert client.register(user).status == 200
        server.stop()
        server = startServer(configuration)
        answer = client.register(user, contact="", cseq=2)
        assert f"sip:{user}@{client.sentBy}" in answer.get("contact")


def test_interruptStopsToo(configuration: Configuration, startServer: ServerStarter) -> None:
    """Ctrl-C at a terminal is an orderly stop."""
    configuration.listen("udp")
    server: Server = startServer(configuration)
    children = server.children()
    server.program.signal(signal.SIGINT)
    assert server.program.join(STOP) == 0
    assert not [pid for pid in children if isAlive(pid)]

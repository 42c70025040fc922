"""C{core.*} of a real server: reload, drain, upgrade and shutdown, with calls that go on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from sipapp import __version__
from sipapp.admin.client import Client
from sipapp.rpc import Fault
from tests.conftest import ServerStarter
from tests.server.test_door import client
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.server import STOP, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.table("server", drain_timeout=5.0)
    configuration.listen("udp")
    configuration.listen("tcp")
    return startServer(configuration)


@pytest.fixture
def door(server: Server) -> Iterator[Client]:
    with client(server) as door:
        yield door


def refused(door: Client, code: int, method: str, **parameters: object) -> str:
    """
    @return: what the caller is told whose call fails with this code.
    """
    with pytest.raises(Fault) as caught:
        door.call(method, parameters, patience=None)
    assert caught.value.code == code, caught.value
    return caught.value.text


def test_whatRuns(server: Server, door: Client) -> None:
    assert door.call("core.version").startswith(f"sipapp {__version__} (Twisted ")
    uptime = door.call("core.uptime")
    assert uptime.keys() == {"now", "up_since", "uptime"}
    assert 0 <= uptime["uptime"] < 3600
    assert uptime["up_since"] <= uptime["now"]
    workers = len(server.workers())
    assert door.call("core.info") == {
        "version": __version__,
        "pid": server.pid,
        "file": str(server.configuration.directory / "sipapp.toml"),
        "ready": True,
        "draining": False,
        "generation": 0,
        "generations": [{"number": 0, "workers": workers, "ready": workers}],
        "adjusted": [],
    }


def test_reloads(server: Server, door: Client) -> None:
    """Whoever asks for it is told what has come of it."""
    server.configuration.children = 3
    server.configuration.write()
    outcome = door.call("core.reload", patience=None)
    assert outcome["seconds"] > 0
    assert outcome == {
        "generation": 1,
        "workers": 5,
        "seconds": outcome["seconds"],
        "changed": ["pools.children"],
    }
    before = server.workers()
    server.configuration.blocks[1]["socket_workers"] = 0
    server.configuration.write()
    text = refused(door, 409, "core.reload")
    assert text.startswith("the server goes on as it was. ")
    assert "listen[1].socket_workers: expected " in text
    assert server.workers() == before
    audit = (server.configuration.stateDirectory / "audit.log").read_text()
    entries = [json.loads(line) for line in audit.splitlines()]
    assert [entry["method"] for entry in entries] == ["core.reload"] * 2
    assert (entries[0]["result"], entries[1]["fault"]["code"]) == (outcome, 409)


def test_drains(server: Server, door: Client) -> None:
    """What is there goes on; what is new goes elsewhere, also after a reload, until it is over."""
    tcp = server.endpoint("tcp").address
    with UDPSocket(server.endpoint("udp").address) as near, StreamSocket(tcp) as far:
        user = newToken("draining-")
        assert far.register(user).status == 200
        call, phone = Call(near, f"sip:{user}@{DOMAIN}"), Callee(far, user)
        near.send(call.invite())
        invite = phone.expect("INVITE", call.callID)
        phone.reply(invite, 180, "Ringing")
        names = [f"udp:127.0.0.1:{near.server[1]}", f"tcp:127.0.0.1:{tcp[1]}"]
        assert door.call("core.drain") == {"paused": names}
        info = door.call("core.info")
        assert (info["ready"], info["draining"]) == (False, True)
        phone.answer(invite)
        call.awaitFinal("INVITE")
        near.send(call.ack())
        phone.expect("ACK", call.callID)
        for each in (near, far):
            answer = each.options(f"sip:{DOMAIN}")
            assert (answer.status, answer.get("retry-after")) == (503, "10")
        assert isTurnedAway(tcp)
        door.call("core.reload", patience=None)
        assert near.options(f"sip:{DOMAIN}").status == 503
        assert isTurnedAway(tcp)
        assert door.call("core.info")["draining"]
        near.send(call.next("BYE"))
        phone.reply(phone.expect("BYE", call.callID), 200, "OK")
        call.awaitFinal("BYE")
        assert door.call("core.resume") == {"paused": []}
        assert door.call("core.info")["ready"]
        assert near.options(f"sip:{DOMAIN}").status == 200
        with StreamSocket(tcp) as new:
            assert new.options(f"sip:{DOMAIN}").status == 200
            Call(near, f"sip:{user}@{DOMAIN}").run(phone)


def isTurnedAway(address: tuple[str, int]) -> bool:
    """Whether a new connection is closed at once."""
    with StreamSocket(address) as connection:
        connection.socket.settimeout(STOP)
        try:
            return connection.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def test_upgrades(server: Server, door: Client) -> None:
    """The next program goes on with what operators have adjusted and paused."""
    name = f"udp:127.0.0.1:{server.endpoint('udp').port}"
    assert door.call("pool.resize", {"pool": "tcp", "size": 3}, patience=None)["size"] == 3
    door.call("listener.pause", {"listener": name})
    began = door.call("core.upgrade")
    assert began == {"pid": server.pid, "generation": 1}
    server.lineWith("Generation 2 has taken over from generation 1")
    server.lineWith("Reloaded in", "generation 2")
    with client(server) as again:
        info = again.call("core.info")
        assert (info["pid"], info["generation"]) == (server.pid, 2)
        assert info["adjusted"] == ["tcp has 3 workers"]
        states = {each["name"]: each["state"] for each in again.call("listener.list")}
        assert states[name] == "paused"
        assert [each["size"] for each in again.call("pool.list")] == [2, 3]
        with UDPSocket(server.endpoint("udp").address) as near:
            assert near.options(f"sip:{DOMAIN}").status == 503
            again.call("listener.resume", {"listener": name})
            assert near.options(f"sip:{DOMAIN}").status == 200


def test_shutsDown(server: Server, door: Client) -> None:
    children = server.children()
    assert door.call("core.shutdown") == {"pid": server.pid, "generation": 0}
    waitFor(lambda: server.program.status is not None, "the end of the server", STOP)
    assert server.program.status == 0
    assert children
    assert not re.search(r"Traceback|Unhandled", server.output())

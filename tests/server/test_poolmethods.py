"""C{pool.*} of a real server: pools that grow, shrink and are restarted, while calls go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sipapp.admin.client import Client
from tests.conftest import ServerStarter
from tests.server.test_coremethods import refused
from tests.server.test_door import client
from tests.server.test_reload import PLUGIN
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.processes import isAlive
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    # The old workers finish whatever takes long on a machine that does other things as well.
    configuration.table("server", drain_timeout=60.0)
    # What may be sent again is remembered for 64 times as long.
    configuration.table("sip", t1=0.1, t2=0.8)
    configuration.listen("udp")
    configuration.listen("tcp")
    configuration.listen("http", resources=["health"])
    return startServer(configuration)


@pytest.fixture
def door(server: Server) -> Iterator[Client]:
    with client(server) as door:
        yield door


class Meanwhile(Thread):
    """Calls a method that takes its time, in a thread and over a connection of its own."""

    def __init__(self, server: Server, method: str, **parameters: Any) -> None:
        super().__init__()
        self._server = server
        self._method = method
        self._parameters = parameters
        self._result: Any = None
        self.start()

    def run(self) -> None:
        with client(self._server) as door:
            self._result = door.call(self._method, self._parameters, patience=None)

    def result(self) -> Any:
        self.join(START)
        return self._result


def test_list(server: Server, door: Client) -> None:
    pools = door.call("pool.list")
    assert [(each["name"], each["kind"], each["size"], each["ready"]) for each in pools] == [
        ("udp-0", "udp", 2, 2),
        ("tcp", "stream", 2, 2),
        ("http-0", "web", 1, 1),
    ]
    assert pools[0]["endpoints"] == [f"udp:127.0.0.1:{server.endpoint('udp').port}"]
    assert pools[0]["resources"] == ["options", "registrar", "proxy"]
    assert [each["size_from"] for each in pools] == [
        "pools.children",
        "pools.tcp_children",
        "one for HTTP",
    ]
    pids = [pid for each in pools for pid in each["pids"]]
    assert sorted(pids) == server.children()


def test_resize(server: Server, door: Client) -> None:
    """A phone rings when its workers become more, and answers when they become fewer."""
    with (
        UDPSocket(server.endpoint("udp").address) as near,
        StreamSocket(server.endpoint("tcp").address) as far,
    ):
        user = newToken("resized-")
        assert far.register(user).status == 200
        call, phone = Call(near, f"sip:{user}@{DOMAIN}"), Callee(far, user)
        near.send(call.invite())
        invite = phone.expect("INVITE", call.callID)
        phone.reply(invite, 180, "Ringing")
        resized = door.call("pool.resize", {"pool": "udp-0", "size": 4}, patience=None)
        assert (resized["size"], resized["ready"], resized["size_from"]) == (4, 4, "pool.resize")
        assert door.call("core.info")["adjusted"] == ["udp-0 has 4 workers"]
        resized = door.call("pool.resize", ["tcp", 1], patience=None)
        assert (resized["size"], resized["ready"]) == (1, 1)
        phone.answer(invite)
        call.awaitFinal("INVITE")
        near.send(call.ack())
        phone.expect("ACK", call.callID)
        near.send(call.next("BYE"))
        phone.reply(phone.expect("BYE", call.callID), 200, "OK")
        call.awaitFinal("BYE")
        Call(near, f"sip:{user}@{DOMAIN}").run(phone)
    pools = {"udp-0": 4, "tcp": 1, "http-0": 1}
    waitFor(lambda: server.pools() == pools, "the end of the old workers", START)
    # The file says something else, and says it last.
    changed = door.call("core.reload", patience=None)["changed"]
    assert changed == ["adjustments.sizes.tcp", "adjustments.sizes.udp-0"]
    server.lineWith("What was adjusted is forgotten: udp-0 has 4 workers; tcp has 1 workers")
    assert [each["size"] for each in door.call("pool.list")] == [2, 2, 1]


def test_whatCannotBe(server: Server, door: Client) -> None:
    before = server.workers()
    assert "'udp-7'" in refused(door, 404, "pool.resize", pool="udp-7", size=3)
    assert "'udp-7'" in refused(door, 404, "pool.restart", pool="udp-7")
    refused(door, -32602, "pool.resize", pool="udp-0", size=0)
    refused(door, -32602, "pool.resize", pool="udp-0", size=257)
    assert server.workers() == before


def test_restart(server: Server, door: Client) -> None:
    """Every worker is replaced; calls go on all the time, and connections stay."""
    before = server.workers()
    with (
        UDPSocket(server.endpoint("udp").address) as near,
        StreamSocket(server.endpoint("tcp").address) as far,
    ):
        user = newToken("restarted-")
        assert far.register(user).status == 200
        phone = Callee(far, user)
        for pool in ("udp-0", "tcp"):
            restarting = Meanwhile(server, "pool.restart", pool=pool)
            Call(near, f"sip:{user}@{DOMAIN}").run(phone)
            while restarting.is_alive():
                Call(near, f"sip:{user}@{DOMAIN}").run(phone)
            assert restarting.result() == {"restarted": [f"{pool}/0", f"{pool}/1"], "left": {}}
        assert door.call("pool.restart", ["http-0"], patience=None)["restarted"] == ["http-0/0"]
        after = server.workers()
        assert set(after) == set(before)
        assert not set(after.values()) & set(before.values())
        assert not any(map(isAlive, before.values()))
        Call(near, f"sip:{user}@{DOMAIN}").run(phone)
        assert far.options(f"sip:{DOMAIN}").status == 200
    assert [each["generation"] for each in [door.call("core.info")]] == [0]
    assert all(each["restarts"] == 1 for each in door.call("worker.list"))
    assert "has crashed" not in server.output()


def test_restartDuringReload(server: Server, door: Client) -> None:
    """All workers are fresh ones then, whoever was first."""
    before = server.workers()
    restarting = Meanwhile(server, "pool.restart", pool="udp-0")
    door.call("core.reload", patience=None)
    assert restarting.result() == {"restarted": ["udp-0/0", "udp-0/1"], "left": {}}
    assert not set(server.workers().values()) & set(before.values())


def test_oneThatCannotBeReplaced(
    configuration: Configuration, startServer: ServerStarter, tmp_path: Path
) -> None:
    """The code of now cannot be used: everything goes on with the code of before."""
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    plugin = plugins / "changing_plugin.py"
    plugin.write_text(PLUGIN.format(make="pass", offer="return None"))
    configuration.listen("udp", resources=["changing", "options"])
    server = startServer(configuration, environment={"PYTHONPATH": str(tmp_path)})
    plugin.write_text(PLUGIN.format(make='raise RuntimeError("unripe")', offer="return None"))
    before = server.workers()
    with client(server) as door:
        text = refused(door, 409, "pool.restart", pool="udp-0")
        assert text.startswith("udp-0/0 goes on as it was: ")
        assert "unripe" in text
        text = refused(door, 409, "worker.restart", worker="udp-0/1")
        assert text.startswith("udp-0/1 goes on as it was: ")
    assert server.workers() == before
    waitFor(lambda: server.children() == sorted(before.values()), "the end of the fresh ones")

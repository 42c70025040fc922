"""C{listener.*} of a real server: addresses that come and go, and pauses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sipapp.admin.client import Client
from tests.conftest import ServerStarter
from tests.server.test_coremethods import isTurnedAway, refused
from tests.server.test_door import client
from tests.server.test_reload import isFree
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.httpclient import HTTPClient
from tests.support.ports import freePort
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.table("server", drain_timeout=5.0)
    configuration.children = configuration.tcpChildren = 1
    configuration.listen("udp")
    configuration.listen("tcp")
    configuration.listen("http", resources=["health"])
    return startServer(configuration)


@pytest.fixture
def door(server: Server) -> Iterator[Client]:
    with client(server) as door:
        yield door


def name(server: Server, transport: str) -> str:
    return f"{transport}:127.0.0.1:{server.endpoint(transport).port}"


def states(door: Client) -> dict[str, str]:
    return {each["name"]: each["state"] for each in door.call("listener.list")}


def test_list(server: Server, door: Client) -> None:
    assert door.call("listener.list")[0] == {
        "name": name(server, "udp"),
        "state": "serving",
        "transport": "udp",
        "host": "127.0.0.1",
        "port": server.endpoint("udp").port,
        "pool": "udp-0",
        "slots": 1,
        "resources": ["options", "registrar", "proxy"],
        "is_added": False,
    }
    assert states(door) == dict.fromkeys(
        (name(server, each) for each in ("udp", "tcp", "http")), "serving"
    )


def test_addAndRemove(server: Server, door: Client) -> None:
    port = freePort()
    listen = {
        "address": "127.0.0.1",
        "port": port,
        "transport": ["udp", "tcp"],
        "resources": ["options"],
    }
    udp, tcp = door.call("listener.add", {"listen": listen}, patience=None)
    assert (udp["name"], tcp["name"]) == (f"udp:127.0.0.1:{port}", f"tcp:127.0.0.1:{port}")
    assert (udp["pool"], tcp["pool"], udp["is_added"]) == ("udp-1", "tcp", True)
    with UDPSocket(("127.0.0.1", port)) as near, StreamSocket(("127.0.0.1", port)) as far:
        assert near.options(f"sip:{DOMAIN}").status == 200
        assert far.options(f"sip:{DOMAIN}").status == 200
    resized = door.call("pool.resize", ["udp-1", 2], patience=None)
    assert (resized["size"], resized["ready"]) == (2, 2)
    assert door.call("core.info")["adjusted"] == [
        f"udp 127.0.0.1:{port} is added",
        f"tcp 127.0.0.1:{port} is added",
    ]
    # Each goes alone.
    removed = door.call("listener.remove", {"listener": f"udp:127.0.0.1:{port}"}, patience=None)
    assert removed["name"] == f"udp:127.0.0.1:{port}"
    waitFor(lambda: isFree(("127.0.0.1", port)), "the end of the socket", START)
    with StreamSocket(("127.0.0.1", port)) as far:
        assert far.options(f"sip:{DOMAIN}").status == 200
    assert "pool udp-1" not in [each["name"] for each in door.call("pool.list")]
    door.call("core.reload", patience=None)
    server.lineWith("What was adjusted is forgotten: tcp 127.0.0.1:", "is added")
    assert len(door.call("listener.list")) == 3


def test_removeOneOfTheFile(server: Server, door: Client) -> None:
    udp = name(server, "udp")
    door.call("listener.pause", {"listener": udp})
    door.call("listener.remove", {"listener": udp}, patience=None)
    assert udp not in states(door)
    waitFor(lambda: isFree(server.endpoint("udp").address), "the end of the socket", START)
    # Somebody else may have it, such as one of other resources.
    listen = {
        "address": "127.0.0.1",
        "port": server.endpoint("udp").port,
        "transport": "udp",
        "resources": ["options"],
    }
    [added] = door.call("listener.add", [listen], patience=None)
    assert (added["name"], added["state"]) == (udp, "serving")
    assert added["resources"] == ["options"]
    door.call("core.reload", patience=None)
    with UDPSocket(server.endpoint("udp").address) as near:
        assert near.register("somebody").status == 200


def test_whatCannotBe(server: Server, door: Client) -> None:
    """Nothing has changed then."""
    before, workers = states(door), server.workers()
    add = "listener.add"
    text = refused(door, 409, add, listen={"address": "127.0.0.1", "prot": 5070})
    assert "listen[3].prot: unknown key; did you mean port?" in text
    port = server.endpoint("udp").port
    text = refused(door, 409, add, listen={"address": "127.0.0.1", "port": port})
    assert f"udp:127.0.0.1:{port} is taken by" in text
    text = refused(door, 409, add, listen={"address": "192.0.2.77", "port": port})
    assert "cannot bind udp 192.0.2.77" in text
    assert "'udp:127.0.0.1:1'" in refused(door, 404, "listener.remove", listener="udp:127.0.0.1:1")
    assert "'x'" in refused(door, 404, "listener.pause", listener="x")
    assert (states(door), server.workers()) == (before, workers)
    for transport in ("udp", "tcp"):
        door.call("listener.remove", [name(server, transport)], patience=None)
    text = refused(door, 409, "listener.remove", listener=name(server, "http"))
    assert "the last listener cannot be removed" in text


def test_pause(server: Server, door: Client) -> None:
    """Connections that are there stay; the others are closed. Other listeners go on."""
    udp, tcp = server.endpoint("udp").address, server.endpoint("tcp").address
    with UDPSocket(udp) as near, StreamSocket(tcp) as far:
        assert far.options(f"sip:{DOMAIN}").status == 200
        assert door.call("listener.pause", [name(server, "tcp")])["state"] == "paused"
        assert isTurnedAway(tcp)
        assert far.options(f"sip:{DOMAIN}").status == 503
        assert near.options(f"sip:{DOMAIN}").status == 200
        # One that takes the place of another knows.
        pid = server.workers()["tcp/0"]
        door.call("worker.kill", {"worker": "tcp/0", "signal": "KILL"})
        waitFor(lambda: server.states()["tcp/0"] == "ready", "another worker", START)
        waitFor(lambda: server.workers()["tcp/0"] != pid, "another worker", START)
        waitFor(lambda: server.states()["tcp/0"] == "ready", "another worker", START)
        assert isTurnedAway(tcp)
        assert door.call("listener.resume", [name(server, "tcp")])["state"] == "serving"
        with StreamSocket(tcp) as new:
            assert new.options(f"sip:{DOMAIN}").status == 200


def test_pauseHTTP(server: Server, door: Client) -> None:
    """A connection that is there ends with its next answer."""
    address = server.endpoint("http").address
    with HTTPClient(address) as web:
        assert web.get("/healthz").status == 200
        door.call("listener.pause", [name(server, "http")])
        assert isTurnedAway(address)
        answer = web.get("/healthz")
        assert (answer.status, answer.get("connection")) == (200, "close")
    # A drain is none of those who look at the server.
    door.call("listener.resume", [name(server, "http")])
    door.call("core.drain")
    with HTTPClient(address) as web:
        assert web.get("/healthz").status == 200

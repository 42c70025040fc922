"""C{worker.*} of a real server: workers that are looked at, replaced and ended one by one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipapp.admin.client import Client
from tests.conftest import ServerStarter
from tests.server.test_coremethods import refused
from tests.server.test_door import client
from tests.server.test_reload import PLUGIN
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.processes import isAlive, sendSignal
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newBranch, newToken, request

#: What a resource does that hangs when it is asked the wrong thing.
HANG = """
        def hangHere():
            while True:
                pass
        if transaction.request.method == "MESSAGE":
            hangHere()
"""


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.table("server", drain_timeout=5.0)
    configuration.listen("udp", workers=1)
    configuration.listen("tcp", workers=2)
    return startServer(configuration)


@pytest.fixture
def door(server: Server) -> Iterator[Client]:
    with client(server) as door:
        yield door


def test_list(server: Server, door: Client) -> None:
    workers = door.call("worker.list")
    assert {each["name"]: each["pid"] for each in workers} == server.workers()
    assert {each["state"] for each in workers} == {"ready"}
    assert {each["restarts"] for each in workers} == {0}


def test_restart(server: Server, door: Client) -> None:
    """One alone, with its connections; the others are as they were."""
    before = server.workers()
    with server.connect("tcp", "tcp-0/1") as connection:
        outcome = door.call("worker.restart", {"worker": "tcp-0/1"}, patience=None)
        assert outcome == {"restarted": ["tcp-0/1"], "left": {}}
        assert connection.options(f"sip:{DOMAIN}").status == 200
    after = server.workers()
    assert {name for name in before if before[name] != after[name]} == {"tcp-0/1"}
    assert not isAlive(before["tcp-0/1"])


@pytest.mark.parametrize("name", ["TERM", "KILL", "ABRT"])
def test_kill(server: Server, door: Client, name: str) -> None:
    """Another one takes its place."""
    pid = server.workers()["udp-0/0"]
    sent = door.call("worker.kill", {"worker": "udp-0/0", "signal": name})
    assert sent == {"worker": "udp-0/0", "pid": pid}
    waitFor(lambda: not isAlive(pid), "the end of the worker", START)
    waitFor(lambda: server.workers()["udp-0/0"] not in (None, pid), "another worker", START)
    with UDPSocket(server.endpoint("udp").address) as near:
        assert near.options(f"sip:{DOMAIN}").status == 200
    server.lineWith("udp-0/0 has gone", f"pid {pid}")
    if name == "ABRT":
        server.lineWith("udp-0/0", "Fatal Python error: Aborted")


def test_whatCannotBe(door: Client) -> None:
    for method in ("worker.restart", "worker.kill", "worker.stack"):
        assert "'udp-0/7'" in refused(door, 404, method, worker="udp-0/7")
    refused(door, -32602, "worker.kill", worker="udp-0/0", signal="HUP")


def test_stackOfOneThatAnswers(server: Server, door: Client) -> None:
    """It is found at what it does all the time: waiting."""
    told = door.call("worker.stack", {"worker": "udp-0/0"})
    assert (told["worker"], told["pid"]) == ("udp-0/0", server.workers()["udp-0/0"])
    assert told["answers"] is True
    assert "MainThread, most recent call last:" in told["stack"]
    assert "sipapp/worker.py" in told["stack"]


def test_stackOfOneThatHangs(
    configuration: Configuration, startServer: ServerStarter, tmp_path: Path
) -> None:
    """It is interrupted where it hangs, as often as somebody wants to know."""
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "changing_plugin.py").write_text(PLUGIN.format(make="pass", offer=HANG))
    configuration.table("pools", stuck_timeout=300.0)
    configuration.listen("udp", resources=["changing", "options"], workers=1)
    server = startServer(configuration, environment={"PYTHONPATH": str(tmp_path)})
    with client(server) as door, UDPSocket(server.endpoint("udp").address) as near:
        uri = f"sip:{DOMAIN}"
        near.send(
            request(
                "MESSAGE",
                uri,
                via=near.via(newBranch()),
                fromValue=f"<sip:somebody@{DOMAIN}>;tag={newToken()}",
                toValue=f"<{uri}>",
                callID=newToken("hanging-"),
                cseq=1,
            )
        )
        for _ in range(2):
            waitFor(
                lambda: "hangHere" in door.call("worker.stack", ["udp-0/0"])["stack"],
                "the stack of one that hangs",
                START,
            )
        told = door.call("worker.stack", ["udp-0/0"])
        assert (told["pid"], told["answers"]) == (server.workers()["udp-0/0"], False)
        assert "most recent call first" in told["stack"]


def test_stackOfOneThatIsStopped(server: Server, door: Client) -> None:
    """It cannot say anything."""
    pid = server.workers()["udp-0/0"]
    sendSignal(pid, signal.SIGSTOP)
    text = refused(door, 503, "worker.stack", worker="udp-0/0")
    assert text == f"udp-0/0, pid {pid}, does not even react to a signal"
    sendSignal(pid, signal.SIGCONT)
    with StreamSocket(server.endpoint("tcp").address) as far:
        assert far.options(f"sip:{DOMAIN}").status == 200

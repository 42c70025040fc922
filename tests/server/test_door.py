"""The methods of a real server, through the unix socket in its run directory."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat

import pytest

from sipapp.admin.client import Client
from sipapp.rpc import Fault
from tests.conftest import ServerStarter
from tests.server.test_reload import reload
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.server import START, Server


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.children = 2
    configuration.listen("udp")
    return startServer(configuration)


def client(server: Server) -> Client:
    return Client(str(server.configuration.runDirectory / "control.sock"))


def test_whoMaySpeakToIt(server: Server) -> None:
    path = server.configuration.runDirectory / "control.sock"
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert mode & 0o777 == 0o600
    with client(server) as door:
        names = [each["name"] for each in door.call("system.describe")]
    assert "system.describe" in names
    assert names == sorted(names)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_othersAreNotLetIn(server: Server) -> None:
    """Even one who gets as far as the socket: the kernel says who it is."""
    directory = server.configuration.runDirectory
    (directory / "control.sock").chmod(0o666)
    pid = os.fork()
    if pid == 0:
        status = 2
        try:
            # Inside before the directory cannot be entered any more.
            os.chdir(directory)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(40)
            peer.connect("control.sock")
            peer.sendall(b'{"jsonrpc": "2.0", "id": 1, "method": "system.describe"}\n')
            status = 1 if peer.recv(1) else 0
        except ConnectionError:
            status = 0
        except PermissionError:
            status = 3
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    server.lineWith("uid 65534", "is not let in")


def test_whatIsChangedIsWrittenDown(server: Server) -> None:
    with client(server) as door:
        door.call("ban.add", {"network": "192.0.2.7"})
        door.call("ban.list", {})
        with pytest.raises(Fault):
            door.call("ban.add", {"network": "nowhere"})
    log = server.configuration.stateDirectory / "audit.log"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(each["method"], "fault" in each) for each in lines] == [
        ("ban.add", False),
        ("ban.add", True),
    ]
    assert lines[0]["source"] == f"pid {os.getpid()}"
    assert lines[0]["door"] == "unix"
    assert log.stat().st_mode & 0o777 == 0o600


def test_whatWorkersAnswer(server: Server) -> None:
    with client(server) as door:
        found = door.call("transaction.list", {})
    assert found["silent"] == {}
    assert found["rows"] == []


def test_itIsThereThroughReloadsAndUpgrades(server: Server) -> None:
    with client(server) as door:
        reload(server)
        assert door.call("system.describe")
        workers = server.workers()
        server.program.signal(signal.SIGUSR2)
        # The program that answered is no more.
        server.lineWith("Generation 2 has taken over")
    waitFor(lambda: server.workers() != workers, "other workers", START)
    with client(server) as door:
        assert door.call("transaction.list", {})["silent"] == {}


def test_itIsGoneAfterAStop(server: Server) -> None:
    server.stop()
    assert not (server.configuration.runDirectory / "control.sock").exists()


def test_anotherImageEndsWhatIsStreamed(server: Server) -> None:
    """Nobody who watches keeps the program from being replaced."""
    with client(server) as door:
        door.call("worker.trace", {"live": True, "seconds": 3600})
        server.program.signal(signal.SIGUSR2)
        # It ends when the connection does.
        for _ in door.notifications():
            continue
    server.lineWith("Generation 1 has taken over")
    with client(server) as door:
        assert door.call("transaction.list", {})["silent"] == {}

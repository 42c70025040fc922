"""Load that sipp makes: registrations and calls through the pools, none of which may fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.peers.sipprun import SIPp, userFile
from tests.support import netsockets
from tests.support.configuration import Configuration, Endpoint
from tests.support.deadlines import waitFor
from tests.support.ports import freePort
from tests.support.server import Server
from tests.support.sipclient import StreamSocket, UDPSocket, bracketed

pytestmark = pytest.mark.peer("sipp")


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    """Four UDP workers and a shared stream pool of two, on IPv4 and IPv6."""
    sharedConfiguration.tcpChildren = 2
    for host in ("127.0.0.1", "::1"):
        sharedConfiguration.listen("udp", host, workers=4)
        sharedConfiguration.listen("tcp", host)
    return startSharedServer(sharedConfiguration)


class CallRun:
    """Registers users, waits for their calls with one sipp and makes them with another."""

    def __init__(self, sipp: str, directory: Path, endpoint: Endpoint) -> None:
        self.sipp = sipp
        self.directory = directory
        self.endpoint = endpoint
        self.isStream = endpoint.transport != "udp"

    def users(self, count: int, port: int) -> Path:
        """
        @param port: of the contacts that the users have.
        """
        host = bracketed(self.endpoint.host)
        rows = [(f"{port}u{n}", f"sip:{port}u{n}@{host}:{port}") for n in range(count)]
        return userFile(self.directory / "users.csv", rows)

    def register(self, users: Path, count: int, rate: int = 200) -> None:
        run = SIPp(
            self.sipp,
            self.directory,
            "register",
            server=self.endpoint.address,
            local=(self.endpoint.host, freePort()),
            mode="t1" if self.isStream else "u1",
            calls=count,
            rate=rate,
            limit=500,
            users=users,
        )
        run.finish().assertClean(count)

    def calls(self, count: int, rate: int, callerMode: str) -> None:
        local = (self.endpoint.host, freePort())
        users = self.users(20, local[1])
        self.register(users, 20)
        calleeMode = "t1" if self.isStream else "u1"
        callee = SIPp(
            self.sipp, self.directory, "callee", local=local, mode=calleeMode, calls=count
        )
        table = netsockets.listeningSockets if self.isStream else netsockets.datagramSockets
        try:
            waitFor(lambda: table(local[1]), "a sipp that waits for calls")
            caller = SIPp(
                self.sipp,
                self.directory,
                "caller",
                server=self.endpoint.address,
                local=(self.endpoint.host, freePort()),
                mode=callerMode,
                calls=count,
                rate=rate,
                users=users,
            )
            try:
                caller.finish().assertClean(count)
            finally:
                caller.program.kill()
            callee.finish().assertClean(count)
        finally:
            callee.program.kill()


@pytest.fixture
def runOver(program: Callable[[str], str], tmp_path: Path) -> Callable[[Endpoint], CallRun]:
    return lambda endpoint: CallRun(program("sipp"), tmp_path, endpoint)


@pytest.mark.slow
def test_callsOverUDP(server: Server, runOver: Callable[[Endpoint], CallRun]) -> None:
    """2,000 calls at 200/s through four workers; sipp has one socket at each end."""
    runOver(server.endpoint("udp")).calls(2000, 200, "u1")


def test_callsOverTCP(server: Server, runOver: Callable[[Endpoint], CallRun]) -> None:
    """500 calls, each over a connection of its own; the callee has one for all."""
    runOver(server.endpoint("tcp")).calls(500, 100, "tn")


def test_callsOverOneConnection(server: Server, runOver: Callable[[Endpoint], CallRun]) -> None:
    runOver(server.endpoint("tcp")).calls(200, 100, "t1")


@pytest.mark.parametrize(("transport", "mode"), [("udp", "u1"), ("tcp", "tn")])
def test_callsOverIPv6(
    server: Server, runOver: Callable[[Endpoint], CallRun], transport: str, mode: str
) -> None:
    runOver(server.endpoint(transport, "::1")).calls(200, 100, mode)


@pytest.mark.slow
def test_tenThousandUsersRegister(server: Server, runOver: Callable[[Endpoint], CallRun]) -> None:
    """10,000 users register over UDP; what one worker has stored, every worker knows."""
    endpoint = server.endpoint("udp")
    run = runOver(endpoint)
    run.register(run.users(10_000, 9), 10_000, rate=1000)
    with UDPSocket(endpoint.address) as client:
        for number in range(0, 10_000, 500):
            answer = client.register(f"9u{number}", contact="")
            assert answer.status == 200
            assert f"<sip:9u{number}@127.0.0.1:9;transport=UDP>" in answer.get("contact")
    with StreamSocket(server.endpoint("tcp").address) as client:
        assert "9u9999@127.0.0.1:9" in client.register("9u9999", contact="").get("contact")

"""SIPVicious, which scans every SIP port on the internet for servers, users and passwords. Calls
go through meanwhile, and are none the worse afterwards."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.hostile import scan
from tests.conftest import ServerStarter
from tests.support import netsockets
from tests.support.configuration import DOMAIN, Configuration
from tests.support.dialog import Call, Callee
from tests.support.processes import Program
from tests.support.server import Server
from tests.support.sipclient import UDPSocket
from tests.support.users import addUsers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fixed-ports")]

#: What SIPVicious says when it has found none of what it was looking for.
NOTHING = "found nothing"
HOST = "127.0.0.1"
#: Where the calls come from; and where SIPVicious does, whatever it is told, but for one program.
CALLER, SCANNER = "127.0.0.9", "127.0.0.1"
#: Seconds for a scan.
ENOUGH = 8.0


@pytest.fixture
def scanned(configuration: Configuration) -> Configuration:
    """A server with an endpoint where users have to say who they are; only who calls is exempt."""
    configuration.listen("udp", workers=2)
    configuration.listen("udp", workers=2, resources=["authenticate", "registrar", "proxy"])
    configuration.table("sources", exempt=[CALLER])
    # SIPVicious has users at the address that it scans.
    configuration.table("server", domains=[DOMAIN, HOST])
    # The one algorithm that it knows.
    configuration.table("resource.authenticate", algorithms=["MD5"])
    addUsers(configuration, {"100": "190"}, HOST)
    return configuration


class Scans:
    """Runs the scans one after the other, with calls all the time."""

    def __init__(self, server: Server, directory: Path) -> None:
        self._server = server
        self._directory = directory
        self._address = server.configuration.endpoints[0].address
        self._caller, self._phone = (UDPSocket(self._address, CALLER) for _ in range(2))
        assert self._phone.register("called").status == 200
        self._callee = Callee(self._phone, "called")
        self.call()
        self._before = self._trace()

    def call(self) -> None:
        Call(self._caller, f"sip:called@{DOMAIN}").run(self._callee)

    def _trace(self) -> tuple[dict[str, int], int]:
        """Workers, and how many sockets they have."""
        workers = self._server.workers()
        return workers, sum(len(netsockets.inodes(pid)) for pid in workers.values())

    def run(self, command: list[str]) -> str:
        """
        @return: what the program has said, at its end or when it has gone on for long enough: the
            one for passwords never stops asking who does not answer.
        """
        end = time.monotonic() + ENOUGH
        program = Program(command, self._directory / "scan.log", directory=self._directory)
        try:
            calls = 0
            while program.status is None and time.monotonic() < end:
                self.call()
                calls += 1
            assert calls
        finally:
            program.kill()
        said = program.output()
        program.log.unlink()
        return said

    def finish(self) -> None:
        self.call()
        assert self._trace() == self._before
        assert "Traceback" not in self._server.output()
        self._caller.close()
        self._phone.close()


def foundPassword(said: str) -> bool:
    """Tell whether there is a table of users and their passwords in what a program has said."""
    return "| Password |" in said


def test_asItComes(scanned: Configuration, startServer: ServerStarter, tmp_path: Path) -> None:
    """It says what it is, and nobody is there: neither a server nor users."""
    server = startServer(scanned)
    asking = scanned.endpoints[1].address
    scans = Scans(server, tmp_path)
    assert NOTHING in scans.run(scan.servers(asking))
    server.lineWith("Limit scanners", "127.66.1.1")
    for method in ("REGISTER", "INVITE"):
        assert NOTHING in scans.run(scan.users(asking, method, "95-105"))
    assert not foundPassword(scans.run(scan.passwords(asking, range_="100-200")))
    scans.finish()


def test_inDisguise(scanned: Configuration, startServer: ServerStarter, tmp_path: Path) -> None:
    """Where its name says nothing, it finds a server, but neither who is a user nor, after ten
    guesses, whether a password is right."""
    scanned.table("bans", scanners=[])
    server = startServer(scanned)
    asking = scanned.endpoints[1].address
    scans = Scans(server, tmp_path)
    assert NOTHING not in scans.run(scan.servers(asking))
    for method in ("REGISTER", "INVITE"):
        assert NOTHING in scans.run(scan.users(asking, method, "95-105"))
    assert not foundPassword(scans.run(scan.passwords(asking, range_="100-200")))
    server.lineWith(f"{SCANNER}/32", "banned", "authentication")
    scans.finish()

"""C{sipappctl} and a real server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sipapp.admin.ctl import main
from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.processes import isAlive
from tests.support.server import Server
from tests.support.sipclient import StreamSocket, UDPSocket


class Control:
    """Runs commands for a server.

    @ivar errors: what the last one has written to standard error.
    """

    def __init__(self, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
        self.server = server
        self._capsys = capsys
        self.errors = ""

    def run(self, command: str, *arguments: str) -> int:
        config = str(self.server.configuration.directory / "sipapp.toml")
        return main([command, "--config", config, *arguments])

    def lines(self, command: str, *arguments: str) -> list[list[str]]:
        """
        @return: the words of each line that a command prints.
        """
        self._capsys.readouterr()
        assert self.run(command, *arguments) == 0
        said = self._capsys.readouterr()
        self.errors = said.err
        return [line.split() for line in said.out.splitlines()]

    def json(self, command: str, *arguments: str) -> Any:
        self._capsys.readouterr()
        assert self.run(command, "--json", *arguments) == 0
        return json.loads(self._capsys.readouterr().out)


@pytest.fixture
def control(
    configuration: Configuration, startServer: ServerStarter, capsys: pytest.CaptureFixture[str]
) -> Control:
    configuration.children = 2
    configuration.tcpChildren = 1
    configuration.listen("udp", resources=["registrar", "options"])
    configuration.listen("tcp", resources=["registrar", "options"])
    return Control(startServer(configuration), capsys)


def test_whatThereIs(control: Control) -> None:
    server = control.server
    udp, tcp = server.endpoint("udp"), server.endpoint("tcp")
    titles, *pools = control.lines("pools")
    assert titles[:3] == ["POOL", "KIND", "SIZE"]
    assert [line[:3] for line in pools] == [["udp-0", "udp", "2"], ["tcp", "stream", "1"]]
    _, *workers = control.lines("workers")
    assert {line[0]: int(line[2]) for line in workers} == server.workers()
    assert all(line[3:5] == ["ready", "0"] for line in workers)
    listeners = control.json("listeners")
    assert [each["name"] for each in listeners] == [
        f"udp:127.0.0.1:{udp.port}",
        f"tcp:127.0.0.1:{tcp.port}",
    ]
    assert control.lines("listeners")[1][:3] == [listeners[0]["name"], "udp-0", "serving"]
    status = control.lines("status")
    assert status[0][:3] == ["sipapp", control.json("call", "core.info")["version"], "ready"]
    assert ["workers", "3", "of", "3", "ready"] in status
    assert control.json("status")["generation"] == 0


def test_phones(control: Control) -> None:
    server = control.server
    assert control.lines("registrations", "--count") == [["0"]]
    assert control.json("registrations") == []
    assert control.run("registrations", "alice") == 1
    with (
        UDPSocket(server.endpoint("udp").address) as alice,
        StreamSocket(server.endpoint("tcp").address) as bob,
    ):
        assert alice.register("alice").status == 200
        assert bob.register("bob").status == 200
        _, *lines = control.lines("registrations")
        assert [line[:2] for line in lines] == [
            [f"sip:alice@{DOMAIN}", alice.contact("alice")],
            [f"sip:bob@{DOMAIN}", bob.contact("bob")],
        ]
        assert [row["aor"] for row in control.json("registrations", "bob")] == [f"sip:bob@{DOMAIN}"]
        _, connection = control.lines("connections")
        assert connection[1:3] == ["tcp/0", "TCP"]
        assert control.json("connections", "--transport", "tls") == []
        assert control.json("connections", "--address", "127.0.0.0/8", "--worker", "tcp/0")
        # That of bob's REGISTER is over: nothing has to be waited for over TCP. Alice's is not.
        transactions = control.json("transactions", "--method", "register")
        assert {each["caller"] for each in transactions} <= {f"sip:alice@{DOMAIN}"}
        control.lines("call", "connection.close", connection[0])
        waitFor(lambda: not control.json("connections"), "the end of the connection")


def test_changes(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    server = control.server
    assert control.lines("resize", "udp-0", "3") == [["udp-0", "has", "3", "workers"]]
    assert len(control.lines("workers")) == 5
    before = server.workers()
    [restarted] = control.lines("restart", "tcp")
    assert restarted == ["restarted:", "tcp/0"]
    assert server.workers()["tcp/0"] != before["tcp/0"]
    [reloaded] = control.lines("reload")
    assert reloaded[0] == "reloaded"
    assert "3 workers, generation 2" in " ".join(reloaded)
    assert control.run("resize", "udp-7", "3") == 1
    assert "there is no pool 'udp-7'" in capsys.readouterr().err
    server.configuration.table("pools", children=0)
    server.configuration.write()
    assert control.run("reload") == 1
    assert "pools.children" in capsys.readouterr().err


def test_drain(control: Control) -> None:
    server = control.server
    with UDPSocket(server.endpoint("udp").address) as phone:
        assert phone.options(f"sip:{DOMAIN}").status == 200
        [told] = control.lines("drain")
        assert told[:6] == ["nothing", "new", "is", "taken", "at", told[5]]
        assert control.run("status") == 1
        assert phone.options(f"sip:{DOMAIN}").status == 503
        assert control.lines("resume") == [["new", "work", "is", "taken"]]
        assert control.run("status") == 0
        assert phone.options(f"sip:{DOMAIN}").status == 200


def test_shutdown(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    """When it is over nothing is left."""
    server = control.server
    pids = [server.pid, *server.children()]
    assert control.lines("shutdown") == [
        ["the", "server,", "pid", str(server.pid) + ",", "has", "ended"]
    ]
    assert not any(map(isAlive, pids))
    assert server.program.join(40) == 0
    assert control.run("shutdown") == 5
    assert "no server runs at" in capsys.readouterr().err

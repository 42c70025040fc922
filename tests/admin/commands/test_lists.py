"""C{sipappctl pools}, C{workers}, C{listeners}, C{registrations}, C{connections} and
C{transactions}: what they ask for, and what they show. What a real server answers is in
C{server/test_sipappctl.py}."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from sipapp.rpc import method
from tests.admin.commands.conftest import Operate

BINDINGS = [
    {
        "aor": f"sip:user{number}@example.com",
        "contact": f"sip:{number}@192.0.2.1",
        "expires": 3600.0,
        "q": 1.0,
        "user_agent": "Phone\x1b",
    }
    for number in range(5)
]


class Location:
    """A store with five bindings, two on a page."""

    @method()
    def dump(self, limit: int, cursor: str) -> dict[str, Any]:
        """By the page."""
        assert limit >= 2
        start = int(cursor or "0")
        end = start + 2
        return {
            "rows": BINDINGS[start:end],
            "cursor": str(end) if end < len(BINDINGS) else None,
        }

    @method()
    def lookup(self, aor: str) -> list[dict[str, Any]]:
        """Of one user."""
        return [each for each in BINDINGS if each["aor"] == aor]

    @method()
    def count(self) -> int:
        """All."""
        return len(BINDINGS)


class Connection:
    """Connections of workers that have different moods."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"rows": [], "matching": 0, "silent": {}}

    @method(name="list")
    def entries(
        self,
        transport: str | None = None,
        address: str | None = None,
        worker: str | None = None,
        state: str | None = None,
        limit: int = 0,
    ) -> dict[str, Any]:
        """What the test wants."""
        given = {"transport": transport, "address": address, "worker": worker, "state": state}
        wanted = {key: value for key, value in given.items() if value is not None}
        self.asked.append({**wanted, "limit": limit})
        return self.answer


@ensureDeferred
async def test_registrations(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    server = operate(location=Location())
    assert await server.run("registrations") == 0
    titles, *lines = capsys.readouterr().out.splitlines()
    assert titles.split("  ")[0] == "AOR"
    assert [line.split()[0] for line in lines] == [each["aor"] for each in BINDINGS]
    assert lines[0].split()[1:] == ["sip:0@192.0.2.1", "60m", "1", r"'Phone\x1b'"]
    assert await server.run("registrations", "--json") == 0
    assert json.loads(capsys.readouterr().out) == BINDINGS
    assert await server.run("registrations", "sip:user3@example.com", "--json") == 0
    assert json.loads(capsys.readouterr().out) == BINDINGS[3:4]
    assert await server.run("registrations", "--count") == 0
    assert capsys.readouterr().out == "5\n"
    assert await server.run("registrations", "bob", "--count") == 2
    assert capsys.readouterr().err.startswith("sipappctl: --count is of all users")
    assert await server.run("registrations", "bob") == 1
    assert capsys.readouterr() == ("", "sipappctl: bob is not registered\n")


@ensureDeferred
async def test_filters(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    connections = Connection()
    server = operate(connection=connections)
    assert await server.run("connections") == 0
    assert await server.run("connections", "--address=192.0.2.0/24", "--limit", "5") == 0
    assert connections.asked == [{"limit": 100}, {"address": "192.0.2.0/24", "limit": 5}]
    assert capsys.readouterr().err == ""


@ensureDeferred
async def test_whatIsMissing(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    connections = Connection()
    server = operate(connection=connections)
    row = {"worker": "tcp/0", "connection": "a1", "peer": "192.0.2.1:5060", "idle": None}
    connections.answer = {"rows": [row], "matching": 7, "silent": {}}
    assert await server.run("connections", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == [row]
    assert said.err == "sipappctl: these are 1 of 7: see --limit\n"
    connections.answer = {"rows": [row], "matching": 1, "silent": {"tcp/1": "it is starting"}}
    assert await server.run("connections") == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[1].split() == ["a1", "tcp/0", "192.0.2.1:5060"]
    assert said.err == "sipappctl: tcp/1 has not said what it has: it is starting\n"

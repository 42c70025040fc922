"""C{sipappctl call} and C{sipappctl methods}."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from sipapp.rpc import Conflict, method
from tests.admin.commands.conftest import Operate


class Things:
    """A namespace."""

    @method(role="operator", changes=True)
    def mend(self, name: str, times: int = 1) -> str:
        """Mend something.

        times: how often.
        """
        if name == "the past":
            raise Conflict(f"{name} cannot be mended")
        return f"{name} is mended {times} times\nfor good\x1b"

    @method(name="list")
    def entries(self) -> list[dict[str, Any]]:
        """Show them."""
        return [{"name": "a", "is_new": True, "size": 1.5}, {"name": "bcd", "size": 20}]

    @method()
    def one(self) -> dict[str, Any]:
        """Show one

        of them.
        """
        return {"name": "a", "parts": [{"part": "x"}, {"part": "y"}], "text": "u\nv", "tags": []}

    @method()
    def names(self) -> list[str]:
        """Name them."""
        return ["a", "b\x07"]

    @method()
    def nothing(self) -> None:
        """Do nothing."""


@ensureDeferred
async def test_results(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    server = operate(thing=Things())

    async def call(*words: str) -> list[str]:
        assert await server.run("call", *words) == 0
        said = capsys.readouterr()
        assert said.err == ""
        return said.out.splitlines()

    assert await call("thing.mend", "a leg", "times=2") == [
        "a leg is mended 2 times",
        r"'for good\x1b'",
    ]
    assert await call("thing.list") == [
        "NAME  IS NEW  SIZE",
        "a     yes      1.5",
        "bcd             20",
    ]
    assert await call("thing.one") == [
        "NAME  VALUE",
        "name  a",
        "tags",
        "",
        "parts",
        "PART",
        "x",
        "y",
        "",
        "text",
        "u",
        "v",
    ]
    assert await call("thing.names") == ["a", r"'b\x07'"]
    assert await call("thing.nothing") == []
    assert json.loads("".join(await call("--json", "thing.one"))) == Things().one()
    assert await call("thing.nothing", "--json") == ["null"]


@ensureDeferred
async def test_notDone(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    server = operate(thing=Things())

    async def call(*words: str) -> tuple[int, str]:
        status = await server.run("call", *words)
        said = capsys.readouterr()
        assert said.out == ""
        return status, said.err

    assert await call("thing.mend", "the past") == (1, "sipappctl: the past cannot be mended\n")
    assert await call("thing.mend", "x", "y") == (
        2,
        "sipappctl: times: 'y' is not a whole number\n",
    )
    assert await call("thing.lists") == (
        2,
        "sipappctl: the server has no method 'thing.lists'; did you mean thing.list?\n",
    )
    await server.door.stopService()
    status, said = await call("thing.list")
    assert (status, said) == (
        5,
        f"sipappctl: no server runs at {server.socket}: there is no such socket\n",
    )


@ensureDeferred
async def test_methods(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    server = operate(thing=Things())
    assert await server.run("methods") == 0
    titles, *lines = capsys.readouterr().out.splitlines()
    assert titles.split("  ")[0] == "METHOD"
    assert [line.split()[0] for line in lines] == [
        "system.describe",
        "thing.list",
        "thing.mend",
        "thing.names",
        "thing.nothing",
        "thing.one",
    ]
    assert lines[2].split(maxsplit=3) == ["thing.mend", "operator", "yes", "Mend something."]
    assert await server.run("methods", "thing.mend") == 0
    assert capsys.readouterr().out == (
        "thing.mend name:string [times:int=1] -> string\n\nMend something.\n\n"
        "times: how often.\n\nFor the role operator; changes something.\n"
    )
    assert await server.run("methods", "--json") == 0
    assert json.loads(capsys.readouterr().out)[2]["role"] == "operator"
    assert await server.run("methods", "thing.mend", "--json") == 0
    assert json.loads(capsys.readouterr().out)["changes"] is True
    assert await server.run("methods", "thing") == 2

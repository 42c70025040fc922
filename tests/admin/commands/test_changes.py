"""C{sipappctl reload}, C{resize}, C{restart} and C{drain}, and what a terminal shows meanwhile.
With a real server they are in C{server/test_sipappctl.py}, and so is C{shutdown}."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from sipapp.rpc import Conflict, method
from tests.admin.commands.conftest import Operate
from tests.support.operated import Operated
from tests.support.terminal import Terminal

RELOADED = {"seconds": 1.0, "workers": 3, "generation": 2, "changed": ["pools.children"]}
SIPAPPCTL = str(Path(sys.executable).with_name("sipappctl"))


class Pool:
    """One that is willing."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    @method(role="operator", changes=True)
    def resize(self, pool: str, size: int) -> dict[str, Any]:
        """Give it another size."""
        self.done.append((pool, size))
        return {"name": pool, "size": size}

    @method(role="operator", changes=True)
    def restart(self, pool: str) -> dict[str, Any]:
        """Replace its workers."""
        self.done.append((pool,))
        return {"restarted": [f"{pool}/0"], "left": {f"{pool}/1": "parked"}}


class Core:
    """One that takes its time."""

    def __init__(self) -> None:
        self.reloaded: Deferred[dict[str, Any]] = Deferred()

    @method(role="operator", changes=True)
    def reload(self) -> Deferred[dict[str, Any]]:
        """When the test says so."""
        return self.reloaded

    @method()
    def info(self) -> dict[str, Any]:
        """Another generation gets ready."""
        serving, coming = {"number": 1}, {"number": 2, "workers": 4, "ready": 1}
        return {"generations": [serving, coming]}

    @method(role="operator", changes=True)
    def drain(self) -> None:
        """Not now."""
        raise Conflict("it drains already")

    @method(role="operator", changes=True)
    def resume(self) -> dict[str, Any]:
        """But for one."""
        return {"paused": ["udp:192.0.2.1:5060"]}


class Worker:
    """Three of them."""

    @method(role="operator", changes=True)
    def restart(self, worker: str) -> dict[str, Any]:
        """Replace it."""
        return {"restarted": [worker], "left": {}}

    @method(name="list")
    def entries(self) -> list[dict[str, Any]]:
        """As always."""
        return [{"name": "udp-0/0", "state": state} for state in ("ready", "starting", "ready")]


@ensureDeferred
async def test_whatIsAskedFor(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    pool = Pool()
    server = operate(pool=pool, core=Core(), worker=Worker())
    assert await server.run("resize", "udp-0", "4") == 0
    assert await server.run("restart", "tcp") == 0
    assert await server.run("restart", "tcp/1") == 0
    assert await server.run("resume") == 0
    assert pool.done == [("udp-0", 4), ("tcp",)]
    assert capsys.readouterr() == (
        "udp-0 has 4 workers\n"
        "restarted: tcp/0; tcp/1 is parked and left as it is\n"
        "restarted: tcp/1\n"
        "new work is taken, but not at udp:192.0.2.1:5060\n",
        "",
    )
    assert await server.run("restart", "tcp", "--json") == 0
    assert json.loads(capsys.readouterr().out)["restarted"] == ["tcp/0"]
    assert await server.run("drain") == 1
    assert capsys.readouterr() == ("", "sipappctl: it drains already\n")


@ensureDeferred
async def test_progress(operate: Operate) -> None:
    """A terminal shows how things stand, and in the end nothing but the outcome."""
    core = Core()
    server = operate(core=core, worker=Worker())
    terminal = Terminal([SIPAPPCTL, "reload", "--config", str(server.config)])
    try:
        await deferToThread(
            terminal.await_, "Reloading ... 2 ready, 1 starting; generation 2: 1 of 4 ready ("
        )
        core.reloaded.callback(RELOADED)
        await deferToThread(
            terminal.await_,
            "\r\x1b[Kreloaded in 1.0 s: 3 workers, generation 2; changed: pools.children\r\n",
        )
        assert await deferToThread(terminal.join) == 0
    finally:
        terminal.close()


@ensureDeferred
async def test_narrow(operate: Operate) -> None:
    """What does not fit into a line is not shown: it would stay there."""
    core = Core()
    server = operate(core=core, worker=Worker())
    terminal = Terminal([SIPAPPCTL, "reload", "--config", str(server.config)], columns=20)
    try:
        await deferToThread(terminal.await_, "\r\x1b[KReloading ... 2 rea\r\x1b[K")
    finally:
        terminal.close()


@ensureDeferred
async def test_interrupted(operate: Operate) -> None:
    """It ends the waiting, and leaves no line behind."""
    core = Core()
    server = operate(core=core)
    terminal = Terminal([SIPAPPCTL, "reload", "--config", str(server.config)])
    try:
        await deferToThread(terminal.await_, "Reloading ... ")
        terminal.interrupt()
        assert await deferToThread(terminal.join) == 130
        assert terminal.shown.endswith("\r\x1b[K")
    finally:
        terminal.close()
        core.reloaded.callback(RELOADED)


@ensureDeferred
async def test_nobodyLooks(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    core = Core()
    server: Operated = operate(core=core)
    running = server.run("reload")
    core.reloaded.callback({**RELOADED, "changed": []})
    assert await running == 0
    assert capsys.readouterr() == ("reloaded in 1.0 s: 3 workers, generation 2\n", "")

"""C{sipappctl status} and C{sipappctl top}."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from sipapp.admin.commands.glance import drawn, summary
from sipapp.admin.ctl import main
from sipapp.admin.doctor.finding import Finding
from sipapp.admin.stats.overview import BanView, DoctorView, Overview, PoolView, WorkerView
from sipapp.rpc import method
from tests.admin.commands.conftest import Operate
from tests.support.terminal import Terminal

SIPAPPCTL = str(Path(sys.executable).with_name("sipappctl"))


def worker(name: str, **others: Any) -> WorkerView:
    values = {"pid": 4711, "state": "ready", "restarts": 0, "answers": True, "memory": 50 << 20}
    return WorkerView(name=name, pool=name.partition("/")[0], **{**values, **others})


def overview(**others: Any) -> Overview:
    values: dict[str, Any] = {
        "time": 1_800_000_000.0,
        "version": "1.2",
        "uptime": 180_000.0,
        "ready": True,
        "generation": 3,
        "pools": [
            PoolView(
                name="udp-0",
                kind="sip",
                endpoints=["udp 192.0.2.1:5060"],
                resources=["registrar", "proxy"],
                size=2,
                ready=1,
                busy=0.5,
                lag=0.002,
                requests=1000,
                connections=0,
                transactions=12,
            )
        ],
        "workers": [
            worker("udp-0/0", busy=0.25, requests=600),
            worker("udp-0/1", busy=0.75, requests=400, lag=0.002),
            worker("udp-0/2", pid=None, state="starting", restarts=1, answers=False),
        ],
        "calls": 50,
        "registers": 30,
        "registrations": 7,
        "doctor": DoctorView(worst=None, summary="31 checks: all well", findings=[]),
        "bans": [BanView(network="192.0.2.9/32", left=None, reason="scanner")],
        # Only those that were made last are told one by one.
        "banned": 12_000,
    }
    return Overview(**{**values, **others})


def later(**others: Any) -> Overview:
    """Two seconds after L{overview}: 0 has been replaced, 1 has had 30 requests more."""
    [pool] = overview().pools
    return overview(
        time=1_800_000_002.0,
        pools=[msgspec.structs.replace(pool, requests=1040)],
        workers=[worker("udp-0/0", requests=10), worker("udp-0/1", requests=430)],
        calls=53,
        registers=530,
        **others,
    )


class Stats:
    """Shows what the test wants."""

    def __init__(self, now: Overview) -> None:
        self.now = now

    @method(name="overview")
    def glance(self) -> Overview:
        """Now."""
        return self.now


def test_withoutRates() -> None:
    lines = drawn(None, overview(), 200, 50)
    clock = time.strftime("%H:%M:%S", time.localtime(1_800_000_000))
    assert [line.text.split() for line in lines] == [
        ["sipapp", "1.2", "ready", "up", "2d", "generation", "3", clock],
        ["calls", "-/s", "registers", "-/s", "registrations", "7", "banned", "12000"],
        ["31", "checks:", "all", "well"],
        [],
        ["POOL", "KIND", "READY", "BUSY", "LAG", "REQ/S", "CONNECTIONS", "TRANSACTIONS"],
        ["udp-0", "sip", "1/2", "[||||||", "]", "50%", "2.0", "ms", "0", "12"],
        [],
        [
            *("WORKER", "PID", "STATE", "RESTARTS", "BUSY", "LAG", "MEMORY", "REQ/S"),
            *("CONNECTIONS", "TRANSACTIONS"),
        ],
        ["udp-0/2", "starting", "1"],
        ["udp-0/1", "4711", "ready", "0", "75%", "2.0", "ms", "50", "MiB", "0", "0"],
        ["udp-0/0", "4711", "ready", "0", "25%", "0.0", "ms", "50", "MiB", "0", "0"],
    ]
    assert [line.text.split()[0] for line in lines if line.isLoud] == ["udp-0", "udp-0/2"]


def test_rates() -> None:
    lines = [line.text for line in drawn(overview(), later(registrations=-1), 200, 50)]
    assert lines[1].split() == [
        *("calls", "1.5/s", "registers", "250/s", "registrations", "?", "banned", "12000"),
    ]
    assert lines[5].split()[-3:] == ["20.0", "0", "12"]
    rates = {line.split()[0]: line.split()[-3] for line in lines[8:]}
    # Of one that has been replaced it is not known: there stands its memory.
    assert rates == {"udp-0/1": "15.0", "udp-0/0": "MiB"}


def test_loud() -> None:
    finding = Finding("error", "limits", "1", "2", "why")
    doctor = DoctorView(worst="error", summary="31 checks: 1 error (limits)", findings=[finding])
    lines = drawn(None, overview(ready=False, unready="it drains", doctor=doctor), 200, 50)
    assert "NOT READY" in lines[0].text
    assert lines[0].text.endswith("  it drains")
    assert [line.isLoud for line in lines[:3]] == [True, False, True]


@pytest.mark.parametrize("height", range(1, 12))
def test_smallScreens(height: int) -> None:
    lines = drawn(None, overview(), 20, height)
    assert len(lines) == min(height, 11)
    assert max(len(line.text) for line in lines) <= 20
    assert (lines[-1].text == f"({12 - height} more)") == (height < 11)


def test_summary() -> None:
    assert summary(overview(registrations=-1)) == [
        "sipapp 1.2  ready  up 2d  generation 3",
        "workers        1 of 2 ready",
        "calls          50 answered",
        "registrations  unknown, 30 times registered",
        "connections    0",
        "transactions   12",
        "banned         12000",
        "doctor         31 checks: all well",
    ]


@ensureDeferred
async def test_status(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    stats = Stats(overview())
    server = operate(stats=stats)
    assert await server.run("status") == 0
    assert capsys.readouterr().out.splitlines() == summary(overview())
    stats.now = overview(ready=False, unready="it drains")
    assert await server.run("status", "--json") == 1
    assert json.loads(capsys.readouterr().out) == msgspec.to_builtins(stats.now)
    assert await server.run("status") == 1
    assert capsys.readouterr().out.splitlines()[:2] == [
        "sipapp 1.2  NOT READY  up 2d  generation 3",
        "not ready: it drains",
    ]
    await server.door.stopService()
    assert await server.run("status") == 5


@ensureDeferred
async def test_noTerminal(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    assert await operate(stats=Stats(overview())).run("top") == 2
    assert capsys.readouterr() == ("", "sipappctl: top needs a terminal; status does not\n")


@pytest.mark.parametrize("delay", ["0", "nan", "soon"])
def test_delay(delay: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["top", "-d", delay])
    assert ended.value.code == 2


@ensureDeferred
async def test_top(operate: Operate) -> None:
    """It draws, draws again, waits for a server that goes, and leaves the terminal as it was."""
    stats = Stats(overview())
    server = operate(stats=stats)
    terminal = Terminal([SIPAPPCTL, "top", "-d", "0.1", "--config", str(server.config)])
    before = terminal.settings()
    try:
        await deferToThread(terminal.await_, "\x1b[?1049h", "generation 3", "\x1b[1;31mudp-0/2")
        stats.now = later()
        await deferToThread(terminal.await_, "1.5/s", "250/s", "15.0")
        await server.door.stopService()
        await deferToThread(terminal.await_, "has hung up", "no server runs")
        server.door.startService()
        await deferToThread(terminal.await_, "-/s")
        assert terminal.settings() != before
        terminal.type("x")
        terminal.type("q")
        assert await deferToThread(terminal.join) == 0
        assert terminal.shown.endswith("\x1b[?25h\x1b[?1049l")
        assert terminal.settings() == before
    finally:
        terminal.close()


@ensureDeferred
async def test_interrupted(operate: Operate) -> None:
    server = operate(stats=Stats(overview()))
    terminal = Terminal([SIPAPPCTL, "top", "--config", str(server.config)])
    try:
        await deferToThread(terminal.await_, "generation 3")
        terminal.type("\x03")
        assert await deferToThread(terminal.join) == 0
        assert terminal.shown.endswith("\x1b[?1049l")
    finally:
        terminal.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@ensureDeferred
async def test_ended(operate: Operate, number: int) -> None:
    """The terminal is left as it was, however top ends."""
    server = operate(stats=Stats(overview()))
    terminal = Terminal([SIPAPPCTL, "top", "--config", str(server.config)])
    before = terminal.settings()
    try:
        await deferToThread(terminal.await_, "generation 3")
        terminal.signal(number)
        assert await deferToThread(terminal.join) == 128 + number
        assert terminal.shown.endswith("\x1b[?25h\x1b[?1049l")
        assert terminal.settings() == before
    finally:
        terminal.close()


class Hanging:
    """Says nothing more after its first answer."""

    def __init__(self) -> None:
        self.isAsked = False

    @method(name="overview")
    async def glance(self) -> Overview:
        """Now, or never."""
        if self.isAsked:
            await Deferred()
        self.isAsked = True
        return overview()


@ensureDeferred
async def test_aServerThatHangs(operate: Operate) -> None:
    """Nobody has to wait for it to leave."""
    stats = Hanging()
    terminal = Terminal(
        [SIPAPPCTL, "top", "-d", "0.1", "--config", str(operate(stats=stats).config)]
    )
    try:
        await deferToThread(terminal.await_, "generation 3")
        terminal.type("q")
        assert await deferToThread(terminal.join) == 0
    finally:
        terminal.close()

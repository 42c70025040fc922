"""When the program of the parent is replaced, and when it is not."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor

from sipapp.config import encodeSettings, loadSettings, resolve
from sipapp.estate import VARIABLE, Estate, GroundEstate, ListeningEstate, readEstate, takeEstate
from sipapp.plugins import resourceTypes
from sipapp.pool.adoption import Bequest, NotIdle
from sipapp.upgrade import SIGNALS, Upgrade


class Stage:
    """An upgrade of nothing, and what comes of it.

    @ivar refusals: how often it is too early.
    """

    def __init__(self, directory: Path, file: str | None = None) -> None:
        self.directory = directory
        self.pidFile = directory / "twistd.pid"
        self.pidFile.write_text("1")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.refusals = 0
        self.settings = encodeSettings(loadSettings(None, resourceTypes()))
        self.began = 0
        self.outcomes: list[str] = []
        self.executed: list[Any] = []
        self.upgrade = Upgrade(
            self.bequeath,
            file,
            str(directory),
            ["program", "argument"],
            str(self.pidFile),
            reactor,
            self.begin,
            self.outcomes.append,
            self.execute,
        )

    def bequeath(self) -> Estate:
        if self.refusals:
            self.refusals -= 1
            raise NotIdle("too early")
        settings = loadSettings(None, resourceTypes())
        return Estate(
            generation=1,
            next=2,
            settings=self.settings,
            plan=resolve(settings),
            given={0: 1},
            workers={"tcp": ()},
            listening=ListeningEstate((), (), {0: 64}),
            ground=GroundEstate({"a0": self.socket.fileno()}, {}),
        )

    def begin(self) -> None:
        self.began += 1

    def execute(self, program: str, arguments: list[str], environment: dict[str, str]) -> None:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        estate = readEstate(environment)
        self.executed.append((program, arguments, estate, mask, self.socket.get_inheritable()))
        raise OSError("this test goes on")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.chdir(tmp_path)
    stage = Stage(tmp_path)
    yield stage
    stage.socket.close()


async def test_replaced(stage: Stage) -> None:
    """With descriptors that are inherited, signals that wait, and no pid file. A failure leaves
    everything as it was."""
    stage.refusals = 2
    await stage.upgrade.run()
    ((program, arguments, estate, mask, isInherited),) = stage.executed
    assert (program, arguments) == ("program", ["program", "argument"])
    assert estate == stage.bequeath()
    assert set(SIGNALS) <= mask
    assert isInherited
    assert not stage.pidFile.exists()
    assert stage.began == 1
    assert stage.outcomes == ["Not upgraded. this test goes on"]
    assert not set(SIGNALS) & signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert not stage.socket.get_inheritable()
    assert not (stage.directory / "estate").exists()


async def test_refusedByTheFreshInterpreter(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[serfer]\n")
    stage = Stage(tmp_path, str(broken))
    await stage.upgrade.run()
    stage.socket.close()
    assert not stage.executed
    assert stage.pidFile.exists()
    (outcome,) = stage.outcomes
    assert "serfer" in outcome


async def test_settingsThatNewCodeCannotUse(stage: Stage) -> None:
    """The configuration in force has to be of use until it is read anew."""
    assert b'"t1":0.5' in stage.settings
    stage.settings = stage.settings.replace(b'"t1":0.5', b'"t1":"short"')
    await stage.upgrade.run()
    assert not stage.executed
    assert "$.sip.t1" in stage.outcomes[0]


async def test_noRoom(stage: Stage) -> None:
    """It is said which file there is none for."""
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, most))
    try:
        await stage.upgrade.run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))
    assert not stage.executed
    (outcome,) = stage.outcomes
    assert str(stage.directory / "estate") in outcome
    assert not (stage.directory / "estate").exists()


def test_takenOnce(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    estate = stage.bequeath()
    os.set_inheritable(stage.socket.fileno(), True)
    path = stage.directory / "estate"
    estate.write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv(VARIABLE, str(path))
    assert takeEstate() == estate
    assert not stage.socket.get_inheritable()
    assert VARIABLE not in os.environ
    assert not path.exists()
    assert takeEstate() is None


def test_allDescriptors(stage: Stage) -> None:
    estate = stage.bequeath()
    worker = Bequest(pid=1, control=10, output={1: 11, 2: 12}, box=13)
    estate.workers["tcp"] = (worker, worker)
    ours = stage.socket.fileno()
    assert estate.fds == [ours, 10, 13, 11, 12, 10, 13, 11, 12]

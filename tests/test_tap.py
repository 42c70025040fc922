"""The command line: C{twistd sipapp}."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from twisted.application.service import IService, IServiceMaker
from twisted.plugin import getPlugins

from sipapp.config import loadSettings, resolve
from sipapp.plugins import resourceMakers, resourceTypes
from sipapp.server import Server
from sipapp.tap import Options, makeService

BUILT_IN = {
    "health": "web",
    "options": "sip",
    "proxy": "sip",
    "registrar": "sip",
    "replicate": "sip",
}


def twistd(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "sipapp", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
    )


def options(*arguments: str) -> Options:
    parsed = Options()
    parsed.parseOptions(list(arguments))
    parsed.parent = {"logfile": None, "nodaemon": True}
    return parsed


def test_plugin() -> None:
    """Twistd finds us."""
    (maker,) = [each for each in getPlugins(IServiceMaker) if each.tapname == "sipapp"]
    assert (maker.options, maker.makeService) == (Options, makeService)


def test_builtInResources() -> None:
    makers = resourceMakers()
    assert {name: makers[name].kind for name in BUILT_IN} == BUILT_IN
    assert {name: kind for name, (kind, _) in resourceTypes().items() if name in BUILT_IN} == (
        BUILT_IN
    )


def test_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file: the embedded defaults."""
    monkeypatch.chdir(tmp_path)
    service = makeService(options())
    assert IService.providedBy(service)
    assert isinstance(service, Server)
    assert list(tmp_path.iterdir()) == []


def test_check(tmp_path: Path) -> None:
    """The plan goes to standard output, and nothing is started."""
    done = twistd("--check", directory=tmp_path)
    assert done.returncode == 0, done.stderr
    heading, *rows = done.stdout.splitlines()
    assert heading.split()[:3] == ["LISTENER", "POOL", "SLOTS"]
    plan = resolve(loadSettings(None, resourceTypes()))
    assert [row.split()[0] for row in rows[:-1]] == [one.name for one in plan.listeners]
    assert rows[-1].endswith("worker processes")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--check"], []])
def test_badConfiguration(tmp_path: Path, arguments: list[str]) -> None:
    """File, key and reason on standard error, whether or not it is only checked."""
    file = tmp_path / "bad.toml"
    file.write_text('[[listen]]\naddress = "127.0.0.1"\nsocket_workers = "four"\n')
    done = twistd("--config", str(file), *arguments, directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f'{file}: listen[0].socket_workers: expected int, got "four"\n'
    assert "Traceback" not in done.stdout + done.stderr


def test_missingConfiguration(tmp_path: Path) -> None:
    done = twistd("--config", "nowhere.toml", directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("nowhere.toml: ")

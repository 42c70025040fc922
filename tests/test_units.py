"""The units for systemd in C{etc/}."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import sipapp
from sipapp.config.settings import ServerSettings
from sipapp.tap import Options

ETC = Path(sipapp.__file__).parent.parent / "etc"
UNITS = ("sipapp.service", "sipapp.socket")

#: The worst that C{systemd-analyze security} may say, times ten: 20 is "OK", 50 "MEDIUM".
WORST_EXPOSURE = 12


def read(name: str) -> dict[str, list[str]]:
    """
    @return: what is assigned to each key, in whichever section.
    """
    found: dict[str, list[str]] = {}
    for line in (ETC / name).read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_commandLine() -> None:
    """It is one that twistd and we understand."""
    (command,) = read("sipapp.service")["ExecStart"]
    program, *arguments = shlex.split(command)
    assert Path(program).name == "twistd"
    where = arguments.index("sipapp")
    assert arguments[:where] == ["--nodaemon", "--pidfile="]
    options = Options()
    options.parseOptions(arguments[where + 1 :])
    assert options["config"] == "/etc/sipapp/sipapp.toml"


def test_stopHasTheTimeForTwoDrains() -> None:
    (seconds,) = read("sipapp.service")["TimeoutStopSec"]
    assert int(seconds) > 2 * ServerSettings().drainTimeout + 10


@pytest.fixture
def analyze(program: Callable[[str], str]) -> str:
    return program("systemd-analyze")


@pytest.fixture
def units(analyze: str, tmp_path: Path) -> list[str]:
    """The units, with a program and a user that there are."""
    version = subprocess.run([analyze, "--version"], capture_output=True, text=True, check=True)
    isOld = int(version.stdout.split()[1]) < 253
    for name in UNITS:
        text = (ETC / name).read_text()
        text = text.replace("/opt/sipapp/bin/twistd", sys.executable)
        text = text.replace("User=sipapp", "User=root")
        if isOld:
            text = text.replace("Type=notify-reload", "Type=notify")
        (tmp_path / name).write_text(text)
    return [str(tmp_path / name) for name in UNITS]


def test_systemdUnderstandsThem(analyze: str, units: list[str]) -> None:
    result = subprocess.run(
        [analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_exposure(analyze: str, units: list[str], tmp_path: Path) -> None:
    text = Path(units[0]).read_text().replace("User=root", "User=daemon")
    Path(units[0]).write_text(text)
    result = subprocess.run(
        [analyze, "security", "--offline=yes", f"--threshold={WORST_EXPOSURE}", units[0]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout

"""C{sipappctl ban}."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from sipapp.admin.ctl import main
from sipapp.sources import parseNetwork
from sipapp.storage.banfile import Ban, BanFile


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a server that has run."""
    (tmp_path / "state").mkdir()
    file = tmp_path / "sipapp.toml"
    file.write_text(f'[server]\nstate_directory = "{tmp_path}/state"\n')
    return file


def ban(config: Path, action: str, *arguments: str) -> int:
    return main(["ban", action, "--config", str(config), *arguments])


def bans(config: Path) -> dict[str, Ban]:
    file = BanFile(config.parent / "state" / "bans")
    try:
        return file.bans(time.time())[1]
    finally:
        file.close()


def test_life(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ban(config, "list") == 0
    assert capsys.readouterr().out == "NETWORK  LEFT  FROM  REASON\n"
    assert ban(config, "add", "192.0.2.1", "198.51.100.0/24", "--reason", "a flood\x1b[2J") == 0
    assert ban(config, "add", "2001:db8::1", "--for", "3h") == 0
    known = bans(config)
    assert list(known) == ["192.0.2.1/32", "198.51.100.0/24", "2001:db8::/64"]
    assert known["192.0.2.1/32"].ends == math.inf
    assert 10_700 < known["2001:db8::/64"].ends - time.time() <= 10_800
    assert ban(config, "list") == 0
    assert capsys.readouterr().out.splitlines() == [
        "NETWORK          LEFT      FROM        REASON",
        r"192.0.2.1/32     for good  everything  'a flood\x1b[2J'",
        r"198.51.100.0/24  for good  everything  'a flood\x1b[2J'",
        "2001:db8::/64    3h        everything  operator",
    ]
    assert ban(config, "remove", "192.0.2.1", "198.51.100.7/24") == 0
    assert list(bans(config)) == ["2001:db8::/64"]


def test_whatAttackersHaveDone(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = time.time()
    file = BanFile(config.parent / "state" / "bans")
    file.add(parseNetwork("192.0.2.1"), Ban(now, now + 100.0, "scanner", datagramsOnly=True))
    file.close()
    assert ban(config, "list") == 0
    assert capsys.readouterr().out == (
        "NETWORK       LEFT  FROM       REASON\n192.0.2.1/32  100s  datagrams  scanner\n"
    )


def test_forPrograms(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ban(config, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert ban(config, "add", "192.0.2.1", "192.0.2.2", "--reason", "a flood") == 0
    assert ban(config, "list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["network"] for row in rows] == ["192.0.2.1/32", "192.0.2.2/32"]
    for row in rows:
        assert (row["left"], row["reason"], row["datagrams_only"]) == (None, "a flood", False)


@pytest.mark.parametrize(
    ("given", "shown"), [("1", "1s"), ("119", "119s"), ("120s", "2m"), ("47h", "47h"), ("7d", "7d")]
)
def test_times(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    shown: str,
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.0)
    assert ban(config, "add", "192.0.2.1", "--for", given) == 0
    assert ban(config, "list") == 0
    _, line = capsys.readouterr().out.splitlines()
    assert line.split()[1] == shown


@pytest.mark.parametrize(
    "arguments",
    [
        ["add"],
        ["add", "example.com"],
        ["add", "192.0.2.1", "--for", "0"],
        ["add", "192.0.2.1", "--for", "soon"],
        ["add", "192.0.2.1", "--for", "²h"],
        ["remove"],
    ],
)
def test_notUnderstood(config: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        ban(config, *arguments)
    assert ended.value.code == 2


def test_whatIsNotThere(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ban(config, "remove", "192.0.2.1") == 1
    assert capsys.readouterr().err == "sipappctl: 192.0.2.1/32 is not banned\n"


def test_aServerThatHasNeverRun(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "state").rmdir()
    assert ban(config, "list") == 1
    assert "has never run" in capsys.readouterr().err
    assert not (config.parent / "state").exists()


def test_bansThatAreDisabled(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(f"{config.read_text()}[bans]\nenabled = false\n")
    assert ban(config, "list") == 0
    assert "has bans disabled" in capsys.readouterr().err


def test_aFileThatIsNone(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "state" / "bans").write_text("")
    assert ban(config, "list") == 1
    assert capsys.readouterr().err.startswith("sipappctl: ")
    assert main(["ban", "list", "--config", "/nonexistent"]) == 1


@pytest.mark.parametrize("reason", ["", "x" * 201, "\udcff"])
def test_reasonsThatAreNone(config: Path, reason: str) -> None:
    """As for those who ask the server."""
    with pytest.raises(SystemExit) as ended:
        ban(config, "add", "192.0.2.1", "--reason", reason)
    assert ended.value.code == 2
    assert bans(config) == {}


def test_whatIsChangedIsWrittenDown(config: Path, tmp_path: Path) -> None:
    with config.open("a") as file:
        file.write(f'[administration]\naudit_log = "{tmp_path}/changes"\n')
    assert ban(config, "add", "192.0.2.1", "192.0.2.2", "--for", "1m", "--reason", "a flood") == 0
    assert ban(config, "list") == 0
    assert ban(config, "remove", "192.0.2.1", "192.0.2.3") == 1
    entries = [json.loads(line) for line in (tmp_path / "changes").read_text().splitlines()]
    flood = {"seconds": 60.0, "reason": "a flood"}
    assert [(each["method"], each["parameters"], "fault" in each) for each in entries] == [
        ("ban.add", {"network": "192.0.2.1/32", **flood}, False),
        ("ban.add", {"network": "192.0.2.2/32", **flood}, False),
        ("ban.remove", {"network": "192.0.2.1/32"}, False),
        ("ban.remove", {"network": "192.0.2.3/32"}, True),
    ]

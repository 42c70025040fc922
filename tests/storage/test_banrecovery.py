"""Tests of C{sipapp.storage.banrecovery}."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from twisted.logger import capturedLogs, formatEvent

from sipapp.sources import parseNetwork
from sipapp.storage.banfile import Ban, BanFile, Offence
from sipapp.storage.banrecovery import recoverBans

NOW = 1_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ban list with a thousand bans and a source that has offended."""
    path = tmp_path / "bans"
    file = BanFile(path)
    for number in range(1000):
        network = parseNetwork(f"10.0.{number >> 8}.{number & 255}")
        file.add(network, Ban(NOW, math.inf, "operator"))
    file.offended([Offence(parseNetwork("192.0.2.1"), 9.0, True, "scanner")], NOW)
    file.close()
    return path


def banned(path: Path) -> int:
    file = BanFile(path)
    try:
        return len(file.bans(NOW)[1])
    finally:
        file.close()


def test_nothingIsLostInGoodOrder(path: Path) -> None:
    with capturedLogs() as logs:
        recoverBans(path, "first")
        before = (path / "data.mdb").stat()
        # Nothing is done under the same boot, whoever was killed meanwhile.
        recoverBans(path, "first")
        assert (path / "data.mdb").stat().st_ino == before.st_ino
        recoverBans(path, "second")
        assert (path / "data.mdb").stat().st_ino != before.st_ino
    assert not logs
    assert banned(path) == 1000
    file = BanFile(path)
    [(network, _)] = file.offended([Offence(parseNetwork("192.0.2.1"), 1.0, True, "x")], NOW)
    assert str(network) == "192.0.2.1/32"
    file.close()
    assert sorted(os.listdir(path)) == ["boot", "data.mdb", "lock.mdb"]


@pytest.mark.parametrize("kind", ["cut off", "nonsense"])
def test_whatCannotBeReadIsPutAside(path: Path, kind: str) -> None:
    """Also if it kills whoever tries."""
    data = path / "data.mdb"
    if kind == "nonsense":
        data.write_bytes(os.urandom(20_000))
    else:
        os.truncate(data, data.stat().st_size // 4)
    with capturedLogs() as logs:
        recoverBans(path, "second")
    [event] = logs
    assert "begins anew" in (formatEvent(event) or "")
    assert sorted(os.listdir(path)) == ["boot", "data.unreliable"]
    assert banned(path) == 0
    # The next time there is one that is whole.
    recoverBans(path, "third")
    assert banned(path) == 0


def test_nothingToRecover(tmp_path: Path) -> None:
    path = tmp_path / "bans"
    recoverBans(path, "first")
    assert banned(path) == 0
    before = (path / "data.mdb").stat()
    recoverBans(path, "first")
    assert (path / "data.mdb").stat().st_ino == before.st_ino

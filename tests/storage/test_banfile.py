"""Tests of C{sipapp.storage.banfile} and C{sipapp.storage.shelf}."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from sipapp.sources import Network, parseNetwork
from sipapp.storage.banfile import Ban, BanFile, BanPolicy, Offence
from sipapp.storage.shelf import ShelfFull

HERE = parseNetwork("192.0.2.1")
THERE = parseNetwork("2001:db8::/64")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[BanFile]:
    file = BanFile(tmp_path / "bans", mostBans=10, mostScores=20)
    yield file
    file.close()


def offend(
    file: BanFile, now: float, source: Network = HERE, points: float = 1.0, proven: bool = True
) -> list[tuple[Network, Ban]]:
    return file.offended([Offence(source, points, proven, "authentication")], now)


def bans(file: BanFile, now: float) -> dict[str, Ban]:
    return file.bans(now)[1]


def test_tooManyOffences(file: BanFile) -> None:
    for number in range(9):
        assert offend(file, 1000.0 + number) == []
    generation = file.generation()
    ban = Ban(1009.0, 4609.0, "authentication")
    assert offend(file, 1009.0) == [(HERE, ban)]
    assert bans(file, 1010.0) == {str(HERE): ban}
    assert file.generation() != generation
    assert bans(file, 4609.0) == {}


def test_manyInOneTurn(file: BanFile) -> None:
    offences = [Offence(HERE, 4.0, True, "scanner"), Offence(THERE, 4.0, True, "scanner")] * 5
    assert [network for network, _ in file.offended(offences, 1000.0)] == [HERE, THERE]


def test_timeTakesPointsAway(file: BanFile) -> None:
    """One wrong password a minute is a phone that nobody has told the new one."""
    for number in range(200):
        assert offend(file, 1000.0 + 60.0 * number) == []


def test_theClockIsSetBack(file: BanFile) -> None:
    assert offend(file, 1000.0, points=9.0) == []
    assert offend(file, 10.0, points=1.0)


def test_eachBanIsLongerThanTheLast(tmp_path: Path) -> None:
    file = BanFile(tmp_path / "bans", BanPolicy(duration=100.0, longest=350.0))
    now = 1000.0
    durations = []
    for _ in range(4):
        ((_, ban),) = offend(file, now, points=10.0)
        durations.append(ban.ends - ban.since)
        now = ban.ends
    assert durations == [100.0, 200.0, 350.0, 350.0]
    ((_, ban),) = offend(file, now + 90_000.0, points=10.0)
    assert ban.ends - ban.since == 100.0
    file.close()


def test_whatIsNotProvenBansDatagramsForAShortTime(file: BanFile) -> None:
    for _ in range(2):
        ((_, ban),) = offend(file, 1000.0, points=10.0, proven=False)
        assert ban == Ban(1000.0, 1300.0, "authentication", datagramsOnly=True)
        file.remove(HERE)


def test_whatIsNotProvenDoesNotCountWithTheRest(file: BanFile) -> None:
    assert offend(file, 1000.0, points=9.0, proven=False) == []
    assert offend(file, 1000.0, points=9.0, proven=True) == []
    assert offend(file, 1000.0, points=1.0, proven=False)
    assert bans(file, 1000.0)[str(HERE)].datagramsOnly
    # Who is banned for datagrams is banned for good when it shows who it is.
    assert offend(file, 1000.0, points=1.0, proven=True)
    assert not bans(file, 1000.0)[str(HERE)].datagramsOnly


def test_whoIsVouchedForCannotBeSlandered(file: BanFile) -> None:
    file.vouch([HERE], 2000.0, 1000.0)
    assert offend(file, 1999.0, points=100.0, proven=False) == []
    assert offend(file, 1999.0, points=100.0, proven=True)
    file.remove(HERE)
    assert offend(file, 2000.0, points=100.0, proven=False)


def test_bansAreNotMadeTwice(file: BanFile) -> None:
    assert offend(file, 1000.0, points=10.0)
    generation = file.generation()
    assert offend(file, 1001.0, points=10.0) == []
    assert file.generation() == generation


def test_operators(file: BanFile) -> None:
    ban = Ban(1000.0, math.inf, "a reason")
    file.add(parseNetwork("198.51.100.0/24"), ban)
    assert bans(file, 1e12) == {"198.51.100.0/24": ban}
    generation = file.generation()
    assert not file.remove(HERE)
    assert file.generation() == generation
    assert file.remove(parseNetwork("198.51.100.0/24"))
    assert file.generation() != generation
    assert bans(file, 1000.0) == {}


def test_removingForgivesEverything(file: BanFile) -> None:
    offend(file, 1000.0, points=9.0)
    file.remove(HERE)
    assert offend(file, 1000.0, points=9.0) == []


def test_nothingGrows(file: BanFile) -> None:
    """A thousand names on datagrams drive out each other, and nobody else."""
    offend(file, 1000.0, points=9.0)
    file.add(THERE, Ban(1000.0, 1e9, "proven"))
    for number in range(1000):
        source = parseNetwork(f"10.0.{number >> 8}.{number & 255}")
        offend(file, 1000.0, source, points=10.0 if number % 2 else 1.0, proven=False)
    known = bans(file, 1000.0)
    assert len(known) == 11
    assert not known[str(THERE)].datagramsOnly
    assert offend(file, 1000.0, points=1.0)


def test_whatHasEndedMakesRoom(file: BanFile) -> None:
    for number in range(10):
        file.add(parseNetwork(f"10.0.0.{number}"), Ban(1000.0, 1100.0, "short"))
    for number in range(10):
        file.add(parseNetwork(f"10.0.1.{number}"), Ban(1100.0, math.inf, "long"))
    assert len(bans(file, 1100.0)) == 10
    with pytest.raises(ShelfFull, match="no room for more than 10"):
        file.add(parseNetwork("10.0.2.0"), Ban(1100.0, math.inf, "too many"))
    # To change one is no matter of room.
    file.add(parseNetwork("10.0.1.0"), Ban(1100.0, math.inf, "longer"))
    assert bans(file, 1100.0)["10.0.1.0/32"].reason == "longer"


def test_whatCannotBeReadIsNotThere(file: BanFile, tmp_path: Path) -> None:
    file.close()
    environment = lmdb.open(str(tmp_path / "bans"), max_dbs=6)
    for name in (b"bans", b"scores", b"datagram-bans"):
        with environment.begin(write=True) as transaction:
            transaction.put(b"192.0.2.1/32", b"\xc1", db=environment.open_db(name, transaction))
    environment.close()
    file = BanFile(tmp_path / "bans")
    assert bans(file, 1000.0) == {}
    assert offend(file, 1000.0, points=10.0)
    assert len(bans(file, 1000.0)) == 1
    file.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_theFileBelongsToTheOwnerOfTheDirectory() -> None:
    """Also what root does to it is done as that owner, who may have put links there."""
    with tempfile.TemporaryDirectory(prefix="sipapp-") as name:
        directory = Path(name)
        os.chown(directory, 12345, 12346)
        path = directory / "bans"
        file = BanFile(path)
        assert offend(file, 1000.0, points=10.0)
        file.close()
        for each in (path, *path.iterdir()):
            assert (each.stat().st_uid, each.stat().st_gid) == (12345, 12346)
        (path / "data.mdb").unlink()
        (path / "data.mdb").symlink_to("/root/victim")
        with pytest.raises(lmdb.Error, match="Permission denied"):
            BanFile(path)

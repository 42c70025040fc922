"""Tests of C{sipapp.storage.banlist}."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from zope.interface.verify import verifyObject

from sipapp.interfaces import IBans
from sipapp.sources import Network, parseNetwork
from sipapp.storage.banfile import Ban, BanFile
from sipapp.storage.banlist import BanList
from sipapp.storage.nobans import NoBans

EXEMPT = "10.0.0.1"
HERE = "192.0.2.1"


class CountedFile(BanFile):
    """Knows how often all bans were read."""

    reads = 0

    def bans(self, now: float) -> tuple[int, dict[str, Ban]]:
        self.reads += 1
        return super().bans(now)


class Worker:
    """What a ban list needs: turns and a clock."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.file = CountedFile(path)
        self.endings: list[Callable[[], object]] = []
        self.made: list[tuple[Network, float, str]] = []
        self.bans = BanList(
            self.file,
            {"authentication": 1.0, "scanner": 4.0, "nothing": 0.0},
            EXEMPT.__eq__,
            self.endings.append,
            clock,
            clock.seconds,
        )
        self.bans.banned = lambda *ban: self.made.append(ban)
        self.bans.start()

    def endTurn(self) -> None:
        endings, self.endings[:] = tuple(self.endings), []
        for call in endings:
            call()

    def offend(self, address: str, times: int = 10, proven: bool = True) -> None:
        for _ in range(times):
            self.bans.offence(address, "authentication", proven)
        self.endTurn()


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.advance(1_000_000.0)
    return clock


@pytest.fixture
def worker(tmp_path: Path, clock: Clock) -> Iterator[Worker]:
    worker = Worker(tmp_path / "bans", clock)
    yield worker
    worker.bans.stop()


def test_interface(worker: Worker) -> None:
    assert verifyObject(IBans, worker.bans)


def test_nobodyIsBanned() -> None:
    bans = NoBans()
    assert verifyObject(IBans, bans)
    bans.vouch(HERE)
    for _ in range(100):
        bans.offence(HERE, "scanner", proven=True)
    assert not bans.isBanned(HERE, datagram=True)
    assert bans.generation == 0


def test_whoOffendsIsBanned(worker: Worker, clock: Clock) -> None:
    worker.offend(HERE, 9)
    assert not worker.bans.isBanned(HERE, datagram=True)
    worker.offend(HERE, 1)
    assert worker.bans.isBanned(HERE, datagram=True)
    assert worker.bans.isBanned(HERE, datagram=False)
    assert not worker.bans.isBanned("192.0.2.2", datagram=True)
    assert worker.made == [(parseNetwork(HERE), 3600.0, "authentication")]
    clock.advance(3600.0)
    assert not worker.bans.isBanned(HERE, datagram=True)


def test_onlyDatagrams(worker: Worker) -> None:
    worker.offend(HERE, proven=False)
    assert worker.bans.isBanned(HERE, datagram=True)
    assert not worker.bans.isBanned(HERE, datagram=False)


def test_whatIsProvenSaysMore(worker: Worker) -> None:
    """Also if both kinds of ban are made in one turn."""
    for proven in (True, False):
        for _ in range(10):
            worker.bans.offence(HERE, "authentication", proven)
    worker.endTurn()
    assert [ban[1] for ban in worker.made] == [3600.0, 300.0]
    assert worker.bans.isBanned(HERE, datagram=False)


def test_aTurnIsOneTransaction(worker: Worker) -> None:
    worker.bans.offence(HERE, "scanner", proven=True)
    worker.bans.vouch(HERE)
    worker.bans.offence(HERE, "scanner", proven=True)
    assert len(worker.endings) == 1
    worker.endTurn()
    worker.bans.offence(HERE, "scanner", proven=True)
    assert len(worker.endings) == 1


def test_someAreNeverBanned(worker: Worker) -> None:
    worker.offend(EXEMPT)
    assert not worker.bans.isBanned(EXEMPT, datagram=True)
    for _ in range(100):
        worker.bans.offence(HERE, "nothing", proven=True)
        worker.bans.offence(HERE, "unheard of", proven=True)
    assert worker.endings == []


def test_whoIsVouchedForCannotBeSlandered(worker: Worker, clock: Clock) -> None:
    worker.bans.vouch(HERE)
    worker.endTurn()
    worker.offend(HERE, 100, proven=False)
    assert not worker.bans.isBanned(HERE, datagram=True)
    # Known to be known.
    worker.bans.vouch(HERE)
    assert worker.endings == []
    clock.advance(601.0)
    worker.bans.vouch(HERE)
    assert len(worker.endings) == 1
    worker.endTurn()
    clock.advance(3601.0)
    worker.offend(HERE, 100, proven=False)
    assert worker.bans.isBanned(HERE, datagram=True)


def test_vouchersAreForgottenSomeTime(worker: Worker) -> None:
    for number in range(20_001):
        worker.bans.vouch(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    worker.endTurn()
    worker.bans.vouch("10.0.0.0")
    assert len(worker.endings) == 1


def test_whatOthersBan(worker: Worker, clock: Clock) -> None:
    """Here through the same environment, since a process opens it but once; another process bans
    in C{tests.server.test_bans}."""
    before = worker.bans.generation
    worker.file.add(parseNetwork("192.0.2.0/24"), Ban(clock.seconds(), math.inf, "operator"))
    assert not worker.bans.isBanned(HERE, datagram=True)
    clock.advance(1.0)
    assert worker.bans.isBanned(HERE, datagram=True)
    assert worker.bans.generation != before
    worker.file.remove(parseNetwork("192.0.2.0/24"))
    clock.advance(1.0)
    assert not worker.bans.isBanned(HERE, datagram=True)


def test_aBanIsKnownAtOnce(worker: Worker, clock: Clock) -> None:
    """To whoever bans. All bans are read once in a second, and not for each that is new: somebody
    who sends datagrams in a thousand names would keep the worker busy with that."""
    reads = worker.file.reads
    for number in range(20):
        before = worker.bans.generation
        worker.offend(f"198.51.100.{number}", proven=False)
        assert worker.bans.isBanned(f"198.51.100.{number}", datagram=True)
        assert worker.bans.generation != before
    assert worker.file.reads == reads
    before = worker.bans.generation
    clock.advance(1.0)
    assert worker.file.reads == reads + 1
    # It has found what is known here.
    assert worker.bans.generation == before
    assert worker.bans.isBanned("198.51.100.7", datagram=True)


def test_whatChangesInTheFile(worker: Worker, clock: Clock) -> None:
    """Of many bans some go, some are new, and one is not what it was."""
    networks = [parseNetwork(f"198.51.{number}.0/24") for number in range(4)]
    for network in networks[:3]:
        worker.file.add(network, Ban(clock.seconds(), math.inf, "operator"))
    clock.advance(1.0)
    worker.file.remove(networks[0])
    worker.file.add(networks[1], Ban(clock.seconds(), clock.seconds() + 10, "operator"))
    worker.file.add(networks[3], Ban(clock.seconds(), math.inf, "operator"))
    clock.advance(1.0)
    banned = [worker.bans.isBanned(f"198.51.{n}.1", datagram=False) for n in range(4)]
    assert banned == [False, True, True, True]
    clock.advance(10.0)
    banned = [worker.bans.isBanned(f"198.51.{n}.1", datagram=False) for n in range(4)]
    assert banned == [False, False, True, True]


def test_theGenerationTellsOfEnds(worker: Worker, clock: Clock) -> None:
    worker.offend(HERE)
    before = worker.bans.generation
    clock.advance(1800.0)
    assert worker.bans.generation == before
    clock.advance(1800.0)
    assert worker.bans.generation != before


def test_aFileThatIsOfNoUse(worker: Worker, clock: Clock) -> None:
    """Said once a minute; calls go on."""
    worker.offend(HERE)
    worker.file.close()
    with capturedLogs() as logs:
        for _ in range(70):
            worker.offend(HERE)
            clock.advance(1.0)
    assert len(logs) == 2
    assert worker.bans.isBanned(HERE, datagram=True)

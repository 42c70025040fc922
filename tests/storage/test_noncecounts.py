"""Nonce counts: each counts once, on whichever worker it arrives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from sipapp.interfaces import INonceCounts
from sipapp.storage.noncecounts import NonceCounts, withUse

ROOT = Path(__file__).parents[2]
NOW = 1_760_000_000.0

# Another worker: prints for each line of NONCE COUNT whether it was the first.
OTHER = f"""
import sys
from pathlib import Path
from sipapp.storage.noncecounts import NonceCounts

ends = []
counts = NonceCounts(Path(sys.argv[1]), ends.append, clock=lambda: {NOW})
print(counts.salt.hex())
for line in sys.stdin:
    nonce, count = line.split()
    counts.use(nonce, int(count), {NOW} + 60, print)
    ends.pop()()
"""


class Turns:
    """A worker's turns: what waits for the end of the present one."""

    def __init__(self) -> None:
        self._calls: list[Callable[[], object]] = []

    def atEnd(self, call: Callable[[], object]) -> None:
        self._calls.append(call)

    def end(self) -> None:
        while self._calls:
            self._calls.pop(0)()


class Worker:
    """One worker's view of the store."""

    def __init__(self, path: Path, mapSize: int = 1 << 24) -> None:
        self.now = NOW
        self.turns = Turns()
        self.counts = NonceCounts(path, self.turns.atEnd, mapSize, lambda: self.now)

    def uses(self, *uses: tuple[str, int], lifetime: float = 60.0) -> list[bool]:
        """Use these in one turn."""
        verdicts: list[bool] = []
        for nonce, count in uses:
            self.counts.use(nonce, count, NOW + lifetime, verdicts.append)
        assert verdicts == []
        self.turns.end()
        return verdicts

    @property
    def entries(self) -> int:
        with self.counts._file.begin() as transaction:
            return int(transaction.stat(self.counts._file._databases[0])["entries"])


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path / "counts")
    yield worker
    worker.counts.close()


def test_itIsWhatTheInterfaceSays(worker: Worker) -> None:
    assert verifyObject(INonceCounts, worker.counts)
    assert len(worker.counts.salt) >= 16


def test_eachCountCountsOnce(worker: Worker) -> None:
    assert worker.uses(("n", 1)) == [True]
    assert worker.uses(("n", 1)) == [False]
    assert worker.uses(("n", 2), ("n", 2), ("m", 1), ("n", 1)) == [True, False, True, False]


def test_whoDoesNotCountUsesANonceOnce(worker: Worker) -> None:
    assert worker.uses(("n", 0)) == [True]
    assert worker.uses(("n", 0)) == [False]


def test_countsMayOvertakeEachOther(worker: Worker) -> None:
    assert worker.uses(("n", 70), ("n", 7), ("n", 8), ("n", 6), ("n", 69)) == [
        True,
        True,
        True,
        False,  # too far back to be known
        True,
    ]
    assert worker.uses(("n", 7), ("n", 8), ("n", 69), ("n", 70)) == [False] * 4
    assert worker.uses(("n", 0xFFFFFFFF), ("n", 71)) == [True, False]


@given(st.lists(st.integers(0, 200)))
def test_noneIsEverTakenTwice(counts: list[int]) -> None:
    used: bytes | None = None
    taken: list[int] = []
    for count in counts:
        after = withUse(used, count)
        if after is None:
            assert count in taken or count <= max(taken) - 64
            continue
        taken.append(count)
        used = after
    assert len(set(taken)) == len(taken)


def test_anotherWorkerKnows(worker: Worker, tmp_path: Path) -> None:
    assert worker.uses(("n", 1), ("n", 3)) == [True, True]
    other = subprocess.run(
        [sys.executable, "-c", OTHER, tmp_path / "counts"],
        input="n 1\nn 2\nn 3\nm 1\n",
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    salt, *verdicts = other.stdout.split()
    assert salt == worker.counts.salt.hex()
    assert verdicts == ["False", "True", "False", "True"]
    assert worker.uses(("n", 2), ("m", 1), ("n", 4)) == [False, False, True]


def test_aRestartForgetsNothing(tmp_path: Path) -> None:
    before = Worker(tmp_path)
    before.uses(("n", 1))
    before.counts.close()
    after = Worker(tmp_path)
    assert after.counts.salt == before.counts.salt
    assert after.uses(("n", 1)) == [False]
    after.counts.close()


def test_whoeverLosesTheStoreLosesTheSalt(tmp_path: Path) -> None:
    workers = [Worker(tmp_path / name) for name in ("one", "two")]
    assert workers[0].counts.salt != workers[1].counts.salt
    for worker in workers:
        worker.counts.close()


def test_whatHasEndedGoes(worker: Worker) -> None:
    worker.uses(*((f"n{number}", 1) for number in range(100)))
    assert worker.entries == 100
    worker.now += 59
    worker.uses(("m", 1))
    assert worker.entries == 101
    worker.now += 2
    worker.uses(*((f"m{number}", 1) for number in range(60)), lifetime=120)
    assert worker.entries == 60


def test_aFullStoreLetsNobodyNewIn(tmp_path: Path) -> None:
    worker = Worker(tmp_path, 1 << 17)
    number = 0
    while worker.uses((f"n{number}", 1)) == [True]:
        number += 1
    assert 20 < number < 10_000
    # Those inside go on, as they do not need more than they have.
    assert worker.uses(("n0", 2), ("n0", 2), ("new", 1)) == [True, False, False]
    worker.now += 61
    for _ in range(number):
        worker.uses(("again", 1), lifetime=120)
    assert worker.uses(("new", 1), lifetime=120) == [True]
    worker.counts.close()


def test_aBrokenStoreLetsNobodyIn(worker: Worker, tmp_path: Path) -> None:
    worker.counts._file.environment.close()
    assert worker.uses(("n", 1), ("n", 2)) == [False, False]
    worker.counts = NonceCounts(tmp_path / "other", worker.turns.atEnd)


def test_aFailureOfOneIsNotTheOthers(worker: Worker) -> None:
    verdicts: list[bool] = []

    def fail(isFirst: bool) -> None:
        raise RuntimeError("of this test")

    worker.counts.use("n", 1, NOW + 60, fail)
    worker.counts.use("n", 2, NOW + 60, verdicts.append)
    worker.turns.end()
    assert verdicts == [True]


def test_closingDecidesWhatIsLeft(tmp_path: Path) -> None:
    verdicts: list[bool] = []
    worker = Worker(tmp_path)
    worker.counts.use("n", 1, NOW + 60, verdicts.append)
    worker.counts.close()
    assert verdicts == [True]
    with pytest.raises(lmdb.Error):
        worker.counts._file.begin()


def test_manyAtOnce(worker: Worker) -> None:
    """More than go into one transaction."""
    uses = [(f"n{number}", 1) for number in range(1500)]
    assert worker.uses(*uses) == [True] * 1500
    assert worker.uses(*uses) == [False] * 1500

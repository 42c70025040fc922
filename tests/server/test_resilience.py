"""Short runs of C{make resilience}: what takes it long is their length, not what they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.resilience import underload
from bench.resilience.connections import connections
from bench.resilience.outcome import Outcome
from bench.resilience.soak import soak

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("resilience")]

RATE = 40


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a unix socket is short, and so is this."""
    return tmp_path_factory.mktemp("line")


def assertHolds(outcome: Outcome) -> None:
    assert outcome.calls
    assert outcome.holds, outcome


@pytest.mark.peer("sipp")
def test_killedWorkers(directory: Path) -> None:
    assertHolds(underload.kill(directory, RATE, 4.0))


@pytest.mark.peer("sipp")
def test_workersOverTheirMemoryLimit(directory: Path) -> None:
    assertHolds(underload.renew(directory, RATE, 10.0, workers=2))


@pytest.mark.peer("sipp")
def test_everyGeneration(directory: Path) -> None:
    assertHolds(underload.reload(directory, RATE, 6.0))


@pytest.mark.peer("sipp")
def test_nothingGrows(directory: Path) -> None:
    """Calls of six seconds, forgotten after three: a soak can be short."""
    assertHolds(soak(directory, RATE, 20.0, t1=0.05))


def test_everyConnectionIsReached(directory: Path) -> None:
    assertHolds(connections(directory, 100, reloads=1))

"""Short runs of C{make resilience}: what takes it long is their length, not what they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.resilience import underload
from bench.resilience.connections import connections
from bench.resilience.outcome import Outcome

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("resilience")]

RATE = 40
SECONDS = 8.0


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a unix socket is short, and so is this."""
    return tmp_path_factory.mktemp("line")


def assertHolds(outcome: Outcome) -> None:
    assert outcome.calls
    assert outcome.holds, outcome


@pytest.mark.peer("sipp")
def test_killedWorkers(directory: Path) -> None:
    assertHolds(underload.kill(directory, RATE, SECONDS))


def test_everyConnectionIsReached(directory: Path) -> None:
    """Without a disturbance: what the line about reloads is measured against."""
    assertHolds(connections(directory, 200, reloads=0))

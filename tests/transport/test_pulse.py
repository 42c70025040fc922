"""Tests of C{sipapp.transport.pulse}."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from sipapp.transport.pulse import Pulse


class Watched:
    """A pulse, and a reactor that waits for as long as a test says."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.waited = 100.0
        self.looks = 0
        self.pulse = Pulse(self.clock, lambda: self.waited, self._look, self.clock.seconds)

    def _look(self) -> None:
        self.looks += 1

    def advance(self, seconds: float, waited: float) -> None:
        """
        @param waited: how much of it the reactor has waited.
        """
        self.waited += waited
        self.clock.advance(seconds)


def test_busy() -> None:
    """What does not wait works; after two seconds what was before does not count any more."""
    watched = Watched()
    assert watched.pulse.busy == 0.0
    watched.pulse.start()
    assert watched.pulse.busy == 0.0
    for _ in range(10):
        watched.advance(0.25, 0.0)
    assert watched.pulse.busy == 1.0
    assert watched.pulse.worked == 2.5
    for _ in range(4):
        watched.advance(0.25, 0.25)
    assert 0.2 < watched.pulse.busy < 0.8
    for _ in range(8):
        watched.advance(0.25, 0.25)
    assert watched.pulse.busy == 0.0
    assert watched.pulse.worked == 2.5


def test_clocksThatDiffer() -> None:
    """The reactor's clock is not that which the waiting is measured by."""
    watched = Watched()
    watched.pulse.start()
    watched.advance(0.25, 0.3)
    assert watched.pulse.busy == 0.0
    assert watched.pulse.worked == 0.0


def test_lag() -> None:
    """The worst of two seconds, and also what is late now."""
    watched = Watched()
    assert watched.pulse.lag == 0.0
    watched.pulse.start()
    watched.advance(0.25, 0.25)
    assert watched.pulse.lag == 0.0
    watched.advance(0.65, 0.0)
    assert watched.pulse.lag == pytest.approx(0.4)
    for _ in range(7):
        watched.advance(0.25, 0.0)
    assert watched.pulse.lag == pytest.approx(0.4)
    watched.advance(0.25, 0.0)
    assert watched.pulse.lag == pytest.approx(0.0)
    # The timer is due, and nobody has called it yet.
    watched.clock.rightNow += 3.25
    assert watched.pulse.lag == pytest.approx(3.0)
    assert sum(watched.pulse.lags.counts) == watched.looks == 10
    assert watched.pulse.lags.total == pytest.approx(0.4)


def test_stop() -> None:
    watched = Watched()
    watched.pulse.start()
    watched.pulse.stop()
    watched.pulse.stop()
    assert watched.clock.getDelayedCalls() == []
    watched.clock.rightNow += 10
    assert watched.pulse.lag == 0.0

"""Timelines of workers that are replaced one after the other; the processes are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from sipapp.outcomes import NotRestarted, Restarted
from sipapp.pool import PoolStopped
from sipapp.rolling import Rolling
from tests.pool.inmemory import MemoryWorker
from tests.test_succession import Timeline


class Restarting(Timeline):
    """A server whose pool of two is restarted.

    @ivar outcome: what has come of it, as soon as that is known.
    """

    def restart(self, *slots: int, asker: str = "") -> None:
        outcome: list[Any] = []
        self.outcome = outcome
        rolling = Rolling(self.succession)
        restarting = Deferred.fromCoroutine(rolling.restart("udp-0", slots or None, asker))
        restarting.addBoth(lambda result: outcome.append(getattr(result, "value", result)))

    @property
    def youngest(self) -> MemoryWorker:
        return self.reactor.workers[-1]

    def renew(self, old: MemoryWorker) -> None:
        """The youngest worker takes over from an old one, which goes."""
        self.youngest.sayReady()
        self.reactor.pumpAll()
        old.given.callback(None)
        self.reactor.pumpAll()
        assert old.drains == [7.0]
        old.exit()


@pytest.fixture
def timeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarting]:
    timeline = Restarting(tmp_path_factory.mktemp("s"))
    yield timeline
    timeline.end()


def test_oneAfterTheOther(timeline: Restarting) -> None:
    first, second = timeline.serving
    timeline.restart()
    assert len(timeline.reactor.workers) == 3
    timeline.renew(first)
    assert len(timeline.reactor.workers) == 4, "it is the turn of the second"
    assert (timeline.outcome, second.isGone) == ([], False)
    timeline.renew(second)
    assert timeline.outcome == [Restarted(["udp-0/0", "udp-0/1"], {})]
    assert timeline.serving == timeline.reactor.workers[2:]


def test_aSingleOne(timeline: Restarting) -> None:
    first, second = timeline.serving
    timeline.restart(1)
    timeline.renew(second)
    assert timeline.outcome == [Restarted(["udp-0/1"], {})]
    assert timeline.serving == [first, timeline.youngest]


def test_oneThatHasAsked(timeline: Restarting) -> None:
    """It cannot go before it has the answer: it is the last, and nobody waits for its end."""
    first, second = timeline.serving
    timeline.restart(asker="udp-0/0")
    timeline.renew(second)
    timeline.youngest.sayReady()
    timeline.reactor.pumpAll()
    assert timeline.outcome == []
    first.given.callback(None)
    timeline.reactor.pumpAll()
    assert timeline.outcome == [Restarted(["udp-0/1", "udp-0/0"], {})]
    assert (first.drains, first.isGone) == ([7.0], False)
    first.exit()


def test_oneThatHasAskedAndStays(timeline: Restarting) -> None:
    timeline.restart(0, asker="udp-0/0")
    timeline.youngest.sayFailed("no such certificate")
    timeline.reactor.pumpAll()
    timeline.youngest.exit(status=1)
    assert [str(error) for error in timeline.outcome] == [
        "udp-0/0 goes on as it was: no such certificate"
    ]


def test_oneThatCannotStart(timeline: Restarting) -> None:
    """The others are not tried."""
    serving = timeline.serving
    timeline.restart()
    timeline.youngest.sayFailed("no such certificate")
    timeline.reactor.pumpAll()
    timeline.youngest.exit(status=1)
    [error] = timeline.outcome
    assert isinstance(error, NotRestarted)
    assert str(error) == "udp-0/0 goes on as it was: no such certificate"
    assert timeline.serving == serving
    assert len(timeline.reactor.workers) == 3


def test_oneThatStartsAnyway(timeline: Restarting) -> None:
    """There is nothing to replace."""
    first, second = timeline.serving
    first.exit(killedBy=11)
    timeline.restart()
    timeline.renew(second)
    assert timeline.outcome == [Restarted(["udp-0/1"], {"udp-0/0": "backing off"})]


def test_twoAtOnce(timeline: Restarting) -> None:
    """One waits for the other."""
    first, second = timeline.serving
    timeline.restart(0)
    outcome = timeline.outcome
    timeline.restart(1)
    assert len(timeline.reactor.workers) == 3
    timeline.renew(first)
    assert outcome == [Restarted(["udp-0/0"], {})]
    timeline.renew(second)
    assert timeline.outcome == [Restarted(["udp-0/1"], {})]


def test_reload(timeline: Restarting) -> None:
    """A reload gives up the one that starts. When it is over all workers are fresh ones."""
    old = timeline.serving
    timeline.restart()
    given = timeline.youngest
    new, replaced = timeline.replace(2)
    given.exit()
    timeline.takeOver(old, new)
    assert replaced == [None]
    timeline.leave(old)
    assert timeline.outcome == [Restarted(["udp-0/0", "udp-0/1"], {})]
    assert timeline.serving == new


def test_reloadThatFails(timeline: Restarting) -> None:
    """It is done once more afterwards."""
    first, second = timeline.serving
    timeline.restart()
    given = timeline.youngest
    new, _ = timeline.replace(2)
    given.exit()
    for worker in new:
        worker.sayFailed("no such certificate")
    timeline.reactor.pumpAll()
    assert timeline.outcome == []
    for worker in new:
        worker.exit(status=1)
    assert len(timeline.reactor.workers) == 6
    timeline.renew(first)
    timeline.renew(second)
    assert timeline.outcome == [Restarted(["udp-0/0", "udp-0/1"], {})]


def test_stop(timeline: Restarting) -> None:
    """The end of the server is the end of it."""
    timeline.restart()
    stopping = timeline.succession.stopService()
    timeline.reactor.pumpAll()
    for worker in timeline.reactor.workers[:2]:
        worker.quiet.callback(None)
    timeline.reactor.pumpAll()
    for worker in timeline.reactor.workers:
        worker.exit()
    assert stopping.called
    [error] = timeline.outcome
    assert isinstance(error, PoolStopped)

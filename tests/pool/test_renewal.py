"""Timelines of a worker that gives its place to a fresh one."""

from __future__ import annotations

import os
from typing import Any

import pytest

from sipapp.pool import Spawn
from sipapp.pool.adoption import NotIdle
from tests.pool.inmemory import SIGKILL, SIGTERM, MemoryWorker
from tests.pool.timeline import Timeline


class Renewing(Timeline):
    """A pool of two, of which the second worker is renewed.

    @ivar old: that worker.
    @ivar taken: the pid of the worker of the slot at each time that the place was taken.
    @ivar over: whether the old one has gone, or the fresh one, once either has.
    """

    def __init__(self, **patience: float) -> None:
        super().__init__(2, **patience)
        self.startAll()
        self.old = self.workers[1]
        self.taken: list[int | None] = []
        self.over: list[bool] = []
        assert self.pool.renewals.mayBegin
        self.begin()

    def begin(self) -> None:
        renewals = self.pool.renewals
        renewals.begin(1, self.describeFresh, ["a1y1"], self.take).addCallback(self.over.append)

    def describeFresh(self) -> Spawn:
        return Spawn(b"fresh", {"udp:127.0.0.1:5060": 71, "bus": 91})

    def take(self) -> None:
        self.taken.append(self.pool.workers()[1].pid)

    @property
    def fresh(self) -> MemoryWorker:
        """The process that was started last."""
        return self.workers[-1]

    def handOver(self) -> None:
        """The fresh one is ready, and the old one hands over."""
        self.fresh.sayReady()
        self.reactor.pumpAll()
        self.old.given.callback(None)
        self.reactor.pumpAll()


def test_aFreshWorkerTakesThePlace():
    timeline = Renewing()
    old, fresh = timeline.old, timeline.fresh
    assert len(timeline.workers) == 3
    assert timeline.reactor.childFDs[-1][5] == 91
    assert not timeline.pool.renewals.mayBegin
    assert (old.successors, timeline.pool.workers()[1].pid) == ([], old.pid)
    fresh.sayReady()
    timeline.reactor.pumpAll()
    assert (old.successors, fresh.serves, timeline.taken) == ([["a1y1"]], 0, [])
    old.given.callback(None)
    timeline.reactor.pumpAll()
    assert (fresh.serves, timeline.taken) == (1, [fresh.pid])
    state = timeline.pool.workers()[1]
    assert (state.name, state.pid, state.state, state.restarts) == (
        "udp-0/1",
        fresh.pid,
        "ready",
        1,
    )
    assert (old.drains, timeline.over) == ([30.0], [])
    assert not timeline.pool.renewals.mayBegin
    old.exit()
    assert timeline.over == [True]
    assert timeline.pool.renewals.mayBegin
    assert timeline.readied == ["udp-0/0", "udp-0/1"]
    assert timeline.exits == ["udp-0/1"]
    assert timeline.reactor.getDelayedCalls() == []
    # What follows the fresh one follows nobody.
    fresh.exit(killedBy=11)
    timeline.reactor.advance(0.1)
    assert timeline.described == [0, 1, 1]


@pytest.mark.parametrize("how", ["says why", "dies", "is late"])
def test_oneThatCannotStartIsGivenUp(how: str):
    """The old one has not noticed; and somebody may try again."""
    timeline = Renewing(boot=60.0)
    fresh = timeline.fresh
    if how == "says why":
        fresh.sayFailed("no such certificate")
        timeline.reactor.pumpAll()
        fresh.exit(status=1)
    elif how == "dies":
        fresh.exit(killedBy=11)
    else:
        timeline.reactor.advance(60.0)
        assert SIGKILL in fresh.signals
        fresh.exit(killedBy=SIGKILL)
    assert (timeline.over, timeline.taken) == ([False], [])
    assert timeline.states() == ["ready", "ready"]
    assert (timeline.old.successors, timeline.old.drains) == ([], [])
    assert timeline.reactor.getDelayedCalls() == []
    assert timeline.pool.renewals.mayBegin
    timeline.begin()
    timeline.handOver()
    assert timeline.taken == [timeline.fresh.pid]


def test_thereMayBeNoProcessToBeHad():
    timeline = Renewing()
    timeline.handOver()
    timeline.old.exit()
    timeline.reactor.spawnErrors.append(OSError("Too many open files"))
    timeline.begin()
    assert timeline.over == [True, False]
    assert timeline.states() == ["ready", "ready"]


def test_oneThatDoesNotHandOverIsNotWaitedForLong():
    timeline = Renewing(handOver=2.0)
    timeline.fresh.sayReady()
    timeline.reactor.pumpAll()
    timeline.reactor.advance(1.9)
    assert timeline.fresh.serves == 0
    timeline.reactor.advance(0.1)
    timeline.reactor.pumpAll()
    assert timeline.fresh.serves == 1
    # Its answer comes late.
    timeline.old.given.callback(None)
    timeline.reactor.pumpAll()
    timeline.old.exit()
    assert timeline.over == [True]


@pytest.mark.parametrize("isReplaced", [False, True])
def test_theOldOneDiesBefore(isReplaced: bool):
    """There is nobody who hands over; and who has begun in its place has to go."""
    timeline = Renewing()
    fresh = timeline.fresh
    timeline.old.exit(killedBy=11)
    if isReplaced:
        timeline.reactor.advance(0.1)
    fresh.sayReady()
    timeline.reactor.pumpAll()
    assert fresh.serves == 1
    assert timeline.pool.workers()[1].pid == fresh.pid
    if isReplaced:
        assert (timeline.over, timeline.workers[-1].signals) == ([], [SIGTERM])
        timeline.workers[-1].exit()
    assert timeline.over == [True]
    assert timeline.pool.renewals.mayBegin


def test_theOldOneDiesWhileItHandsOver():
    timeline = Renewing()
    timeline.fresh.sayReady()
    timeline.reactor.pumpAll()
    timeline.old.exit(killedBy=11)
    timeline.reactor.pumpAll()
    assert timeline.fresh.serves == 1
    assert timeline.over == [True]


def test_theFreshOneDiesWhileItIsHandedOverTo():
    """Another comes in the same place, and begins when it is ready."""
    timeline = Renewing()
    timeline.fresh.sayReady()
    timeline.reactor.pumpAll()
    timeline.fresh.exit(killedBy=11)
    timeline.reactor.advance(0.1)
    timeline.old.given.callback(None)
    timeline.reactor.pumpAll()
    assert timeline.states() == ["ready", "starting"]
    timeline.fresh.sayReady()
    timeline.reactor.pumpAll()
    assert timeline.fresh.serves == 1
    timeline.old.exit()
    assert timeline.over == [True]


def test_othersTakeOverWhileItStarts():
    """It is given up at once."""
    timeline = Renewing()
    held: list[Any] = []
    timeline.pool.renewals.hold().addCallback(held.append)
    assert len(held) == 1
    assert timeline.fresh.signals == [SIGTERM]
    timeline.fresh.exit()
    assert timeline.over == [False]
    assert not timeline.pool.renewals.mayBegin
    timeline.pool.renewals.release()
    assert timeline.pool.renewals.mayBegin


def test_othersTakeOverWhileItIsHandedOverTo():
    """They wait until it has the place."""
    timeline = Renewing()
    timeline.fresh.sayReady()
    timeline.reactor.pumpAll()
    held: list[Any] = []
    timeline.pool.renewals.hold().addCallback(held.append)
    assert held == []
    timeline.old.given.callback(None)
    timeline.reactor.pumpAll()
    assert len(held) == 1
    assert timeline.fresh.serves == 1


def test_othersTakeOverWhileTheOldOneLeaves():
    timeline = Renewing()
    timeline.handOver()
    held: list[Any] = []
    timeline.pool.renewals.hold().addCallback(held.append)
    assert len(held) == 1
    timeline.pool.handOver(["a0x1", "a1x1"])
    timeline.reactor.pumpAll()
    assert timeline.fresh.successors == [["a0x1", "a1x1"]]
    assert timeline.old.successors == [["a1y1"]]
    timeline.pool.renewals.release()
    assert not timeline.pool.renewals.mayBegin, "they leave"


@pytest.mark.parametrize("step", ["starting", "handing over", "leaving"])
@pytest.mark.parametrize("isQuiet", [False, True])
def test_aStop(step: str, isQuiet: bool):
    """It waits for all of them, and lets none begin."""
    files = len(os.listdir("/proc/self/fd"))
    timeline = Renewing()
    if step == "leaving":
        timeline.handOver()
    elif step == "handing over":
        timeline.fresh.sayReady()
        timeline.reactor.pumpAll()
    if isQuiet:
        timeline.quiesce()
    stopped = timeline.stop()
    serves = timeline.fresh.serves
    if step == "handing over":
        timeline.old.given.callback(None)
        timeline.reactor.pumpAll()
    assert timeline.fresh.serves == serves
    timeline.workers[0].exit()
    timeline.old.exit()
    assert stopped == []
    timeline.fresh.exit()
    assert stopped == [None]
    assert timeline.over == [step == "leaving"]
    assert timeline.states() == ["stopped", "stopped"]
    assert not timeline.pool.renewals.mayBegin
    timeline.reactor.advance(10)
    assert timeline.reactor.getDelayedCalls() == []
    assert len(os.listdir("/proc/self/fd")) == files


def test_nothingIsLeftToAnotherImageMeanwhile():
    timeline = Renewing()
    with pytest.raises(NotIdle, match="a worker of udp-0 is being replaced"):
        timeline.pool.bequeath()


def test_notBeforeAllHaveBeenReady():
    timeline = Timeline(2)
    assert not timeline.pool.renewals.mayBegin
    timeline.pool.startService()
    timeline.workers[0].sayReady()
    assert not timeline.pool.renewals.mayBegin
    timeline.workers[1].sayReady()
    assert timeline.pool.renewals.mayBegin

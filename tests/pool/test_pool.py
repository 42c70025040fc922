"""Timelines of a pool whose processes are in memory."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest

from sipapp.pool import BootFailure, PoolStopped, ProcessPool, readBoot
from tests.pool.inmemory import SIGKILL, SIGTERM
from tests.pool.timeline import Timeline


def test_everySlotGetsAProcess():
    timeline = Timeline(size=3)
    timeline.pool.startService()
    assert timeline.described == [0, 1, 2]
    assert timeline.reactor.commands == [["python", "python", "-m", "worker"]] * 3
    for slot, (worker, childFDs) in enumerate(
        zip(timeline.workers, timeline.reactor.childFDs, strict=True)
    ):
        boot = readBoot(io.BytesIO(worker.stdin))
        assert worker.stdinClosed
        assert (boot.name, boot.slot) == (f"udp-0/{slot}", slot)
        assert boot.payload == b"payload %d" % slot
        assert boot.parent == os.getpid()
        assert boot.drainTimeout == 30.0
        assert boot.fds == {"udp:127.0.0.1:5060": 4, "bus": 5, "blackbox": 6}
        assert childFDs[0] == "w" and childFDs[1] == childFDs[2] == "r"
        assert (childFDs[4], childFDs[5]) == (70 + slot, 80 + slot)
        assert sorted(childFDs) == [0, 1, 2, 3, 4, 5, 6]
        assert worker.environment == {"LANG": "C", "PYTHONUNBUFFERED": "1"}
    assert timeline.states() == ["starting"] * 3


def test_readyWhenEveryWorkerIs():
    timeline = Timeline(size=2)
    timeline.pool.startService()
    timeline.workers[1].sayReady()
    assert timeline.ready == []
    assert timeline.states() == ["starting", "ready"]
    timeline.workers[0].sayReady()
    assert timeline.ready == [None]
    later: list[None] = []
    timeline.pool.whenReady().addCallback(later.append)
    assert later == [None]
    assert [(each.name, each.pid) for each in timeline.pool.workers()] == [
        ("udp-0/0", 1001),
        ("udp-0/1", 1002),
    ]


def failureOf(timeline: Timeline) -> BootFailure:
    [failure] = timeline.ready
    assert failure.check(BootFailure)
    return failure.value


def test_aWorkerThatSaysItCannotServeStopsThePool():
    timeline = Timeline(size=3)
    timeline.pool.startService()
    timeline.workers[0].sayReady()
    timeline.workers[1].sayFailed("no such certificate")
    failure = failureOf(timeline)
    assert (failure.worker, failure.reason) == ("udp-0/1", "no such certificate")
    assert str(failure) == "udp-0/1: no such certificate"
    timeline.reactor.pumpAll()
    assert timeline.workers[0].drains == [30.0]
    assert timeline.workers[2].signals == [SIGTERM]
    for worker in timeline.workers:
        worker.exit()
    assert timeline.states() == ["stopped"] * 3
    assert timeline.reactor.getDelayedCalls() == []
    assert timeline.stop() == [None]
    later: list[Any] = []
    timeline.pool.whenReady().addErrback(later.append)
    assert later[0].check(BootFailure)


def test_aWorkerThatDiesBeforeItIsReadyStopsThePool():
    timeline = Timeline(size=2)
    timeline.pool.startService()
    timeline.workers[0].printError("Traceback:\n  File\nImportError: no lmdb\n")
    timeline.workers[0].exit(status=1)
    failure = failureOf(timeline)
    assert str(failure) == "udp-0/0: exited with status 1: ImportError: no lmdb"
    assert timeline.states() == ["stopped", "draining"]


def test_theReasonIsHeardAlsoWhenTheExitIsSeenFirst():
    timeline = Timeline(size=1)
    timeline.pool.startService()
    [worker] = timeline.workers
    worker.control.failed("bad settings")
    worker.reap(status=1)
    assert timeline.ready == []
    worker.closeOutput()
    worker.closeControl()
    assert failureOf(timeline).reason == "bad settings"


def test_anExitDoesNotWaitForeverForLastWords():
    timeline = Timeline(size=1)
    timeline.startAll()
    [worker] = timeline.workers
    worker.reap(killedBy=SIGKILL)
    assert timeline.states() == ["ready"]
    timeline.reactor.advance(1.0)
    assert timeline.states() == ["backing off"]
    worker.sayReady()
    worker.closeControl()
    worker.closeOutput()
    assert timeline.states() == ["backing off"]


def test_aProcessThatCannotBeStartedStopsThePool():
    timeline = Timeline(size=3)
    timeline.reactor.spawnErrors = [OSError("Cannot allocate memory")]
    timeline.pool.startService()
    assert failureOf(timeline).reason == "could not be started: Cannot allocate memory"
    assert timeline.workers == [], "the others are not tried"
    assert timeline.stop() == [None]


def test_aFailingDescriptionStopsThePool():
    timeline = Timeline(size=1)
    timeline.describe = None
    pool = ProcessPool("tcp", 1, lambda slot: 1 / 0, ("worker",), timeline.reactor)
    outcome: list[Any] = []
    pool.whenReady().addErrback(outcome.append)
    pool.startService()
    assert outcome[0].value.reason == "could not be started: division by zero"


def test_aWorkerThatNeverGetsReadyStopsThePool():
    timeline = Timeline(size=1, boot=20.0, margin=5.0)
    timeline.pool.startService()
    timeline.reactor.advance(19.9)
    assert timeline.ready == []
    timeline.reactor.advance(0.1)
    assert failureOf(timeline).reason == "not ready within 20 s"
    [worker] = timeline.workers
    assert worker.signals == [SIGKILL, SIGTERM]
    worker.exit(killedBy=SIGKILL)
    assert timeline.states() == ["stopped"]


def test_aCrashedWorkerComesBackInItsSlot():
    timeline = Timeline(size=2)
    timeline.startAll()
    timeline.workers[1].exit(killedBy=11)
    assert timeline.states() == ["ready", "backing off"]
    assert timeline.exits == ["udp-0/1"]
    timeline.reactor.advance(0.1)
    assert timeline.states() == ["ready", "starting"]
    assert timeline.described == [0, 1, 1]
    assert timeline.reactor.childFDs[2][4] == 71
    timeline.workers[2].sayReady()
    state = timeline.pool.workers()[1]
    assert (state.pid, state.restarts, state.reason) == (1003, 1, "killed by SIGSEGV")
    assert timeline.workers[0].signals == []


def test_aWorkerThatExitsByItselfIsReplacedToo():
    timeline = Timeline(size=1)
    timeline.startAll()
    timeline.workers[0].exit(status=0)
    timeline.reactor.advance(0.1)
    assert timeline.states() == ["starting"]
    assert timeline.pool.workers()[0].reason == "exited with status 0"


def test_aReplacementThatCannotStartDoesNotStopThePool():
    timeline = Timeline(size=2)
    timeline.startAll()
    timeline.workers[1].exit(status=1)
    times = []
    for _ in range(10):
        [call] = timeline.reactor.getDelayedCalls()
        times.append(round(call.getTime() - timeline.reactor.seconds(), 3))
        timeline.reactor.advance(times[-1])
        timeline.workers[-1].sayFailed("the database is gone")
        timeline.workers[-1].exit(status=1)
    assert times == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0]
    assert timeline.states() == ["ready", "backing off"]
    assert timeline.pool.workers()[1].reason == "the database is gone"
    timeline.reactor.advance(30.0)
    timeline.workers[-1].sayReady()
    assert timeline.states() == ["ready", "ready"]


def test_anUnreadableSignalNumberIsStillShown():
    timeline = Timeline(size=1)
    timeline.startAll()
    timeline.workers[0].exit(killedBy=42)
    assert timeline.pool.workers()[0].reason == "killed by 42"


def test_quietWhenEveryWorkerIs():
    timeline = Timeline(size=2)
    timeline.startAll()
    quiet = timeline.quiesce()
    for worker in timeline.workers:
        assert quiet == []
        worker.quiet.callback(None)
        worker.pump.flush()
    assert len(quiet) == 1
    assert timeline.states() == ["ready"] * 2
    assert timeline.reactor.getDelayedCalls() == []


def test_nobodyWaitsForAWorkerThatIsStuck():
    timeline = Timeline(size=2, drain=10.0, margin=5.0)
    timeline.startAll()
    timeline.workers[0].quiet.callback(None)
    quiet = timeline.quiesce()
    timeline.reactor.advance(14.9)
    assert quiet == []
    timeline.reactor.advance(0.1)
    assert len(quiet) == 1


def test_anEmptySlotIsQuiet():
    timeline = Timeline(size=1)
    timeline.startAll()
    timeline.workers[0].exit(status=1)
    assert len(timeline.quiesce()) == 1


def test_readyIsToldAtEveryStart():
    timeline = Timeline(size=2, firstDelay=0.5)
    timeline.startAll()
    timeline.workers[1].exit(status=1)
    timeline.reactor.advance(0.5)
    timeline.workers[2].sayReady()
    assert timeline.readied == ["udp-0/0", "udp-0/1", "udp-0/1"]


def test_stopDrainsEveryWorker():
    timeline = Timeline(size=2, drain=10.0, margin=5.0)
    timeline.startAll()
    stopped = timeline.stop()
    assert [worker.drains for worker in timeline.workers] == [[10.0], [10.0]]
    assert timeline.states() == ["draining"] * 2
    timeline.workers[0].drained.callback(None)
    assert timeline.workers[0].workerReactor.stops == 1
    timeline.workers[0].exit()
    assert stopped == []
    timeline.workers[1].exit()
    assert stopped == [None]
    assert timeline.states() == ["stopped"] * 2
    assert timeline.reactor.getDelayedCalls() == []
    assert timeline.described == [0, 1]


def test_aWorkerThatDoesNotFinishIsKilled():
    timeline = Timeline(size=1, drain=10.0, margin=5.0)
    timeline.startAll()
    stopped = timeline.stop()
    timeline.reactor.advance(14.9)
    assert timeline.workers[0].signals == []
    timeline.reactor.advance(0.1)
    assert timeline.workers[0].signals == [SIGKILL]
    assert stopped == []
    timeline.workers[0].exit(killedBy=SIGKILL)
    assert stopped == [None]


def test_stopBeforeReady():
    timeline = Timeline(size=2, margin=5.0)
    timeline.pool.startService()
    timeline.workers[0].sayReady()
    stopped = timeline.stop()
    assert timeline.ready[0].check(PoolStopped)
    assert timeline.workers[1].signals == [SIGTERM]
    timeline.reactor.advance(5.0)
    assert timeline.workers[1].signals == [SIGTERM, SIGKILL]
    timeline.workers[1].exit(killedBy=SIGKILL)
    timeline.workers[0].exit()
    assert stopped == [None]


def test_stopWhileASlotBacksOff():
    timeline = Timeline(size=1)
    timeline.startAll()
    timeline.workers[0].exit(status=1)
    assert timeline.stop() == [None]
    assert timeline.reactor.getDelayedCalls() == []


def test_stopOfASignalledProcessThatIsBeingReaped():
    timeline = Timeline(size=1)
    timeline.pool.startService()
    timeline.workers[0].reap(status=1)
    stopped = timeline.stop()
    timeline.workers[0].closeControl()
    timeline.workers[0].closeOutput()
    assert stopped == [None]


def test_twoStopsBothFinish():
    timeline = Timeline(size=1)
    timeline.startAll()
    first, second = timeline.stop(), timeline.stop()
    timeline.workers[0].exit()
    assert (first, second) == ([None], [None])
    assert timeline.workers[0].drains == [30.0]


def test_aPoolThatNeverStartedStopsAtOnce():
    timeline = Timeline(size=2)
    assert timeline.stop() == [None]
    assert timeline.ready[0].check(PoolStopped)


def test_startingTwiceIsStartingOnce():
    timeline = Timeline(size=1)
    timeline.startAll()
    timeline.pool.startService()
    assert len(timeline.workers) == 1


def test_aPoolCanBeStartedAgain():
    timeline = Timeline(size=1)
    timeline.startAll()
    timeline.stop()
    timeline.workers[0].exit()
    timeline.pool.startService()
    again: list[None] = []
    timeline.pool.whenReady().addCallback(again.append)
    assert again == []
    timeline.workers[1].sayReady()
    assert again == [None]


def test_theOutputOfAWorkerIsRelayed():
    timeline = Timeline(size=1)
    timeline.startAll()
    timeline.workers[0].protocol.childDataReceived(1, b"hello\n")
    timeline.workers[0].printError("no line end")
    timeline.workers[0].exit(status=1)
    assert [(each["log_system"], each["line"]) for each in timeline.output] == [
        ("udp-0/0", "hello"),
        ("udp-0/0", "no line end"),
    ]


@pytest.mark.parametrize("size", [1, 8])
def test_theListingHasEverySlot(size):
    listing = Timeline(size=size).pool.workers()
    assert [each.slot for each in listing] == list(range(size))
    assert {each.state for each in listing} == {"stopped"}
    assert {each.pid for each in listing} == {None}


def test_handsOverWhenEveryWorkerHas():
    timeline = Timeline(size=2)
    timeline.startAll()
    given = timeline.handOver("a0x1", "a1x1")
    assert [worker.successors for worker in timeline.workers] == [[["a0x1", "a1x1"]]] * 2
    assert timeline.states() == ["leaving"] * 2
    timeline.workers[0].given.callback(None)
    timeline.reactor.pumpAll()
    assert given == []
    timeline.workers[1].given.callback(None)
    timeline.reactor.pumpAll()
    assert given == [None]
    assert timeline.reactor.getDelayedCalls() == []


def test_theNamesOfWhatWasGiven():
    """All that the workers tell."""
    timeline = Timeline(size=2)
    timeline.startAll()
    given = timeline.handOver("a0x1")
    timeline.workers[1].given.callback(["a1", "a0"])
    timeline.workers[0].given.callback(["a2"])
    timeline.reactor.pumpAll()
    assert given == [["a2", "a1", "a0"]]


def test_aWorkerThatIsLateDoesNotHoldUpItsSuccessors():
    timeline = Timeline(size=2)
    timeline.startAll()
    given = timeline.handOver("a0x1")
    timeline.workers[0].given.callback(None)
    timeline.reactor.pumpAll()
    timeline.reactor.advance(1.9)
    assert given == []
    timeline.reactor.advance(0.1)
    assert given == [None]
    timeline.workers[1].given.callback(None)
    timeline.reactor.pumpAll()
    assert given == [None]


def test_aWorkerThatDiesWhileItLeavesIsNotReplaced():
    timeline = Timeline(size=2)
    timeline.startAll()
    given = timeline.handOver("a0x1")
    timeline.workers[1].given.callback(None)
    timeline.workers[0].exit(killedBy=9)
    timeline.reactor.pumpAll()
    assert given == [None]
    timeline.reactor.advance(100)
    assert timeline.states() == ["stopped", "leaving"]
    assert len(timeline.workers) == 2
    stopped = timeline.stop()
    assert timeline.workers[1].drains == [30.0]
    timeline.workers[1].exit()
    assert stopped == [None]


def test_aSlotWithoutAWorkerHasNothingToHandOver():
    """One process has crashed, another is not ready again yet."""
    timeline = Timeline(size=2)
    timeline.startAll()
    for worker in timeline.workers[:2]:
        worker.exit(killedBy=11)
    timeline.reactor.advance(0.1)
    timeline.workers[2].sayReady()
    timeline.workers[2].exit(killedBy=11)
    assert timeline.states() == ["backing off", "starting"]
    assert timeline.handOver("a0x1") == [[]]
    assert timeline.states() == ["stopped", "draining"]
    assert timeline.workers[3].signals == [SIGTERM]


def test_leavingWorkersCanBeQuiet():
    timeline = Timeline(size=1)
    timeline.startAll()
    timeline.handOver("a0x1")
    quiet = timeline.quiesce()
    assert quiet == []
    timeline.workers[0].quiet.callback(None)
    timeline.reactor.pumpAll()
    assert len(quiet) == 1


def test_workersBeginWhenTheirPredecessorsHaveHandedOver():
    timeline = Timeline(size=2)
    timeline.startAll()
    assert [worker.serves for worker in timeline.workers] == [0, 0]
    begun: list[Any] = []
    timeline.pool.serve().addCallback(begun.append)
    timeline.reactor.pumpAll()
    assert [worker.serves for worker in timeline.workers] == [1, 1]
    assert len(begun) == 1


def test_aWorkerThatWasNotReadyWhenTheOthersBeganBeginsLater():
    timeline = Timeline(size=2)
    timeline.startAll()
    timeline.workers[0].exit(killedBy=9)
    timeline.pool.serve()
    timeline.reactor.pumpAll()
    timeline.reactor.advance(0.1)
    timeline.workers[2].sayReady()
    timeline.reactor.pumpAll()
    assert [worker.serves for worker in timeline.workers] == [0, 1, 1]


class Parking(Timeline):
    """A pool whose owner can have others do the work of a slot.

    @ivar told: what the owner was asked to spare.
    """

    def __init__(self, size: int, isPossible: bool = True) -> None:
        super().__init__(size, longestDelay=1.0)
        self.told: list[list[int]] = []

        def onCrashLoop(slots: frozenset[int]) -> bool:
            self.told.append(sorted(slots))
            return isPossible

        self.pool._onCrashLoop = onCrashLoop

    def crash(self, slot: int, times: int) -> None:
        for _ in range(times):
            pid = self.pool.workers()[slot].pid
            next(each for each in self.workers if each.pid == pid).exit(killedBy=11)
            if self.states()[slot] == "backing off":
                self.reactor.advance(1.0)
                self.workers[-1].sayReady()
        self.reactor.pumpAll()

    def parkings(self) -> list[list[list[int]]]:
        """What the worker of each slot has been told, if there is one."""
        pids = [each.pid for each in self.pool.workers()]
        return [each.parkings for pid in pids for each in self.workers if each.pid == pid]


def test_theOthersAreToldWhoIsParked():
    timeline = Parking(3)
    timeline.startAll()
    timeline.crash(1, 5)
    assert timeline.states() == ["ready", "parked", "ready"]
    assert timeline.told == [[1]]
    assert timeline.parkings() == [[[1]], [[1]]]
    # So is one that comes later.
    timeline.crash(2, 1)
    assert timeline.parkings() == [[[1]], [[1]]]


def test_aParkedSlotOfAnEarlierImage():
    """It is parked still: nothing is started there before the pool is replaced."""
    timeline = Parking(2)
    timeline.pool.inherit([None])
    timeline.pool.startService()
    assert timeline.states() == ["parked", "starting"]
    timeline.workers[-1].sayReady()
    timeline.reactor.pumpAll()
    assert timeline.pool.whenReady().called
    assert timeline.parkings() == [[[0]]]
    # The next start fills it, as there was nobody before.
    timeline.pool.stopService()
    timeline.workers[-1].exit()
    timeline.pool.startService()
    assert timeline.states() == ["starting", "starting"]


def test_theLastSlotIsNeverParked():
    timeline = Parking(2)
    timeline.startAll()
    timeline.crash(0, 5)
    timeline.crash(1, 7)
    assert timeline.states() == ["parked", "ready"]
    assert timeline.told == [[0]]
    assert timeline.stop() == []
    timeline.workers[-1].exit()
    assert timeline.states() == ["stopped", "stopped"]


def test_aSlotWhoseWorkNobodyCanDoIsNotParked():
    timeline = Parking(2, isPossible=False)
    timeline.startAll()
    timeline.crash(0, 6)
    assert timeline.states() == ["ready", "ready"]
    assert timeline.told == [[0], [0]]
    assert timeline.parkings() == [[], []]

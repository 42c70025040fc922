"""The table of a slot: every state with every input, and what the actions do."""

from __future__ import annotations

from signal import SIGABRT

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from sipapp.pool import Patience
from sipapp.pool.slot import Slot
from sipapp.pool.slottable import (
    ALIVE,
    BACKING_OFF,
    CRASH_LOOP,
    DRAINING,
    EXITED,
    FAILING,
    LEAVE,
    LEAVING,
    PARK,
    PARKED,
    READY,
    SAID_FAILED,
    SAID_READY,
    START,
    STARTING,
    STOP,
    STOPPED,
    STUCK,
    TABLE,
    TIMER,
)
from sipapp.pool.tablemachine import ImpossibleInput

STATES = [STOPPED, STARTING, FAILING, READY, STUCK, BACKING_OFF, PARKED, LEAVING, DRAINING]
INPUTS = [START, PARK, LEAVE, STOP, SAID_READY, SAID_FAILED, ALIVE, EXITED, CRASH_LOOP, TIMER]

# How a slot gets into each state.
PATHS = {
    STOPPED: [],
    STARTING: [START],
    FAILING: [START, SAID_FAILED],
    READY: [START, SAID_READY],
    BACKING_OFF: [START, EXITED],
    LEAVING: [START, SAID_READY, LEAVE],
    STUCK: [START, SAID_READY, TIMER],
    PARKED: [START, EXITED, CRASH_LOOP],
    DRAINING: [START, SAID_READY, STOP],
}

# (state, input) -> (next state, what happened to the process or was told to the owner).
EXPECTED = {
    (STOPPED, START): (STARTING, ["launch"]),
    (STOPPED, PARK): (PARKED, []),
    (STOPPED, LEAVE): (STOPPED, []),
    (STOPPED, STOP): (STOPPED, ["slotStopped"]),
    (STARTING, SAID_READY): (READY, ["slotReady"]),
    (STARTING, SAID_FAILED): (FAILING, ["slotFailed: why"]),
    (STARTING, EXITED): (BACKING_OFF, ["slotExited", "slotFailed: why"]),
    (STARTING, TIMER): (FAILING, ["kill", "slotFailed: not ready within 60 s"]),
    (STOPPED, CRASH_LOOP): (STOPPED, []),
    (FAILING, ALIVE): (FAILING, []),
    (READY, ALIVE): (READY, []),
    (READY, TIMER): (STUCK, ["slotStuck", "dumpStack"]),
    (STUCK, ALIVE): (READY, []),
    (STUCK, TIMER): (FAILING, ["kill"]),
    (STUCK, EXITED): (BACKING_OFF, ["slotExited"]),
    (STUCK, SAID_FAILED): (FAILING, []),
    (STUCK, LEAVE): (DRAINING, ["kill"]),
    (STUCK, STOP): (DRAINING, ["kill"]),
    (BACKING_OFF, CRASH_LOOP): (PARKED, ["slotParked"]),
    (PARKED, LEAVE): (STOPPED, ["slotStopped"]),
    (PARKED, STOP): (STOPPED, ["slotStopped"]),
    (LEAVING, ALIVE): (LEAVING, []),
    (DRAINING, ALIVE): (DRAINING, []),
    (STARTING, LEAVE): (DRAINING, ["terminate"]),
    (STARTING, STOP): (DRAINING, ["terminate"]),
    (FAILING, EXITED): (BACKING_OFF, ["slotExited"]),
    (FAILING, TIMER): (FAILING, ["kill"]),
    (FAILING, LEAVE): (DRAINING, ["terminate"]),
    (FAILING, STOP): (DRAINING, ["terminate"]),
    (FAILING, SAID_READY): (FAILING, []),
    (FAILING, SAID_FAILED): (FAILING, []),
    (READY, EXITED): (BACKING_OFF, ["slotExited"]),
    (READY, SAID_FAILED): (FAILING, []),
    (READY, LEAVE): (LEAVING, []),
    (READY, STOP): (DRAINING, ["drain 30"]),
    (READY, SAID_READY): (READY, []),
    (BACKING_OFF, TIMER): (STARTING, ["launch"]),
    (BACKING_OFF, LEAVE): (STOPPED, ["slotStopped"]),
    (BACKING_OFF, STOP): (STOPPED, ["slotStopped"]),
    (LEAVING, EXITED): (STOPPED, ["slotExited", "slotStopped"]),
    (LEAVING, SAID_FAILED): (DRAINING, []),
    (LEAVING, LEAVE): (LEAVING, []),
    (LEAVING, STOP): (DRAINING, ["drain 30"]),
    (LEAVING, SAID_READY): (LEAVING, []),
    (DRAINING, EXITED): (STOPPED, ["slotExited", "slotStopped"]),
    (DRAINING, TIMER): (DRAINING, ["kill"]),
    (DRAINING, LEAVE): (DRAINING, []),
    (DRAINING, STOP): (DRAINING, []),
    (DRAINING, SAID_READY): (DRAINING, []),
    (DRAINING, SAID_FAILED): (DRAINING, []),
}

# Seconds until the timer of a state, when it was entered by its path; None if it has none.
TIMERS = {
    STOPPED: None,
    STARTING: 60,
    FAILING: 5,
    READY: 10,
    STUCK: 1,
    BACKING_OFF: 0.1,
    PARKED: None,
    LEAVING: None,
    DRAINING: 35,
}


class Recorder:
    """The process and the owner of a slot, which write down what happens to them."""

    pid = 77

    def __init__(self) -> None:
        self.events: list[str] = []
        self.refusal: Exception | None = None
        self.mayPark = True

    def launch(self, slot):
        self.events.append("launch")
        if self.refusal is not None:
            raise self.refusal
        return self

    def drain(self, timeout):
        self.events.append(f"drain {timeout:g}")

    def dumpStack(self):
        self.events.append("dumpStack")

    def terminate(self):
        self.events.append("terminate")

    def kill(self):
        self.events.append("kill")

    def signal(self, number):
        self.events.append(f"signal {number:d}")

    def slotReady(self, slot):
        self.events.append("slotReady")

    def slotFailed(self, slot, reason):
        self.events.append(f"slotFailed: {reason}")

    def slotExited(self, slot):
        self.events.append("slotExited")

    def slotStuck(self, slot):
        self.events.append("slotStuck")

    def slotParked(self, slot):
        self.events.append("slotParked")

    def slotLoops(self, slot):
        self.events.append("slotLoops")
        return self.mayPark

    def slotStopped(self, slot):
        self.events.append("slotStopped")


def slotIn(state: str, **patience: float) -> tuple[Slot, Recorder, Clock]:
    recorder, clock = Recorder(), Clock()
    slot = Slot("udp-0/1", 1, recorder.launch, recorder, Patience(**patience), clock)
    for event in PATHS[state]:
        slot.receive(event)
    assert slot.state == state
    recorder.events.clear()
    return slot, recorder, clock


def test_theTableHasEveryState():
    assert sorted(TABLE) == sorted(STATES)
    assert {state: set(row) <= set(INPUTS) for state, row in TABLE.items()} == dict.fromkeys(
        STATES, True
    )


@pytest.mark.parametrize("event", INPUTS)
@pytest.mark.parametrize("state", STATES)
def test_everyInputInEveryState(state, event):
    slot, recorder, clock = slotIn(state, stuck=10)
    if (state, event) not in EXPECTED:
        with pytest.raises(ImpossibleInput, match=f"udp-0/1: {event} while {state}"):
            slot.receive(event, "why")
        assert slot.state == state
        assert recorder.events == []
        return
    if event == TIMER:
        clock.advance(TIMERS[state])
    else:
        slot.receive(event, "why")
    assert (slot.state, recorder.events) == EXPECTED[state, event]


@pytest.mark.parametrize("state", STATES)
def test_timers(state):
    _, _, clock = slotIn(state, stuck=10)
    assert [call.getTime() for call in clock.getDelayedCalls()] == (
        [TIMERS[state]] if TIMERS[state] is not None else []
    )


@pytest.mark.parametrize("state", [STARTING, FAILING, STUCK, DRAINING, BACKING_OFF, PARKED])
def test_aSlotThatHasComeToRestHasNoTimer(state):
    slot, _, clock = slotIn(state, stuck=10)
    slot.stop()
    if slot.state != STOPPED:
        slot.receive(EXITED)
    assert slot.state == STOPPED
    assert clock.getDelayedCalls() == []
    assert slot.pid is None


def test_waitsDoubleUpToTheLongest():
    slot, _, clock = slotIn(STARTING, firstDelay=0.1, longestDelay=1.0, crashes=7)
    waits = []
    for _ in range(6):
        slot.receive(EXITED)
        [call] = clock.getDelayedCalls()
        waits.append(round(call.getTime() - clock.seconds(), 3))
        clock.advance(call.getTime() - clock.seconds())
        assert slot.state == STARTING
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert slot.restarts == 6


@pytest.mark.parametrize(("served", "wait"), [(59.9, 0.4), (60.0, 0.1)])
def test_waitsStartOverAfterAHealthyTime(served, wait):
    slot, _, clock = slotIn(READY)
    for delay in (0.1, 0.2):
        slot.receive(EXITED)
        clock.advance(delay)
        slot.receive(SAID_READY)
    clock.advance(served)
    slot.receive(EXITED)
    [call] = clock.getDelayedCalls()
    assert call.getTime() - clock.seconds() == pytest.approx(wait)


def test_aKillFromOutsideIsNoFault():
    """It can be repeated for ever, and does not forgive what was before."""
    slot, _, clock = slotIn(READY)
    slot.receive(EXITED, "exited with status 1")
    clock.advance(0.1)
    slot.receive(SAID_READY)
    for _ in range(20):
        slot.receive(EXITED, "killed by SIGKILL")
        clock.advance(0.1)
        assert slot.state == STARTING
        slot.receive(SAID_READY)
    slot.receive(EXITED, "exited with status 1")
    [call] = clock.getDelayedCalls()
    assert call.getTime() - clock.seconds() == pytest.approx(0.2)


@pytest.mark.parametrize("how", ["exited with status 0", "killed by SIGABRT"])
def test_anEndThatWasAskedForIsNoFault(how):
    """However often; and it forgives nothing."""
    slot, recorder, clock = slotIn(READY)
    slot.receive(EXITED, "exited with status 1")
    clock.advance(0.1)
    slot.receive(SAID_READY)
    for _ in range(20):
        slot.end(SIGABRT)
        with capturedLogs() as events:
            slot.receive(EXITED, how)
        assert "crashed" not in "".join(map(formatEvent, events))
        clock.advance(0.1)
        assert slot.state == STARTING
        slot.receive(SAID_READY)
    assert recorder.events.count("signal 6") == 20
    slot.receive(EXITED, how)
    [call] = clock.getDelayedCalls()
    assert call.getTime() - clock.seconds() == pytest.approx(0.2)


def test_nobodyToEnd():
    slot, recorder, _ = slotIn(BACKING_OFF)
    slot.end(SIGABRT)
    assert recorder.events == []


def test_aKillOfOursIsAFault():
    slot, _, clock = slotIn(FAILING)
    clock.advance(5.0)
    slot.receive(EXITED, "killed by SIGKILL")
    clock.advance(0.1)
    slot.receive(EXITED, "killed by SIGKILL")
    [call] = clock.getDelayedCalls()
    assert call.getTime() - clock.seconds() == pytest.approx(0.2)


def test_timeSpentStartingIsNotHealthy():
    slot, _, clock = slotIn(BACKING_OFF, boot=1000.0)
    clock.advance(0.1)
    clock.advance(500)
    slot.receive(EXITED)
    [call] = clock.getDelayedCalls()
    assert call.getTime() - clock.seconds() == pytest.approx(0.2)


def test_aProcessThatCannotBeStarted():
    slot, recorder, clock = slotIn(BACKING_OFF)
    recorder.refusal = OSError("Too many open files")
    clock.advance(0.1)
    assert recorder.events == [
        "launch",
        "slotExited",
        "slotFailed: could not be started: Too many open files",
    ]
    assert slot.state == BACKING_OFF
    assert slot.pid is None
    recorder.refusal = None
    clock.advance(0.2)
    assert slot.state == STARTING
    assert slot.pid == 77


def test_aStopCausedByAnActionWaitsForTheTransition():
    slot, recorder, clock = slotIn(STARTING)
    recorder.slotFailed = lambda failed, reason: failed.stop()
    slot.receive(EXITED, "exited with status 1")
    assert slot.state == STOPPED
    assert clock.getDelayedCalls() == []


def test_whatTheListingShows():
    slot, _, clock = slotIn(STARTING)
    clock.advance(3)
    slot.workerReady()
    assert (slot.since, slot.pid, slot.restarts, slot.reason) == (3, 77, 0, "")
    clock.advance(4)
    slot.workerExited("killed by SIGSEGV", "the last line is about something else")
    assert (slot.since, slot.pid, slot.restarts) == (7, None, 0)
    assert slot.reason == "killed by SIGSEGV"
    clock.advance(0.1)
    slot.workerExited("exited with status 1", "ImportError: nonesuch")
    assert slot.restarts == 1
    assert slot.reason == "exited with status 1: ImportError: nonesuch"
    clock.advance(0.2)
    slot.workerFailed("bad certificate")
    slot.workerExited("exited with status 1", "Main loop terminated.")
    assert slot.reason == "bad certificate"


def test_signsOfLife():
    """Each one puts off the moment at which the slot gives up hope."""
    slot, recorder, clock = slotIn(READY, stuck=10)
    for _ in range(30):
        clock.advance(9.9)
        slot.workerAlive()
    assert recorder.events == []
    clock.advance(10)
    assert (slot.state, recorder.events) == (STUCK, ["slotStuck", "dumpStack"])
    assert slot.reason == "no sign of life for 10 s"
    clock.advance(1)
    assert (slot.state, recorder.events[2:]) == (FAILING, ["kill"])
    slot.workerExited("killed by SIGKILL", "")
    clock.advance(0.1)
    assert slot.state == STARTING
    assert slot.reason == "no sign of life for 10 s"


def test_aLateSignOfLife():
    """The parent itself may have been halted: the signs were on their way."""
    slot, recorder, clock = slotIn(STUCK, stuck=10)
    slot.workerAlive()
    clock.advance(9.9)
    assert (slot.state, recorder.events) == (READY, [])


def test_withoutALimitNothingIsStuck():
    slot, _, clock = slotIn(READY)
    slot.workerAlive()
    assert clock.getDelayedCalls() == []
    clock.advance(10_000)
    assert slot.state == READY


def crash(slot: Slot, clock: Clock, how: str = "killed by SIGSEGV") -> None:
    """One more process that serves and dies."""
    if slot.state == BACKING_OFF:
        [call] = clock.getDelayedCalls()
        clock.advance(call.getTime() - clock.seconds())
        slot.receive(SAID_READY)
    slot.receive(EXITED, how)


def test_aCrashLoopParksTheSlot():
    slot, recorder, clock = slotIn(READY)
    for _ in range(4):
        crash(slot, clock)
    assert (slot.state, "slotLoops" in recorder.events) == (BACKING_OFF, False)
    crash(slot, clock)
    assert (slot.state, recorder.events[-2:]) == (PARKED, ["slotLoops", "slotParked"])
    assert slot.reason == "killed by SIGSEGV"
    clock.advance(10_000)
    assert slot.state == PARKED


def test_crashesThatAreFarApartAreNoLoop():
    slot, recorder, clock = slotIn(READY, window=30.0)
    for _ in range(20):
        crash(slot, clock)
        [call] = clock.getDelayedCalls()
        clock.advance(call.getTime() - clock.seconds())
        slot.receive(SAID_READY)
        clock.advance(7.6)
    assert "slotLoops" not in recorder.events


def test_aSlotThatCannotBeParkedIsTriedAgain():
    """And asked about with each further crash."""
    slot, recorder, clock = slotIn(READY)
    recorder.mayPark = False
    for _ in range(6):
        crash(slot, clock)
    assert (slot.state, recorder.events.count("slotLoops")) == (BACKING_OFF, 2)


def test_whatIsNoCrash():
    """A kill from outside, a refusal to start and a program that is not there."""
    slot, recorder, clock = slotIn(READY)
    for _ in range(10):
        crash(slot, clock, "killed by SIGKILL")
    clock.advance(0.1)
    for _ in range(10):
        slot.receive(SAID_FAILED, "no such certificate")
        slot.receive(EXITED, "exited with status 1")
        [call] = clock.getDelayedCalls()
        clock.advance(call.getTime() - clock.seconds())
    slot.receive(SAID_READY)
    recorder.refusal = OSError("Too many open files")
    slot.receive(EXITED, "killed by SIGSEGV")
    clock.advance(1000)
    assert "slotLoops" not in recorder.events


def test_hangingAgainAndAgainIsACrashLoop():
    slot, recorder, clock = slotIn(READY, stuck=2.0)
    for _ in range(5):
        clock.advance(2.0)
        clock.advance(1.0)
        slot.receive(EXITED, "killed by SIGKILL")
        if slot.state == BACKING_OFF:
            [call] = clock.getDelayedCalls()
            clock.advance(call.getTime() - clock.seconds())
            slot.receive(SAID_READY)
    assert (slot.state, recorder.events[-2:]) == (PARKED, ["slotLoops", "slotParked"])


def test_oneTimeToFinishForQuiesceAndDrain():
    """A stop takes no longer because it has two steps."""
    slot, recorder, clock = slotIn(READY, drain=30.0, margin=5.0)
    recorder.quiesce = lambda timeout: recorder.events.append(f"quiesce {timeout:g}")
    slot.quiesce()
    clock.advance(20)
    slot.quiesce()
    clock.advance(4)
    slot.stop()
    assert recorder.events == ["quiesce 30", "quiesce 10", "drain 6"]
    clock.advance(10.9)
    assert recorder.events[3:] == []
    clock.advance(0.1)
    assert recorder.events[3:] == ["kill"]
    slot.receive(EXITED)
    # A slot that is filled again has all the time.
    for event in (START, SAID_READY, STOP):
        slot.receive(event)
    assert recorder.events[-1] == "drain 30"


def test_noTimeIsLeft():
    slot, recorder, clock = slotIn(LEAVING, drain=30.0)
    recorder.quiesce = lambda timeout: None
    slot.quiesce()
    clock.advance(31)
    slot.stop()
    assert recorder.events == ["drain 0"]


def test_aParkedSlotIsNotSaidToBeTriedAgain():
    slot, _, clock = slotIn(READY)
    with capturedLogs() as logs:
        for _ in range(5):
            crash(slot, clock)
    said = [formatEvent(each) for each in logs]
    assert sum("is tried again in" in line for line in said) == 4
    assert "IS PARKED" in said[-1]

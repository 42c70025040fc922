"""The queue of Timer C: one delayed call for all branches."""

from __future__ import annotations

from twisted.internet.task import Clock

from sipapp.resources.sip.proxy.timerc import TimerC


class Branch:
    def __init__(self, timer: TimerC, clock: Clock) -> None:
        self.clock = clock
        self.fired: list[float] = []
        timer.start(self)

    def timerCFired(self) -> None:
        self.fired.append(self.clock.seconds())


def test_eachFiresAtItsTime() -> None:
    clock = Clock()
    timer = TimerC(clock, 180.0)
    first = Branch(timer, clock)
    clock.advance(30)
    second = Branch(timer, clock)
    assert len(clock.getDelayedCalls()) == 1
    clock.pump([150, 29, 1])
    assert (first.fired, second.fired) == ([180], [210])
    assert len(timer) == 0
    assert not clock.getDelayedCalls()


def test_restart() -> None:
    """§16.8 and §16.7 step 2: a provisional response starts it again."""
    clock = Clock()
    timer = TimerC(clock, 180.0)
    first, second = Branch(timer, clock), Branch(timer, clock)
    clock.advance(100)
    timer.start(first)
    clock.advance(80)
    assert (first.fired, second.fired) == ([], [180])
    clock.advance(100)
    assert first.fired == [280]


def test_stoppedOnesLeaveNothing() -> None:
    clock = Clock()
    timer = TimerC(clock, 180.0)
    branch = Branch(timer, clock)
    timer.stop(branch)
    timer.stop(branch)
    assert len(timer) == 0
    clock.advance(180)
    assert branch.fired == []
    assert not clock.getDelayedCalls()


def test_aMistakeKeepsNoOtherWaiting() -> None:
    class Mistaken(Branch):
        def timerCFired(self) -> None:
            super().timerCFired()
            raise LookupError

    clock = Clock()
    timer = TimerC(clock, 180.0)
    first, second = Mistaken(timer, clock), Branch(timer, clock)
    clock.advance(180)
    assert (first.fired, second.fired) == ([180], [180])


def test_startFromWithin() -> None:
    """What fires may start another one."""
    clock = Clock()
    timer = TimerC(clock, 180.0)
    later: list[Branch] = []

    class Starting(Branch):
        def timerCFired(self) -> None:
            later.append(Branch(timer, clock))

    Starting(timer, clock)
    clock.advance(180)
    clock.advance(180)
    assert later[0].fired == [360]
    assert not clock.getDelayedCalls()


def test_close() -> None:
    clock = Clock()
    timer = TimerC(clock, 180.0)
    timer.close()
    Branch(timer, clock)
    timer.close()
    assert len(timer) == 0
    assert not clock.getDelayedCalls()

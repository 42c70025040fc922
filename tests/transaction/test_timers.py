"""The timer queue and the durations."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.transaction import TimerSettings
from sipapp.transaction.timers import Timer, TimerQueue


class Owner:
    """Notes what fires."""

    def __init__(self) -> None:
        self.fired: list[tuple[str, float]] = []

    def timerFired(self, name: str, now: float) -> None:
        self.fired.append((name, now))


def test_settingsDeriveTheDurationsOfRFC3261() -> None:
    settings = TimerSettings()
    assert (settings.timeout, settings.reticence, settings.remainder) == (32.0, 3.5, 28.5)


@pytest.mark.parametrize(
    ("t1", "t2", "reticence"),
    [
        (0.5, 4.0, 3.5),
        (0.5, 0.5, 0.5),
        (0.1, 0.4, 0.3),
        (1.0, 5.0, 7.0),
        (0.5, 16.0, 15.5),
    ],
)
def test_reticenceIsTheTimeThatTimerETakesToReachT2(t1: float, t2: float, reticence: float) -> None:
    settings = TimerSettings(t1=t1, t2=t2)
    assert settings.reticence == pytest.approx(reticence)
    assert settings.reticence + settings.remainder == pytest.approx(64 * t1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"t1": 0.0},
        {"t4": -1.0},
        {"timerD": float("inf")},
        {"timerC": float("nan")},
        {"tryingDelay": 0.0},
        {"t1": 5.0},
        {"t2": 17.0},
    ],
)
def test_impossibleSettingsAreRefused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)) if "t1" not in wrong else "t1"):
        TimerSettings(**wrong)


def test_firesInOrderWhenTheDeadlineHasCome() -> None:
    queue, owner = TimerQueue(), Owner()
    assert queue.nextDeadline() is None
    queue.start(0.0, 5.0, owner, "late")
    assert queue.nextDeadline() == 5.0
    queue.start(1.0, 2.0, owner, "early")
    assert queue.nextDeadline() == 3.0
    queue.start(2.0, 2.0, owner, "second")
    assert (queue.nextDeadline(), len(queue)) == (3.0, 3)
    queue.expire(2.9)
    assert owner.fired == []
    queue.expire(3.0)
    assert owner.fired == [("early", 3.0)]
    assert queue.nextDeadline() == 4.0
    queue.expire(10.0)
    assert sorted(owner.fired[1:]) == [("late", 10.0), ("second", 10.0)]
    assert (queue.nextDeadline(), len(queue)) == (None, 0)


def test_aClockThatIsSetBackHoldsNothingUp() -> None:
    queue, owner = TimerQueue(), Owner()
    queue.start(1000.0, 2.0, owner, "before")
    queue.start(1000.0, 60.0, owner, "long")
    assert queue.nextDeadline() == 1002.0
    queue.setBack(950.0)
    queue.start(950.0, 2.0, owner, "after")
    assert queue.nextDeadline() == 952.0
    queue.expire(952.0)
    assert owner.fired == [("before", 952.0), ("after", 952.0)]
    assert queue.nextDeadline() == 1010.0


def test_aCancelledTimerDoesNotFireAndLetsItsOwnerGo() -> None:
    queue, owner = TimerQueue(), Owner()
    gone = Owner()
    alive = weakref.ref(gone)
    queue.start(0.0, 2.0, owner, "kept")
    timer = queue.start(0.0, 1.0, gone, "cancelled")
    assert queue.nextDeadline() == 1.0
    timer.cancel()
    del gone
    gc.collect()
    assert alive() is None
    assert (queue.nextDeadline(), len(queue)) == (2.0, 1)
    queue.expire(5.0)
    assert owner.fired == [("kept", 5.0)]
    timer.cancel()


def test_cancellingTheRememberedFirstFindsTheNext() -> None:
    queue, owner = TimerQueue(), Owner()
    first = queue.start(0.0, 1.0, owner, "first")
    queue.start(0.5, 1.0, owner, "second")
    assert queue.nextDeadline() == 1.0
    first.cancel()
    assert queue.nextDeadline() == 1.5


def test_anOwnerThatRaisesLosesNoOtherTimer() -> None:
    class Raising:
        def timerFired(self, name: str, now: float) -> None:
            raise RuntimeError(name)

    queue, owner = TimerQueue(), Owner()
    queue.start(0.0, 1.0, Raising(), "bad")
    queue.start(0.0, 1.0, owner, "good")
    with pytest.raises(RuntimeError, match="bad"):
        queue.expire(1.0)
    assert queue.nextDeadline() == 1.0
    queue.expire(1.0)
    assert owner.fired == [("good", 1.0)]


def test_aTimerThatFiresMayStartAndCancelOthers() -> None:
    queue = TimerQueue()
    fired: list[str] = []

    class Busy:
        def timerFired(self, name: str, now: float) -> None:
            fired.append(name)
            victim.cancel()
            queue.start(now, 7.0, self, "new duration")

    queue.start(0.0, 1.0, Busy(), "first")
    victim = queue.start(0.0, 1.0, Busy(), "victim")
    queue.expire(1.0)
    assert fired == ["first"]
    assert [(timer.name, timer.deadline) for timer in queue] == [("new duration", 8.0)]


def test_aHundredThousandTimersAreNotScanned() -> None:
    """Finding the next deadline looks at the head of each deque, however many wait behind it."""
    queue, owner = TimerQueue(), Owner()
    looked = 0

    class Watched(Timer):
        __slots__ = ()

        def __getattribute__(self, name: str) -> object:
            nonlocal looked
            looked += 1
            return super().__getattribute__(name)

    for index in range(100_000):
        timer = queue.start(index * 1e-4, (0.5, 4.0, 32.0)[index % 3], owner, "")
        timer.__class__ = Watched
    looked = 0
    assert queue.nextDeadline() == 0.5
    for _ in range(100):
        queue.start(10.0, 0.2, owner, "")
        queue.nextDeadline()
    assert looked < 1000


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["start", "cancel", "advance"]),
            st.integers(0, 4),
            st.integers(0, 30),
        ),
        max_size=60,
    )
)
def test_behavesLikeASortedList(steps: list[tuple[str, int, int]]) -> None:
    """Against a model that keeps all timers in a list."""
    queue, owner = TimerQueue(), Owner()
    now = 0.0
    model: dict[str, float] = {}
    timers: dict[str, Timer] = {}
    for index, (what, choice, amount) in enumerate(steps):
        if what == "start":
            duration = (0.5, 1.0, 2.0, 4.0, 32.0)[choice]
            timers[str(index)] = queue.start(now, duration, owner, str(index))
            model[str(index)] = now + duration
        elif what == "cancel" and timers:
            name = sorted(timers)[amount % len(timers)]
            timers.pop(name).cancel()
            model.pop(name, None)
        elif what == "advance":
            now += amount / 4
            due = sorted(name for name, deadline in model.items() if deadline <= now)
            owner.fired.clear()
            queue.expire(now)
            assert sorted(name for name, _ in owner.fired) == due
            for name in due:
                del model[name]
        assert queue.nextDeadline() == min(model.values(), default=None)
        assert len(queue) == len(model)

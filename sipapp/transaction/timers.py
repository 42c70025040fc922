"""The timers of the transaction layer: their durations, and the one queue that holds them all.

Nearly all timers of RFC 3261 §17 run for one of a dozen durations: 64*T1, T4, T1 and its doubles
up to T2. Timers of one duration expire in the order in which they were started, so the queue
keeps a plain first-in first-out deque for each duration and never sorts. Starting a timer is an
append, cancelling one is an assignment, and the next deadline is the least of a dozen heads.

A cancelled timer stays in its deque until it comes to the front, but it lets go of its
transaction at once, so that a long queue keeps no transaction alive.

Times are seconds as floats on whatever clock the driver uses. When that is set back, those in the
queue would hold up all that are started later, so the queue has to be told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class TimerSettings:
    """The durations of RFC 3261 §17 (table 4) and RFC 6026 §7, in seconds.

    @ivar t1: estimate of the round-trip time.
    @ivar t2: the longest interval between retransmissions of a non-INVITE request or of a
        response to INVITE.
    @ivar t4: how long a message stays in the network.
    @ivar timerC: how long a proxy waits for a final response after a provisional one to INVITE
        (§16.6: more than 3 minutes). Proxies run this timer themselves; it is only kept here.
    @ivar timerD: how long an INVITE client transaction absorbs repeated final responses over an
        unreliable transport (§17.1.1.2: at least 32 seconds).
    @ivar tryingDelay: how long an INVITE may go unanswered before the transaction sends 100 by
        itself (§17.2.1).
    @ivar timeout: 64*T1, which is Timer B, F, H, J, L and M.
    @ivar reticence: how long a non-INVITE request may, and over an unreliable transport must, go
        without a 100 (RFC 4320 §4.1): the time that the client's Timer E takes to reach T2.
    @ivar remainder: what is left of L{timeout} after L{reticence}.
    """

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    timerC: float = 185.0
    timerD: float = 32.0
    tryingDelay: float = 0.2
    timeout: float = field(init=False)
    reticence: float = field(init=False)
    remainder: float = field(init=False)

    def __post_init__(self) -> None:
        for name in ("t1", "t2", "t4", "timerC", "timerD", "tryingDelay"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be a positive number of seconds")
        if not self.t1 <= self.t2 <= 32 * self.t1:
            raise ValueError("t2 must be at least t1 and at most 32 times t1")
        timeout = 64 * self.t1
        reticence, interval = self.t1, 2 * self.t1
        while interval < self.t2:
            reticence, interval = reticence + interval, 2 * interval
        object.__setattr__(self, "timeout", timeout)
        object.__setattr__(self, "reticence", reticence)
        object.__setattr__(self, "remainder", timeout - reticence)


class TimerOwner(Protocol):
    """What a timer fires at."""

    def timerFired(self, name: str, now: float) -> None:
        """The timer called C{name} has run out."""


class Timer:
    """One running timer; made by L{TimerQueue.start}.

    @ivar deadline: when it fires.
    @ivar owner: what it fires at, or C{None} once it has fired or was cancelled.
    @ivar name: what it is called.
    """

    __slots__ = ("deadline", "name", "owner")

    def __init__(self, deadline: float, owner: TimerOwner, name: str) -> None:
        self.deadline = deadline
        self.owner: TimerOwner | None = owner
        self.name = name

    def cancel(self) -> None:
        """Do not fire, and let go of the owner. Harmless on a timer that has fired."""
        self.owner = None


class TimerQueue:
    """All running timers: one deque for each distinct duration.

    @ivar firing: whose timer fires, or was the last to fire; whoever asks may forget it.
    """

    __slots__ = ("_first", "_queues", "firing")

    def __init__(self) -> None:
        self._queues: dict[float, deque[Timer]] = {}
        # The timer that nextDeadline found, while it is still the right answer.
        self._first: Timer | None = None
        self.firing: TimerOwner | None = None

    def start(self, now: float, duration: float, owner: TimerOwner, name: str) -> Timer:
        """Start a timer that fires at C{owner} when C{duration} seconds have passed."""
        timer = Timer(now + duration, owner, name)
        try:
            self._queues[duration].append(timer)
        except KeyError:
            self._queues[duration] = deque((timer,))
        first = self._first
        if first is not None and timer.deadline < first.deadline:
            self._first = timer
        return timer

    def nextDeadline(self) -> float | None:
        """
        @return: when the next timer fires, or C{None} if none is running. The answer is
            remembered, and looked for again only when that timer has fired or was cancelled.
        """
        first = self._first
        if first is not None and first.owner is not None:
            return first.deadline
        first = None
        for queue in self._queues.values():
            while queue and queue[0].owner is None:
                queue.popleft()
            if queue and (first is None or queue[0].deadline < first.deadline):
                first = queue[0]
        self._first = first
        return None if first is None else first.deadline

    def expire(self, now: float) -> None:
        """Fire every timer whose deadline has come, those of one duration in order.

        A timer is out of the queue before it fires: whatever its owner raises, no timer is lost
        or fired twice, and the next call goes on with those that are left.
        """
        self._first = None
        for queue in tuple(self._queues.values()):
            while queue and queue[0].deadline <= now:
                timer = queue.popleft()
                owner = timer.owner
                if owner is not None:
                    timer.owner = None
                    self.firing = owner
                    owner.timerFired(timer.name, now)

    def setBack(self, now: float) -> None:
        """The clock was set back. How long timers have been running is lost; none runs for longer
        than it would if it were started now."""
        self._first = None
        for duration, queue in self._queues.items():
            latest = now + duration
            for timer in queue:
                timer.deadline = min(timer.deadline, latest)

    def __iter__(self) -> Iterator[Timer]:
        """The running timers, in no particular order: for tests and the console."""
        for queue in self._queues.values():
            for timer in queue:
                if timer.owner is not None:
                    yield timer

    def __len__(self) -> int:
        """The number of running timers. It counts them one by one."""
        return sum(1 for _ in self)

"""Timelines of workers that grow."""

from __future__ import annotations

import os
from itertools import pairwise

from twisted.logger import capturedLogs, formatEvent

from sipapp.pool import MemoryWatch
from sipapp.pool.memory import privateSize
from tests.pool.timeline import Timeline

MIB = 1 << 20


class Growing(Timeline):
    """A pool of three whose workers may occupy 100 MiB.

    @ivar sizes: what the workers of the slots occupy, in MiB.
    @ivar renewed: the slots that were renewed, each with the time.
    """

    def __init__(self) -> None:
        super().__init__(3)
        self.sizes = [10, 10, 10]
        self.renewed: list[tuple[float, int]] = []
        self.watch = MemoryWatch(self.pool, 100 * MIB, self.renew, self.reactor, self.sizeOf)
        self.startAll()
        self.watch.startService()

    def sizeOf(self, pid: int) -> int:
        return self.sizes[[each.pid for each in self.pool.workers()].index(pid)] * MIB

    def renew(self, slot: int) -> None:
        self.renewed.append((self.reactor.seconds(), slot))

    def wait(self, seconds: int) -> list[tuple[float, int]]:
        """
        @return: what was renewed in that time.
        """
        self.renewed.clear()
        self.reactor.pump([1.0] * seconds)
        return list(self.renewed)


def test_whatAProcessOccupies():
    before = privateSize(os.getpid())
    hoard = b"x" * (50 * MIB)
    assert 40 * MIB < privateSize(os.getpid()) - before < 70 * MIB
    assert hoard
    assert privateSize(0) == 0


def test_oneThatIsTooLargeIsRenewed():
    timeline = Growing()
    assert timeline.wait(20) == []
    timeline.sizes = [10, 100, 100]
    assert timeline.wait(20) == []
    timeline.sizes = [10, 101, 10]
    with capturedLogs() as logs:
        assert [slot for _, slot in timeline.wait(5)] == [1]
    assert [formatEvent(each) for each in logs] == [
        "udp-0/1 is over its memory limit, pid 1002: 101 MiB of 100. A fresh worker takes its place"
    ]
    timeline.watch.stopService()


def test_theLargestFirst():
    timeline = Growing()
    timeline.sizes = [101, 103, 102]
    assert timeline.wait(15) == [(5, 1), (10, 2), (15, 0)]


def test_theLimitIsOfNoUse():
    """Each pause is twice as long as the one before, up to an hour; each is told once."""
    timeline = Growing()
    timeline.sizes = [10, 500, 10]
    with capturedLogs() as logs:
        times = [time for time, _ in timeline.wait(20_000)]
    pauses = [later - time for time, later in pairwise(times)]
    assert pauses == [60, 120, 240, 480, 960, 1920, *[3600] * 4]
    said = [formatEvent(each) for each in logs]
    assert sum("IS OVER ITS MEMORY LIMIT AGAIN" in line for line in said) == len(times)
    assert said[1] == (
        "udp-0/1 IS OVER ITS MEMORY LIMIT AGAIN, pid 1002: 500 MiB of 100, 5 s after a fresh"
        " one was started for that. The limit is too low, or something grows fast. It is not"
        " replaced again within 55 s"
    )


def test_aRenewalThatCannotBegin():
    """It is tried again as any other."""
    timeline = Growing()
    timeline.sizes = [10, 500, 10]

    def refuse(slot: int) -> None:
        raise OSError("Too many open files")

    timeline.watch._renew = refuse
    with capturedLogs() as logs:
        timeline.wait(10)
    assert [formatEvent(each) for each in logs][1] == "udp-0/1 is not replaced"
    timeline.watch._renew = timeline.renew
    assert [slot for _, slot in timeline.wait(60)] == [1]


def test_slowGrowthIsForgiven():
    timeline = Growing()
    for _ in range(5):
        timeline.sizes = [500, 10, 10]
        assert len(timeline.wait(5)) == 1
        timeline.sizes = [10, 10, 10]
        assert timeline.wait(60) == []


def test_onlyWhenSomebodyMayBeRenewed():
    timeline = Growing()
    timeline.sizes = [10, 500, 10]
    timeline.pool.renewals.hold()
    assert timeline.wait(100) == []
    timeline.pool.renewals.release()
    timeline.workers[1].exit(killedBy=11)
    # The process that replaces it has not said Ready.
    timeline.sizes = [500, 500, 500]
    assert 1 not in [slot for _, slot in timeline.wait(30)]

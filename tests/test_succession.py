"""Timelines of generations whose processes are in memory."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from sipapp.assignment import Assignment, decodeAssignment
from sipapp.config import Plan, Settings, parseSettings, resolve
from sipapp.ground import Ground
from sipapp.listening import Listening
from sipapp.plugins import resourceTypes
from sipapp.pool import BindError, BootFailure, readBoot
from sipapp.succession import Succession
from tests.pool.inmemory import SIGTERM, MemoryReactor, MemoryWorker

BUFFER = 1 << 16


class Timeline:
    """A server of generations, and what is known about it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.reactor = MemoryReactor()
        settings, plan = self.load(2)
        self.ground = Ground(settings)
        self.listening = Listening()
        self.succession = Succession(self.ground, self.listening, self.reactor)
        self.services = (self.ground, self.listening, self.succession)
        self.ground.privilegedStartService()
        self.succession.begin(settings, plan)
        for service in self.services:
            service.startService()
        for worker in self.reactor.workers:
            worker.sayReady()

    def load(self, workers: int, buffer: int = BUFFER) -> tuple[Settings, Plan]:
        text = (
            f"[sip]\nudp_receive_buffer = {buffer}\n"
            '[server]\ndomains = ["example.test"]\ndrain_timeout = 7\n'
            f'run_directory = "{self.directory}/run"\n'
            f'state_directory = "{self.directory}/state"\n'
            '[[listen]]\naddress = "127.0.0.1"\nport = 0\n'
            f'socket_workers = {workers}\ntransport = "udp"\n'
        )
        settings = parseSettings(text, "sipapp.toml", resourceTypes())
        return settings, resolve(settings)

    def replace(self, workers: int, buffer: int = BUFFER) -> tuple[list[MemoryWorker], list[Any]]:
        """
        @return: the new workers, and where the outcome will be.
        """
        before = len(self.reactor.workers)
        outcome: list[Any] = []
        replacing = Deferred.fromCoroutine(self.succession.replace(*self.load(workers, buffer)))
        replacing.addBoth(outcome.append)
        return self.reactor.workers[before:], outcome

    def buffers(self) -> list[int]:
        """The buffers of the sockets in bytes; Linux grants and tells twice what was asked for."""
        return [
            each.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
            for each in self.listening.sockets(0)
        ]

    @property
    def serving(self) -> list[MemoryWorker]:
        """The workers of the present generation, in slot order."""
        pids = [each.pid for each in self.succession.current.workers()]
        byPid = {worker.pid: worker for worker in self.reactor.workers}
        return [byPid[pid] for pid in pids if pid is not None]

    def takeOver(self, old: list[MemoryWorker], new: list[MemoryWorker]) -> None:
        """Everything goes as it should."""
        for worker in new:
            worker.sayReady()
        self.reactor.pumpAll()
        for worker in old:
            worker.given.callback(None)
        self.reactor.pumpAll()

    def bus(self) -> dict[str, str]:
        """What is in the directory of the bus, and where it leads to."""
        paths = (self.directory / "run" / "bus").iterdir()
        return {each.name: str(each.readlink()) if each.is_symlink() else "" for each in paths}

    def leave(self, workers: list[MemoryWorker]) -> None:
        """Have old workers finish what they have, and exit."""
        self.reactor.pumpAll()
        for worker in workers:
            worker.quiet.callback(None)
        self.reactor.pumpAll()
        self.reactor.pumpAll()
        for worker in workers:
            assert worker.drains == [7.0]
            worker.exit()

    def end(self) -> None:
        stopping = self.succession.stopService()
        self.reactor.pumpAll()
        for worker in self.reactor.workers:
            if not worker.isGone and not worker.quiet.called:
                worker.quiet.callback(None)
        self.reactor.pumpAll()
        for worker in self.reactor.workers:
            if not worker.isGone:
                worker.exit()
        assert stopping.called
        self.listening.stopService()
        self.ground.stopService()
        assert self.bus() == {}


@pytest.fixture
def timeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timeline]:
    timeline = Timeline(tmp_path_factory.mktemp("s"))
    yield timeline
    timeline.end()


def test_oneGenerationFollowsAnother(timeline: Timeline) -> None:
    old = list(timeline.reactor.workers)
    new, outcome = timeline.replace(3)
    assert len(new) == 3
    for worker in new[:2]:
        worker.sayReady()
    timeline.reactor.pumpAll()
    assert [worker.successors for worker in old] == [[], []], "not before all are ready"
    new[2].sayReady()
    timeline.reactor.pumpAll()
    assert [worker.successors for worker in old] == [[["a0x1", "a1x1", "a2x1"]]] * 2
    old[0].given.callback(None)
    timeline.reactor.pumpAll()
    assert [worker.serves for worker in new] == [0, 0, 0], "not before all have handed over"
    old[1].given.callback(None)
    timeline.reactor.pumpAll()
    assert [worker.serves for worker in new] == [1, 1, 1]
    assert outcome == [None]
    assert timeline.succession.current.number == 1
    assert timeline.bus() == dict.fromkeys(("a0", "a1", "a0x1", "a1x1", "a2x1"), "")
    timeline.leave(old)
    assert timeline.bus() == {"a0": "a0x1", "a1": "a1x1", "a0x1": "", "a1x1": "", "a2x1": ""}


def test_namesLeadToThoseWhoServe(timeline: Timeline) -> None:
    """Also after several generations, and straight there."""
    for size in (3, 1):
        old = [each for each in timeline.reactor.workers if not each.isGone]
        new, outcome = timeline.replace(size)
        timeline.takeOver(old, new)
        assert outcome == [None]
        timeline.leave(old)
    earlier = ("a0", "a1", "a0x1", "a1x1", "a2x1")
    assert timeline.bus() == {**dict.fromkeys(earlier, "a0x2"), "a0x2": ""}


def test_namesThatNothingHas(timeline: Timeline) -> None:
    """Workers say which names the connections have that they move on. The others go with the last
    generation that might lead to them."""
    generations = [list(timeline.reactor.workers)]

    def handOver(*names: list[str] | None) -> None:
        """
        @param names: what each old worker says; C{None} if it does not.
        """
        old = generations[-1]
        new, outcome = timeline.replace(2)
        generations.append(new)
        for worker in new:
            worker.sayReady()
        timeline.reactor.pumpAll()
        for worker, told in zip(old, names, strict=True):
            worker.given.callback(told)
        timeline.reactor.pumpAll()
        assert outcome == [None]

    def dead() -> list[str]:
        return sorted(name for name, heir in timeline.bus().items() if heir)

    handOver(["a0"], [])
    timeline.leave(generations[0])
    assert dead() == ["a0"]
    # The connection is moved once more, and another one with it.
    handOver(["a0"], ["a1x1"])
    timeline.leave(generations[1])
    assert dead() == ["a0", "a1x1"]
    # A worker that says nothing may have moved any.
    handOver(None, [])
    timeline.leave(generations[2])
    assert dead() == ["a0", "a0x2", "a1x1", "a1x2"]
    # As long as an older generation is there, it might lead to any.
    handOver(["a0"], [])
    handOver(["a0"], [])
    timeline.leave(generations[4])
    assert dead() == ["a0", "a0x2", "a0x4", "a1x1", "a1x2", "a1x4"]
    timeline.leave(generations[3])
    assert timeline.bus() == {"a0": "a0x5", "a0x5": "", "a1x5": ""}


def test_moreNamesThanAnAnswerHolds(timeline: Timeline) -> None:
    """Where each of many generations has left a connection, no worker can tell all of them."""
    old = list(timeline.reactor.workers)
    new, outcome = timeline.replace(2)
    for worker in new:
        worker.sayReady()
    timeline.reactor.pumpAll()
    for worker in old:
        worker.given.callback([f"a3x{number}" for number in range(9_000)])
    timeline.reactor.pumpAll()
    assert outcome == [None]
    assert [worker.exitedAtOnce for worker in old] == [[], []]
    timeline.leave(old)
    assert timeline.bus() == {"a0": "a0x1", "a1": "a1x1", "a0x1": "", "a1x1": ""}


def test_aWorkerThatCannotStartEndsItsGeneration(timeline: Timeline) -> None:
    old = list(timeline.reactor.workers)
    new, outcome = timeline.replace(2)
    new[0].sayReady()
    new[1].sayFailed("no such certificate")
    timeline.reactor.pumpAll()
    new[0].quiet.callback(None)
    timeline.reactor.pumpAll()
    for worker in new:
        worker.exit()
    [failure] = outcome
    assert failure.check(BootFailure)
    assert "no such certificate" in failure.getErrorMessage()
    assert timeline.succession.current.number == 0
    assert timeline.bus() == {"a0": "", "a1": ""}
    assert [worker.successors for worker in old] == [[], []]


def test_aGenerationThatHasNoPlaceOnTheBus(timeline: Timeline) -> None:
    """It leaves nothing, and another one finds its own."""
    before, inboxes = timeline.bus(), set(timeline.ground.inboxes)
    obstacle = timeline.directory / "run" / "bus" / "a1x1"
    obstacle.mkdir()
    new, outcome = timeline.replace(3)
    assert new == []
    assert outcome[0].check(BindError)
    obstacle.rmdir()
    assert timeline.bus() == before
    assert set(timeline.ground.inboxes) == inboxes
    old = list(timeline.reactor.workers)
    new, outcome = timeline.replace(3)
    timeline.takeOver(old, new)
    assert outcome == [None]
    timeline.leave(old)


def test_whereNoLinkCanBe(timeline: Timeline) -> None:
    """A generation that has gone leaves nothing open, whatever has become of its directory."""
    old = list(timeline.reactor.workers)
    new, _ = timeline.replace(2)
    timeline.takeOver(old, new)
    directory = timeline.directory / "run" / "bus"
    directory.rename(directory.with_name("lost"))
    with capturedLogs() as events:
        timeline.leave(old)
    assert [event["heir"] for event in events if "heir" in event] == ["a0x1", "a1x1"]
    assert list(timeline.ground.inboxes) == ["a0x1", "a1x1"]
    directory.mkdir()


def test_theRunDirectoryIsForOneServer(timeline: Timeline) -> None:
    """A second one changes nothing there."""
    before = timeline.bus()
    with pytest.raises(OSError, match="another server runs with this run_directory"):
        Ground(timeline.load(2)[0]).privilegedStartService()
    assert timeline.bus() == before


def test_theBufferOfSockets(timeline: Timeline) -> None:
    """Old and new ones get another when their workers take over, and not if they do not."""
    old = list(timeline.reactor.workers)
    assert timeline.buffers() == [BUFFER] * 2
    refused, outcome = timeline.replace(3, 2 * BUFFER)
    refused[0].sayFailed("no such certificate")
    timeline.reactor.pumpAll()
    for worker in refused:
        worker.exit()
    assert len(outcome) == 1
    assert timeline.buffers() == [BUFFER] * 2
    new, outcome = timeline.replace(3, 2 * BUFFER)
    timeline.takeOver(old, new)
    assert outcome == [None]
    assert timeline.buffers() == [2 * BUFFER] * 3
    timeline.leave(old)
    assert timeline.buffers() == [2 * BUFFER] * 3


def renew(timeline: Timeline, slot: int) -> MemoryWorker:
    """Have a worker of the only pool renewed.

    @return: the fresh one.
    """
    generation = timeline.succession.current
    generation.renew(generation.plan.pools[0], slot)
    return timeline.reactor.workers[-1]


def assignmentOf(worker: MemoryWorker) -> Assignment:
    return decodeAssignment(readBoot(io.BytesIO(worker.stdin)).payload)


def test_oneWorkerFollowsAnother(timeline: Timeline) -> None:
    """Twice in the same place; then others follow all of them."""
    names = ["a1", "a1y1", "a1y2"]
    for before, after in pairwise(names):
        old, fresh = timeline.serving[1], renew(timeline, 1)
        assert assignmentOf(fresh).code == after
        assert assignmentOf(fresh).predecessors == (before,)
        fresh.sayReady()
        timeline.reactor.pumpAll()
        assert old.successors == [[after]]
        old.given.callback(None)
        timeline.reactor.pumpAll()
        assert fresh.serves == 1
        old.exit()
        assert timeline.bus()[before] == after
        assert timeline.succession.current.codes == {"udp-0": ("a0", after)}
    assert timeline.bus() == {"a0": "", "a1": "a1y2", "a1y1": "a1y2", "a1y2": ""}
    old = timeline.serving
    new, outcome = timeline.replace(2)
    assert [assignmentOf(worker).predecessors for worker in new] == [("a0", "a1y2")] * 2
    timeline.takeOver(old, new)
    assert outcome == [None]
    timeline.leave(old)
    assert timeline.bus() == {
        **dict.fromkeys(names, "a1x1"),
        "a0": "a0x1",
        "a0x1": "",
        "a1x1": "",
    }


def test_namesOfRenewedWorkers(timeline: Timeline) -> None:
    """The neighbours go on to use them, whatever connections there are: they stay until others
    follow all, and as long as a connection has one."""
    for before, names in (("a1", ["a1"]), ("a1y1", [])):
        old, fresh = timeline.serving[1], renew(timeline, 1)
        fresh.sayReady()
        timeline.reactor.pumpAll()
        old.given.callback(names)
        timeline.reactor.pumpAll()
        old.exit()
        assert timeline.bus()[before]
    assert timeline.bus() == {"a0": "", "a1": "a1y2", "a1y1": "a1y2", "a1y2": ""}
    old = timeline.serving
    new, _ = timeline.replace(2)
    for worker in new:
        worker.sayReady()
    timeline.reactor.pumpAll()
    old[0].given.callback([])
    old[1].given.callback(["a1"])
    timeline.reactor.pumpAll()
    timeline.leave(old)
    assert timeline.bus() == {"a1": "a1x1", "a0x1": "", "a1x1": ""}


def test_aFreshWorkerThatCannotStartLeavesNothing(timeline: Timeline) -> None:
    before = timeline.bus()
    fresh = renew(timeline, 0)
    assert timeline.bus() == {**before, "a0y1": ""}
    fresh.sayFailed("no such certificate")
    timeline.reactor.pumpAll()
    fresh.exit()
    assert timeline.bus() == before
    assert timeline.succession.current.codes == {"udp-0": ("a0", "a1")}


def test_noRenewalDuringAReload(timeline: Timeline) -> None:
    """One that has just begun is given up; and there may be one again when the reload is over,
    whatever has come of it."""

    def mayBegin() -> bool:
        return timeline.succession.current.pools["udp-0"].renewals.mayBegin

    old = timeline.serving
    fresh = renew(timeline, 0)
    new, outcome = timeline.replace(2)
    assert fresh.signals == [SIGTERM]
    fresh.exit()
    assert not mayBegin()
    for worker in new:
        worker.sayFailed("no such certificate")
    timeline.reactor.pumpAll()
    for worker in new:
        worker.exit()
    assert len(outcome) == 1
    assert mayBegin()
    new, outcome = timeline.replace(2)
    timeline.takeOver(old, new)
    assert outcome == [None]
    assert mayBegin()
    timeline.leave(old)


def test_aStopEndsAllGenerations(timeline: Timeline) -> None:
    """Also one that is not ready: its reload is given up."""
    _, outcome = timeline.replace(2)
    timeline.end()
    assert len(outcome) == 1
    timeline.ground.privilegedStartService()

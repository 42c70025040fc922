"""A pool: a fixed number of worker processes that do the same work."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, succeed
from twisted.logger import ILogObserver, Logger

from .adoption import AdoptedWorker, Bequest, NotIdle, bequeath
from .blackbox import LABEL, BlackBox, tell
from .boot import Spawn
from .patience import Patience
from .process import WorkerProcess
from .slot import Slot
from .slottable import BACKING_OFF, PARKED, READY, STOPPED


class BootFailure(Exception):
    """A pool could not be started.

    @ivar worker: which of its workers was the first to fail.
    @ivar reason: what the worker said, or how it ended.
    """

    def __init__(self, worker: str, reason: str) -> None:
        super().__init__(f"{worker}: {reason}")
        self.worker = worker
        self.reason = reason


class PoolStopped(Exception):
    """A pool was stopped before it was ready."""


@dataclass(frozen=True)
class WorkerState:
    """A line in the listing of a pool.

    @ivar name: pool and slot.
    @ivar slot: counted from 0.
    @ivar pid: C{None} while there is no process.
    @ivar state: one of the states in L{sipapp.pool.slottable}.
    @ivar since: when it entered the state, in seconds on the reactor's clock.
    @ivar restarts: how many times a process was replaced in this slot.
    @ivar reason: why the last one was, or C{''}.
    """

    name: str
    slot: int
    pid: int | None
    state: str
    since: float
    restarts: int
    reason: str


class ProcessPool(Service):
    """Keeps C{size} worker processes alive between C{startService} and C{stopService}.

    The first start is all or nothing: if any worker cannot start, the others are stopped and
    L{whenReady} fails with the reason. From then on a worker that dies is replaced in its slot,
    on the same sockets, and a replacement that cannot start is tried again; nothing that happens
    in one slot disturbs another.
    """

    log = Logger()

    def __init__(
        self,
        name: str,
        size: int,
        describe: Callable[[int], Spawn],
        command: Sequence[str],
        reactor: Any,
        patience: Patience | None = None,
        environment: Mapping[str, str] | None = None,
        onReady: Callable[[str], None] | None = None,
        onExit: Callable[[str], None] | None = None,
        observer: ILogObserver | None = None,
        nameMessage: Callable[[bytes], str] = ascii,
        onCrashLoop: Callable[[frozenset[int]], bool] | None = None,
    ) -> None:
        """
        @param name: as in C{udp-0}; the workers are called C{udp-0/0}, C{udp-0/1} and so on.
        @param size: how many workers.
        @param describe: called with a slot number before each start of a process in it. What it
            raises is a failure to start.
        @param command: program and arguments, the same for every worker; usually
            C{(sys.executable, "-m", module)}.
        @param reactor: provides C{IReactorProcess}, C{IReactorSocket} and C{IReactorTime}.
        @param patience: the times that rule the slots.
        @param environment: of the workers; C{None} is that of this process.
        @param onReady: called with a worker's name whenever its process serves.
        @param onExit: called with a worker's name when its process has gone, to clean up what it
            may have left behind; and once more if its slot is parked.
        @param observer: where the output of the workers goes; C{None} is the log.
        @param nameMessage: what to call a message in the log that a worker has died of.
        @param onCrashLoop: called with the slots that are to be parked, old and new, when
            processes of one crash one after the other: has nothing more arrive in those slots,
            and returns whether it could. Without it no slot is ever parked.
        """
        self.setName(name)
        self.size = size
        self._describe = describe
        self._command = tuple(command)
        self._reactor = reactor
        self._patience = patience if patience is not None else Patience()
        self._environment = dict(os.environ if environment is None else environment)
        self._onReady = onReady
        self._onExit = onExit
        self._observer = observer
        self._nameMessage = nameMessage
        self._onCrashLoop = onCrashLoop
        self._parked: frozenset[int] = frozenset()
        self._boxes: dict[int, BlackBox] = {}
        self._bequests: dict[int, Bequest | None] = {}
        self._slots = [
            Slot(f"{name}/{index}", index, self._spawn, self, self._patience, reactor)
            for index in range(size)
        ]
        self._serves = False
        self._outcome: bool | Exception | None = None
        self._awaitingReady: list[Deferred[None]] = []
        self._awaitingStop: list[Deferred[None]] = []

    def startService(self) -> None:
        if self.running:
            return
        super().startService()
        self._outcome = None
        self._parked = frozenset(slot for slot, each in self._bequests.items() if each is None)
        for slot in self._slots:
            if slot.index in self._parked:
                del self._bequests[slot.index]
                slot.park()
            # A start that fails at once stops the pool: the rest need not be tried.
            elif self._outcome is None:
                slot.start()

    def bequeath(self) -> list[Bequest | None]:
        """Describe the worker of each slot to the image that this process is to execute next.

        @return: C{None} for a slot that is parked: it is so in the next image too.
        @raise NotIdle: if a worker is not ready, or something is under way with it.
        """
        bequests: list[Bequest | None] = []
        for slot in self._slots:
            if slot.state == PARKED:
                bequests.append(None)
                continue
            if slot.state != READY or slot.process is None:
                raise NotIdle(f"{slot.name} is {slot.state}")
            bequests.append(bequeath(slot.process, self._boxes[slot.index].fd))
        return bequests

    def inherit(self, bequests: Sequence[Bequest | None]) -> None:
        """Start with the workers of an earlier image: what L{bequeath} has said about them."""
        self._bequests = dict(enumerate(bequests))

    def handOver(self, successors: Sequence[str]) -> Deferred[None]:
        """Have every worker give its place to others. From now on none is replaced.

        @param successors: what the composition calls the workers that follow, in slot order.
        @return: fires when they may begin: every worker has handed over, or has gone, or has
            had L{Patience.handOver} for it.
        """
        waiting = {slot.name for slot in self._slots}
        given: Deferred[None] = Deferred()

        def answered(_: object, name: str) -> None:
            waiting.discard(name)
            if not waiting and patience.active():
                patience.cancel()
                given.callback(None)

        def late() -> None:
            self.log.warn(
                "{names} have not handed over within {limit:g} s: their successors begin now",
                names=", ".join(sorted(waiting)),
                limit=self._patience.handOver,
            )
            given.callback(None)

        patience = self._reactor.callLater(self._patience.handOver, late)
        for slot in self._slots:
            slot.handOver(successors).addCallback(answered, slot.name)
        return given

    def serve(self) -> Deferred[Any]:
        """Have every worker begin that follows others, also those that are ready only later.

        @return: fires when all that are ready now have begun.
        """
        self._serves = True
        return DeferredList([slot.serve() for slot in self._slots])

    def quiesce(self) -> Deferred[Any]:
        """Have every worker finish its work, but stay as long as other pools may need it.

        @return: fires when all have, or when they have had the time for it.
        """
        quiet: Deferred[Any] = DeferredList([slot.quiesce() for slot in self._slots])
        # A worker that is stuck does not answer.
        quiet.addTimeout(self._patience.drain + self._patience.margin, self._reactor)
        return quiet.addErrback(lambda failure: failure.trap(TimeoutError, CancelledError))

    def stopService(self) -> Deferred[None]:
        """Drain every worker.

        @return: fires when the last process has been reaped.
        """
        super().stopService()
        if self._outcome is None:
            self._decide(PoolStopped(f"{self.name} was stopped before it was ready"))
        return self._stopAll()

    def whenReady(self) -> Deferred[None]:
        """
        @return: fires when every worker has said Ready for the first time. Fails with
            L{BootFailure} if one cannot start, and with L{PoolStopped}.
        """
        if self._outcome is None:
            waiting: Deferred[None] = Deferred()
            self._awaitingReady.append(waiting)
            return waiting
        answer: Deferred[None] = succeed(None)
        if isinstance(self._outcome, Exception):
            outcome = self._outcome
            answer = Deferred()
            answer.errback(outcome)
        return answer

    def workers(self) -> list[WorkerState]:
        """
        @return: the slots of the pool as they are now, in their order.
        """
        return [
            WorkerState(
                slot.name, slot.index, slot.pid, slot.state, slot.since, slot.restarts, slot.reason
            )
            for slot in self._slots
        ]

    def _spawn(self, slot: Slot) -> WorkerProcess:
        bequest = self._bequests.pop(slot.index, None)
        if bequest is not None:
            self._boxes[slot.index] = BlackBox(bequest.box)
            adopted = AdoptedWorker(slot.name, self._reactor, slot, self._observer)
            adopted.adopt(bequest)
            return adopted
        spawn = self._describe(slot.index)
        if slot.index not in self._boxes:
            self._boxes[slot.index] = BlackBox()
        box = self._boxes[slot.index]
        box.erase()
        process = WorkerProcess(slot.name, self._reactor, slot, self._observer)
        process.spawn(
            self._command,
            Spawn(spawn.payload, {**spawn.fds, LABEL: box.fd}),
            slot.index,
            self._patience.drain,
            self._environment,
        )
        return process

    def _stopAll(self) -> Deferred[None]:
        stopped: Deferred[None] = Deferred()
        self._awaitingStop.append(stopped)
        for slot in self._slots:
            if slot.state != STOPPED:
                slot.stop()
        self._checkStopped()
        return stopped

    def _checkStopped(self) -> None:
        if all(slot.state == STOPPED for slot in self._slots):
            while self._boxes:
                self._boxes.popitem()[1].close()
            waiting, self._awaitingStop = self._awaitingStop, []
            for each in waiting:
                each.callback(None)

    def _decide(self, outcome: bool | Exception) -> None:
        """The first start is over."""
        self._outcome = outcome
        waiting, self._awaitingReady = self._awaitingReady, []
        for each in waiting:
            if isinstance(outcome, Exception):
                each.errback(outcome)
            else:
                each.callback(None)

    # What the slots report: see SlotOwner.

    def slotReady(self, slot: Slot) -> None:
        if self._outcome is None and all(each.state in (READY, PARKED) for each in self._slots):
            self._decide(True)
        if self._serves:
            slot.serve()
        if self._parked:
            slot.parked(sorted(self._parked))
        if self._onReady is not None:
            self._onReady(slot.name)

    def slotFailed(self, slot: Slot, reason: str) -> None:
        if self._outcome is None:
            self._decide(BootFailure(slot.name, reason))
            self._stopAll()

    def slotExited(self, slot: Slot) -> None:
        self._tellNote(slot, slot.state == BACKING_OFF)
        if self._onExit is not None:
            self._onExit(slot.name)

    def slotStuck(self, slot: Slot) -> None:
        self._tellNote(slot, True)

    def slotLoops(self, slot: Slot) -> bool:
        """The last slot is not given up: a worker that crashes is better than none."""
        parked = self._parked | {slot.index}
        isLast = len(parked) == self.size
        if isLast or self._onCrashLoop is None or not self._onCrashLoop(parked):
            self.log.critical(
                "{name} CRASHES AGAIN AND AGAIN, and there is nobody who could do its work. It is"
                " tried again; the last: {reason}",
                name=slot.name,
                reason=slot.reason,
            )
            return False
        self._parked = parked
        for each in self._slots:
            each.parked(sorted(parked))
        return True

    def slotParked(self, slot: Slot) -> None:
        if self._onExit is not None:
            self._onExit(slot.name)

    def _tellNote(self, slot: Slot, isLast: bool) -> None:
        """Log what the process of a slot was working on.

        @param isLast: true also tells what it had read last if it was working on nothing.
        """
        box = self._boxes.get(slot.index)
        note = box.read() if box is not None else None
        if box is not None and note is not None and (note.isInHand or isLast):
            box.erase()
            self.log.critical("{note}", note=tell(slot.name, note, self._nameMessage))

    def slotStopped(self, slot: Slot) -> None:
        self._checkStopped()

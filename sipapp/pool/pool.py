"""A pool: a fixed number of worker processes that do the same work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList, TimeoutError
from twisted.logger import ILogObserver, Logger

from .adoption import Bequest, NotIdle
from .blackbox import Name
from .boot import Spawn
from .channel import ControlChannel
from .desk import Desk
from .firststart import BootFailure, FirstStart, PoolStopped
from .launcher import Launcher
from .patience import Patience
from .process import WorkerProcess
from .renewals import Renewals
from .slot import Slot
from .slottable import BACKING_OFF, PARKED, READY, STOPPED
from .workerstate import WorkerState


class ProcessPool(Service):
    """Keeps C{size} worker processes alive between C{startService} and C{stopService}.

    The first start is all or nothing: if any worker cannot start, the others are stopped and
    L{whenReady} fails with the reason. From then on a worker that dies is replaced in its slot,
    on the same sockets, and a replacement that cannot start is tried again; nothing that happens
    in one slot disturbs another.

    @ivar renewals: how single workers are replaced while they serve.
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
        nameMessage: Callable[[bytes], Name] = lambda data: Name(ascii(data)),
        onCrashLoop: Callable[[frozenset[int]], bool] | None = None,
        desk: Desk | None = None,
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
        @param desk: who answers the workers; C{None} is nobody.
        """
        self.setName(name)
        self.size = size
        self._describe = describe
        self._reactor = reactor
        self._patience = patience if patience is not None else Patience()
        self._onReady = onReady
        self._onExit = onExit
        self._onCrashLoop = onCrashLoop
        self._launcher = Launcher(
            command, reactor, self._patience.drain, environment, observer, nameMessage, desk
        )
        self._parked: frozenset[int] = frozenset()
        self._bequests: dict[int, Bequest | None] = {}
        self._slots = [self.makeSlot(index) for index in range(size)]
        self.renewals = Renewals(self, self._launcher, self._patience.handOver, reactor)
        self._isLeaving = False
        self._serves = False
        self._firstStart = FirstStart()
        self._awaitingStop: list[Deferred[None]] = []

    def startService(self) -> None:
        if self.running:
            return
        super().startService()
        self._firstStart.begin()
        self._isLeaving = False
        self._parked = frozenset(slot for slot, each in self._bequests.items() if each is None)
        for slot in self._slots:
            if slot.index in self._parked:
                del self._bequests[slot.index]
                slot.park()
            # A start that fails at once stops the pool: the rest need not be tried.
            elif not self._firstStart.isOver:
                slot.start()

    def bequeath(self) -> list[Bequest | None]:
        """Describe the worker of each slot to the image that this process is to execute next.

        @return: C{None} for a slot that is parked: it is so in the next image too.
        @raise NotIdle: if a worker is not ready, or something is under way with it.
        """
        if self.renewals.isUnderWay:
            raise NotIdle(f"a worker of {self.name} is being replaced")
        return [
            None if slot.state == PARKED else self._launcher.bequeath(slot) for slot in self._slots
        ]

    def inherit(self, bequests: Sequence[Bequest | None]) -> None:
        """Start with the workers of an earlier image: what L{bequeath} has said about them."""
        self._bequests = dict(enumerate(bequests))

    def handOver(self, successors: Sequence[str]) -> Deferred[list[str] | None]:
        """Have every worker give its place to others. From now on none is replaced.

        @param successors: what the composition calls the workers that follow, in slot order.
        @return: fires when they may begin: every worker has handed over, or has gone, or has
            had L{Patience.handOver} for it. With the names that are in the world for what the
            successors were given; C{None} if a worker has not told.
        """
        self._isLeaving = True
        waiting = {slot.name for slot in self._slots}
        names: list[str] | None = []
        given: Deferred[list[str] | None] = Deferred()

        def answered(told: list[str] | None, name: str) -> None:
            nonlocal names
            waiting.discard(name)
            names = None if names is None or told is None else [*names, *told]
            if not waiting and patience.active():
                patience.cancel()
                given.callback(names)

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
        self._isLeaving = True
        self.renewals.stop()
        quiet: Deferred[Any] = DeferredList([slot.quiesce() for slot in self._slots])
        # A worker that is stuck does not answer.
        quiet.addTimeout(self._patience.drain + self._patience.margin, self._reactor)
        return quiet.addErrback(lambda failure: failure.trap(TimeoutError, CancelledError))

    def stopService(self) -> Deferred[None]:
        """Drain every worker.

        @return: fires when the last process has been reaped.
        """
        super().stopService()
        self._isLeaving = True
        self.renewals.stop()
        if not self._firstStart.isOver:
            self._firstStart.end(PoolStopped(f"{self.name} was stopped before it was ready"))
        return self._stopAll()

    def whenReady(self) -> Deferred[None]:
        """
        @return: fires when every worker has said Ready for the first time. Fails with
            L{BootFailure} if one cannot start, and with L{PoolStopped}.
        """
        return self._firstStart.whenOver()

    def workers(self) -> list[WorkerState]:
        """
        @return: the slots of the pool as they are now, in their order.
        """
        return [WorkerState.of(slot) for slot in self._slots]

    def channel(self, worker: str) -> ControlChannel | None:
        """
        @param worker: the name of one.
        @return: what it is asked through; C{None} if there is none that serves.
        """
        serving = (slot for slot in self._slots if slot.name == worker and slot.state == READY)
        return next((slot.process.channel for slot in serving if slot.process is not None), None)

    # What the renewals want: see RenewingPool.

    @property
    def isUp(self) -> bool:
        return bool(self.running) and self._firstStart.hasSucceeded and not self._isLeaving

    def makeSlot(self, index: int) -> Slot:
        return Slot(f"{self.name}/{index}", index, self._spawn, self, self._patience, self._reactor)

    def slotAt(self, index: int) -> Slot:
        return self._slots[index]

    def replaceSlot(self, fresh: Slot) -> None:
        self._slots[fresh.index] = fresh
        # It waits to be told, perhaps only when it is ready once more.
        self._serves = True

    def renewalOver(self) -> None:
        self._checkStopped()

    # Starting and stopping.

    def _spawn(self, slot: Slot) -> WorkerProcess:
        bequest = self._bequests.pop(slot.index, None)
        if bequest is not None:
            return self._launcher.adopt(slot, bequest)
        return self._launcher.launch(slot, self._describe(slot.index))

    def _stopAll(self) -> Deferred[None]:
        stopped: Deferred[None] = Deferred()
        self._awaitingStop.append(stopped)
        for slot in self._slots:
            if slot.state != STOPPED:
                slot.stop()
        self._checkStopped()
        return stopped

    def _checkStopped(self) -> None:
        if not self.renewals.isUnderWay and all(slot.state == STOPPED for slot in self._slots):
            for slot in self._slots:
                self._launcher.forget(slot)
            waiting, self._awaitingStop = self._awaitingStop, []
            for each in waiting:
                each.callback(None)

    # What the slots report: see SlotOwner.

    def slotReady(self, slot: Slot) -> None:
        isUp = all(each.state in (READY, PARKED) for each in self._slots)
        if isUp and not self._firstStart.isOver:
            self._firstStart.end()
        if self._serves:
            slot.serve()
        if self._parked:
            slot.parked(sorted(self._parked))
        if self._onReady is not None:
            self._onReady(slot.name)

    def slotFailed(self, slot: Slot, reason: str) -> None:
        if not self._firstStart.isOver:
            self._firstStart.end(BootFailure(slot.name, reason))
            self._stopAll()

    def slotExited(self, slot: Slot) -> None:
        self._launcher.tellNote(slot, slot.state == BACKING_OFF)
        if self._onExit is not None:
            self._onExit(slot.name)

    def slotStuck(self, slot: Slot) -> None:
        self._launcher.tellNote(slot, True)

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

    def slotStopped(self, slot: Slot) -> None:
        self._checkStopped()

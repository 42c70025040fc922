"""A slot: a worker's place in its pool, and the rules by which the place is kept filled.

Theory of operation
===================

A slot has at most one process and at most one timer. What happens next depends only on the state
and the input: L{sipapp.pool.slottable} says it all.

A failure to start is announced to the owner, who decides what it means: during the first start it
is a mistake of the operator's and stops the pool; later the slot just tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from .crashrecord import CrashRecord
from .patience import Patience
from .process import WorkerProcess
from .slotowner import SlotOwner
from .slottable import (
    ALIVE,
    CRASH_LOOP,
    EXITED,
    LEAVE,
    LEAVING,
    PARK,
    READY,
    SAID_FAILED,
    SAID_READY,
    START,
    STARTING,
    STOP,
    STOPPED,
    TABLE,
    TIMER,
)
from .tablemachine import TableMachine


class Slot(TableMachine):
    """One slot.

    @ivar index: its number in the pool, from 0.
    @ivar spawn: starts a process that reports to this slot; may raise.
    @ivar owner: hears what becomes of it.
    @ivar name: pool and number: C{udp-0/2}.
    @ivar restarts: how many processes have replaced another here.
    @ivar reason: why the last process failed or crashed; empty if none has.
    """

    log = Logger()

    def __init__(
        self,
        name: str,
        index: int,
        spawn: Callable[[Slot], WorkerProcess],
        owner: SlotOwner,
        patience: Patience,
        reactor: Any,
    ) -> None:
        """
        @param reactor: provides C{IReactorTime}.
        """
        super().__init__(name, TABLE, STOPPED, reactor.seconds)
        self.index = index
        self.restarts = 0
        self.reason = ""
        self.spawn = spawn
        self.owner = owner
        self._patience = patience
        self._reactor = reactor
        self._process: WorkerProcess | None = None
        self._past = CrashRecord(patience)
        self._finishBy: float | None = None
        self._timer: Any = None

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return self._process.pid if self._process is not None else None

    @property
    def process(self) -> WorkerProcess | None:
        """The process as such."""
        return self._process

    def start(self) -> None:
        """Fill the slot and keep it filled."""
        self.receive(START)

    def park(self) -> None:
        """Leave the slot empty: others do its work already."""
        self.receive(PARK)

    def quiesce(self) -> Deferred[None]:
        """Have the process finish its work before it is told to go.

        @return: fires when it has nothing left to finish, or L{Patience.drain} is over. From now
            on that time runs out: what is left of it is what a later drain may take.
        """
        if self.state not in (READY, LEAVING) or self._process is None:
            return succeed(None)
        return self._process.quiesce(self._timeToFinish())

    def handOver(self, successors: Sequence[str]) -> Deferred[list[str] | None]:
        """Have the process give its place to others. It is not replaced from now on.

        @param successors: what the composition calls them.
        @return: fires when they may begin, or when there is no process that could hold them up;
            with what C{ControlChannel.handOver} gives.
        """
        self.receive(LEAVE)
        if self.state != LEAVING or self._process is None:
            return succeed([])
        return self._process.handOver(successors)

    def serve(self) -> Deferred[None]:
        """Have a process that follows others begin.

        @return: fires when it has, or if there is none.
        """
        if self.state != READY or self._process is None:
            return succeed(None)
        return self._process.serve()

    def parked(self, slots: Sequence[int]) -> None:
        """Tell the process, if it serves, which slots of its pool are parked."""
        if self.state == READY and self._process is not None:
            self._process.parked(slots)

    def end(self, number: int) -> None:
        """Send the process, if there is one, a signal by which an operator has it end. Another one
        is started, and it counts for no crash."""
        if self._process is not None:
            self._past.asked()
            self._process.signal(number)

    def stop(self) -> None:
        """Drain the process and start no other."""
        self.receive(STOP)

    # What the process reports: see WorkerOwner.

    def workerReady(self) -> None:
        self.receive(SAID_READY)

    def workerFailed(self, reason: str) -> None:
        self.receive(SAID_FAILED, reason)

    def workerAlive(self) -> None:
        self.receive(ALIVE)

    def workerExited(self, how: str, lastLine: str) -> None:
        # Before it is ready, a process has no better way to say what is wrong.
        showLine = lastLine and self.state == STARTING
        self.receive(EXITED, f"{how}: {lastLine}" if showLine else how)

    # Actions: the names in TABLE, with an underscore.

    def _launch(self, detail: str) -> None:
        self._past.launched()
        try:
            self._process = self.spawn(self)
        except Exception as error:
            self.log.failure("{name} could not be started", name=self.name)
            self.receive(EXITED, f"could not be started: {error}")

    def _countRestart(self, detail: str) -> None:
        self.restarts += 1

    def _drain(self, detail: str) -> None:
        if self._process is not None:
            self._process.drain(self._timeToFinish())

    def _terminate(self, detail: str) -> None:
        if self._process is not None:
            self._process.terminate()

    def _kill(self, detail: str) -> None:
        if self._process is not None:
            self.log.warn("{name} is killed, pid {pid}", name=self.name, pid=self.pid)
            self._past.killed()
            self._process.kill()

    def _dumpStack(self, detail: str) -> None:
        self.reason = f"no sign of life for {self._patience.stuck:g} s"
        self.log.critical(
            "{name} has a stuck reactor: {reason}. It is replaced; its stack follows",
            name=self.name,
            reason=self.reason,
        )
        self.owner.slotStuck(self)
        if self._process is not None:
            self._process.dumpStack()

    def _awaitStack(self, detail: str) -> None:
        self._setTimer(self._patience.stack)

    def _awaitAlive(self, detail: str) -> None:
        self._cancelTimer("")
        if self._patience.stuck is not None:
            self._setTimer(self._patience.stuck)

    def _announceAlive(self, detail: str) -> None:
        self.log.warn("{name} has given a sign of life and stays", name=self.name)

    def _countCrash(self, detail: str) -> None:
        if self._process is not None:
            self._past.crashed(detail, self._reactor.seconds())

    def _backOff(self, detail: str) -> None:
        self._setTimer(self._past.nextDelay(detail, self._reactor.seconds()))

    def _retryOrPark(self, detail: str) -> None:
        if self._past.isLoop and self.owner.slotLoops(self):
            self._past.forgetLoop()
            self.receive(CRASH_LOOP)
            return
        delay = self._timer.getTime() - self._reactor.seconds()
        self.log.info("{name} is tried again in {delay:.1f} s", name=self.name, delay=delay)

    def _announceParked(self, detail: str) -> None:
        self.log.critical(
            "{name} IS PARKED: {count} crashes within {window:g} s, the last: {reason}. The other"
            " workers of its pool do its work; it stays empty until the pool is replaced",
            name=self.name,
            count=self._patience.crashes,
            window=self._patience.window,
            reason=self.reason,
        )
        self.owner.slotParked(self)

    def _awaitReady(self, detail: str) -> None:
        self._setTimer(self._patience.boot)

    def _awaitExit(self, detail: str) -> None:
        self._setTimer(self._patience.margin)

    def _awaitDrained(self, detail: str) -> None:
        self._setTimer(self._timeToFinish() + self._patience.margin)

    def _timeToFinish(self) -> float:
        """What is left of the time that it may take to finish. It begins with the first look."""
        now: float = self._reactor.seconds()
        if self._finishBy is None:
            self._finishBy = now + self._patience.drain
        return max(0.0, self._finishBy - now)

    def _cancelTimer(self, detail: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _announceReady(self, detail: str) -> None:
        self._past.ready(self._reactor.seconds())
        self.log.info("{name} is ready, pid {pid}", name=self.name, pid=self.pid)
        self.owner.slotReady(self)

    def _announceFailed(self, detail: str) -> None:
        self.reason = detail
        self.log.critical("{name} cannot start: {reason}", name=self.name, reason=detail)
        self.owner.slotFailed(self, detail)

    def _announceLate(self, detail: str) -> None:
        self._announceFailed(f"not ready within {self._patience.boot:g} s")

    def _announceCrash(self, detail: str) -> None:
        self.reason = detail
        if self._past.isAsked:
            self.log.info("{name} was asked to end: {reason}", name=self.name, reason=detail)
        else:
            self.log.critical("{name} has crashed: {reason}", name=self.name, reason=detail)

    def _announceExit(self, detail: str) -> None:
        self.log.info("{name} has gone, pid {pid}: {how}", name=self.name, pid=self.pid, how=detail)
        self._process = None
        self.owner.slotExited(self)

    def _announceStopped(self, detail: str) -> None:
        self._past.forget()
        self._finishBy = None
        self.owner.slotStopped(self)

    def _setTimer(self, delay: float) -> None:
        self._cancelTimer("")
        self._timer = self._reactor.callLater(delay, self._timeout)

    def _timeout(self) -> None:
        self._timer = None
        self.receive(TIMER)

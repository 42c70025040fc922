"""Worker processes that exist in memory only, so that a test can tell their whole life."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, IOPump, connect

from sipapp.pool import Boot, WorkerControl
from sipapp.pool.boot import CONTROL_FD


class WorkerReactor:
    """The reactor of a worker in memory: knows how to be stopped."""

    def __init__(self) -> None:
        self.stops = 0
        self.triggers: list[Callable[[], Any]] = []

    def stop(self) -> None:
        self.stops += 1

    def addSystemEventTrigger(self, phase: str, event: str, trigger: Callable[[], Any]) -> None:
        assert (phase, event) == ("before", "shutdown")
        self.triggers.append(trigger)


class MemoryWorker:
    """Both sides of a worker process: the transport that the parent has, and what a test makes
    the worker do.

    @ivar drains: the time limits of the Drain commands that have arrived.
    @ivar parkings: what the Parked commands have said.
    @ivar quiet: what a Quiesce command waits for.
    @ivar successors: what came with each HandOver command.
    @ivar given: what a HandOver command waits for: the names that it answers with.
    @ivar serves: how many times it was told to serve.
    @ivar signals: the signals that the parent has sent.
    """

    pid: int

    def __init__(self, channel: Any) -> None:
        self.drains: list[float] = []
        self.parkings: list[list[int]] = []
        self.signals: list[int] = []
        self.stdin = b""
        self.stdinClosed = False
        self.exitedAtOnce: list[int] = []
        self.workerReactor = WorkerReactor()
        self.drained: Deferred[None] = Deferred()
        self.quiet: Deferred[None] = Deferred()
        self.successors: list[list[str]] = []
        self.given: Deferred[list[str] | None] = Deferred()
        self.serves = 0
        boot = Boot("memory", 0, {}, b"", 30.0, 1)
        self.control = WorkerControl(
            self.workerReactor,
            boot,
            self._onDrain,
            self.exitedAtOnce.append,
            lambda timeout: self.quiet,
            self._onHandOver,
            self._onServe,
            self.parkings.append,
        )
        self.pump: IOPump = connect(
            channel, FakeTransport(channel, True), self.control, FakeTransport(self.control, False)
        )
        self.isGone = False

    def _onDrain(self, timeout: float) -> Deferred[None]:
        self.drains.append(timeout)
        return self.drained

    def _onHandOver(self, successors: Sequence[str]) -> Deferred[list[str] | None]:
        self.successors.append(list(successors))
        return self.given

    def _onServe(self) -> None:
        self.serves += 1

    def started(self, pid: int, protocol: ProcessProtocol, environment: Mapping[str, str]) -> None:
        self.pid = pid
        self.protocol = protocol
        self.environment = environment
        protocol.makeConnection(self)

    # What the worker does.

    def sayReady(self) -> None:
        self.control.ready().addErrback(lambda _: None)
        self.pump.flush()

    def sayFailed(self, reason: str) -> None:
        self.control.failed(reason)
        self.pump.flush()

    def printError(self, text: str) -> None:
        self.protocol.childDataReceived(2, text.encode())

    def reap(self, status: int = 0, killedBy: int | None = None) -> None:
        """The process ends, but somebody still holds its descriptors."""
        self.isGone = True
        if status or killedBy:
            self.reason = Failure(ProcessTerminated(status, killedBy))
        else:
            self.reason = Failure(ProcessDone(0))
        self.protocol.processExited(self.reason)

    def closeControl(self) -> None:
        transport: Any = self.control.transport
        transport.loseConnection()
        self.pump.flush()

    def closeOutput(self) -> None:
        self.protocol.processEnded(self.reason)

    def exit(self, status: int = 0, killedBy: int | None = None) -> None:
        self.reap(status, killedBy)
        self.closeControl()
        self.closeOutput()

    # What the parent does: IProcessTransport.

    def writeToChild(self, childFD: int, data: bytes) -> None:
        assert childFD == 0
        self.stdin += data

    def closeChildFD(self, childFD: int) -> None:
        assert childFD == 0
        self.stdinClosed = True

    def signalProcess(self, number: int) -> None:
        if self.isGone:
            raise ProcessExitedAlready()
        self.signals.append(number)


class MemoryReactor(Clock):
    """A clock that also starts processes in memory.

    @ivar workers: every process started so far, in order.
    @ivar commands: their command lines.
    @ivar childFDs: their descriptors.
    @ivar spawnErrors: raised, one each, by the next attempts to start a process.
    """

    def __init__(self) -> None:
        super().__init__()
        self.workers: list[MemoryWorker] = []
        self.commands: list[list[str]] = []
        self.childFDs: list[dict[int, Any]] = []
        self.spawnErrors: list[Exception] = []
        self.abandoned: list[MemoryWorker] = []

    def adoptStreamConnection(self, fd: int, family: int, factory: Factory) -> None:
        channel = factory.buildProtocol(None)
        self.abandoned.append(MemoryWorker(channel))

    def spawnProcess(
        self,
        protocol: ProcessProtocol,
        executable: str,
        args: Sequence[str],
        env: Mapping[str, str],
        childFDs: dict[int, Any],
    ) -> MemoryWorker:
        if self.spawnErrors:
            raise self.spawnErrors.pop(0)
        assert CONTROL_FD in childFDs
        worker = self.abandoned.pop()
        self.workers.append(worker)
        self.commands.append([executable, *args])
        self.childFDs.append(childFDs)
        worker.started(1000 + len(self.workers), protocol, env)
        return worker

    def pumpAll(self) -> None:
        """Deliver what parent and workers have written to each other."""
        for worker in self.workers:
            worker.pump.flush()


SIGTERM = int(signal.SIGTERM)
SIGKILL = int(signal.SIGKILL)

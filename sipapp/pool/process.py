"""One worker process, as the parent sees it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.logger import ILogObserver
from twisted.python.failure import Failure

from .boot import CONTROL_FD, DUMP_SIGNAL, FIRST_INHERITED_FD, Boot, Spawn, encodeBoot
from .channel import ControlChannel
from .commands import Unanswered
from .desk import Desk
from .lines import LogRelay
from .stacks import StackDump

# How long to wait, after the process has been reaped, for what it has said last. Only a process
# of its own that the worker has left behind with its descriptors can make this matter.
_LAST_WORDS = 1.0


class WorkerOwner(Protocol):
    """What a L{WorkerProcess} reports to. C{workerExited} comes once, and last."""

    def workerReady(self) -> None:
        """The worker serves."""

    def workerAlive(self) -> None:
        """The worker's reactor runs."""

    def workerFailed(self, reason: str) -> None:
        """The worker cannot serve and says why; its exit is still to come."""

    def workerExited(self, how: str, lastLine: str) -> None:
        """The process has gone, and everything that it said before has been reported.

        @param how: C{exited with status 1}, C{killed by SIGSEGV}.
        @param lastLine: the last line on its standard error, if any.
        """


class WorkerProcess(ProcessProtocol):
    """A worker process: starts it, reads what it says, ends it.

    @ivar pid: C{None} before L{spawn}; kept after the exit, for the log.
    """

    transport: IProcessTransport

    def __init__(
        self,
        name: str,
        reactor: Any,
        owner: WorkerOwner,
        observer: ILogObserver | None = None,
        desk: Desk | None = None,
    ) -> None:
        """
        @param name: pool and slot.
        @param reactor: provides C{IReactorProcess}, C{IReactorSocket} and C{IReactorTime}.
        @param observer: where the worker's output goes; C{None} is the parent's log.
        @param desk: who answers it; C{None} is nobody.
        """
        self.name = name
        self.pid: int | None = None
        self._reactor = reactor
        self._owner = owner
        self._output = {1: LogRelay(name, observer), 2: LogRelay(name, observer)}
        self._desk = desk
        self._channel = ControlChannel(self, reactor)
        self._dump: StackDump | None = None
        self._boot = b""
        self._exit: str | None = None
        self._outputEnded = False
        self._channelEnded = False
        self._finished = False
        self._lastWords: Any = None

    def spawn(
        self,
        command: Sequence[str],
        spawn: Spawn,
        slot: int,
        drainTimeout: float,
        environment: Mapping[str, str],
    ) -> None:
        """Start the process.

        @param command: program and arguments.
        @raise OSError: if there is no process to be had; nothing is reported then.
        """
        inherited = dict(enumerate(spawn.fds.items(), FIRST_INHERITED_FD))
        fds = {label: child for child, (label, _) in inherited.items()}
        self._boot = encodeBoot(
            Boot(self.name, slot, fds, spawn.payload, drainTimeout, os.getpid())
        )
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with ours, theirs:
            ours.setblocking(False)
            theirs.setblocking(False)
            factory = Factory.forProtocol(lambda: self._channel)
            self._reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, factory)
            childFDs: dict[int, int | str] = {0: "w", 1: "r", 2: "r", CONTROL_FD: theirs.fileno()}
            childFDs.update({child: parent for child, (_, parent) in inherited.items()})
            try:
                self._reactor.spawnProcess(
                    self,
                    command[0],
                    list(command),
                    # What a worker prints must be in the pipe before it crashes.
                    {**environment, "PYTHONUNBUFFERED": "1"},
                    childFDs=childFDs,
                )
            except BaseException:
                self._finished = True
                self._channel.close()
                raise

    @property
    def channel(self) -> ControlChannel:
        """The parent's end of the control channel."""
        return self._channel

    def quiesce(self, timeout: float) -> Deferred[None]:
        """Ask the worker to finish its work, and stay for the others'.

        @param timeout: seconds that it may take.
        @return: fires when it has, or cannot any more; never fails.
        """
        return self._channel.quiesce(timeout)

    def handOver(self, successors: Sequence[str]) -> Deferred[list[str] | None]:
        """Ask the worker to give its place to others: see C{ControlChannel.handOver}."""
        return self._channel.handOver(successors)

    def serve(self) -> Deferred[None]:
        """Tell a worker that follows others to begin.

        @return: fires when it has, or cannot any more; never fails.
        """
        return self._channel.serve()

    def parked(self, slots: Sequence[int]) -> None:
        """Tell the worker which slots of its pool have no worker any more."""
        self._channel.parked(slots)

    def drain(self, timeout: float) -> None:
        """Ask the worker to finish its work and exit.

        @param timeout: seconds that it may take.
        """
        self._channel.drain(timeout)

    def terminate(self) -> None:
        """Ask the process to exit; one that does not serve yet does so at once."""
        self.signal(signal.SIGTERM)

    def dumpStack(self) -> None:
        """Have the process say on its standard error what it is doing; see L{enterWorker}."""
        self.signal(DUMP_SIGNAL)

    def kill(self) -> None:
        """Leave the process no choice."""
        self.signal(signal.SIGKILL)

    def stack(self) -> Deferred[str]:
        """Have the process say what it is doing, and hear it: also one that is stuck.

        @return: fires with the stacks of its threads; with nothing if it cannot even do that.
        """
        if self._dump is None or self._dump.isOver:
            self._dump = StackDump(self._reactor)
            self.dumpStack()
        return self._dump.heard()

    def signal(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        try:
            self.transport.signalProcess(number)
        except ProcessExitedAlready:
            # Reaped, but its last words are still being read.
            return

    # The process speaks.

    def connectionMade(self) -> None:
        self.pid = self.transport.pid
        self.transport.writeToChild(0, self._boot)
        self.transport.closeChildFD(0)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self._output[childFD].feed(data)
        if childFD == 2 and self._dump is not None:
            self._dump.feed(data)

    def processExited(self, reason: Failure) -> None:
        self._exit = _describeExit(reason)
        self._lastWords = self._reactor.callLater(_LAST_WORDS, self._finish)

    def processEnded(self, reason: Failure) -> None:
        self._outputEnded = True
        self._finishIfAllSaid()

    # The control channel speaks.

    def channelReady(self) -> None:
        if not self._finished:
            self._owner.workerReady()

    def channelAlive(self) -> None:
        if not self._finished:
            self._owner.workerAlive()

    def channelFailed(self, reason: str) -> None:
        if not self._finished:
            self._owner.workerFailed(reason)

    def channelAsked(self, subject: str, body: bytes) -> Deferred[bytes]:
        if self._desk is None or self._finished:
            raise Unanswered("answers no questions")
        return self._desk.asked(self.name, subject, body)

    def channelTold(self, subject: str, body: bytes) -> None:
        if self._desk is not None and not self._finished:
            self._desk.told(self.name, subject, body)

    def channelLost(self) -> None:
        self._channelEnded = True
        self._finishIfAllSaid()

    def _finishIfAllSaid(self) -> None:
        if self._outputEnded and self._channelEnded and not self._finished:
            self._lastWords.cancel()
            self._finish()

    def _finish(self) -> None:
        self._finished = True
        for relay in self._output.values():
            relay.flush()
        self._owner.workerExited(self._exit or "vanished", self._output[2].lastLine)


def _describeExit(reason: Failure) -> str:
    ended = reason.value
    if isinstance(ended, ProcessTerminated):
        if ended.signal is not None:
            names = {each.value: each.name for each in signal.Signals}
            return f"killed by {names.get(ended.signal, ended.signal)}"
        return f"exited with status {ended.exitCode}"
    return "exited with status 0"

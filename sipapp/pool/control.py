"""The control channel between the parent and one worker: both ends of it.

It is a socket pair that speaks AMP. It carries few and small commands, but above all it is a
lifeline: as long as it is open the other side lives. The parent learns through it that a worker
serves; a worker exits at once when it closes, whatever it is doing, because nobody would ever
stop it or replace it afterwards.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred, succeed
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from .boot import CONTROL_FD, Boot
from .commands import Alive, BootFailed, Drain, HandOver, Parked, Quiesce, Ready, Serve, fitReason

_ORPHANED = 75
#: Seconds between signs of life.
_BEAT = 1.0


class _QuietAMP(amp.AMP):
    """AMP without its two log lines per connection, which name neither worker nor reason."""

    def makeConnection(self, transport: ITransport) -> None:
        amp.BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        amp.BinaryBoxProtocol.connectionLost(self, reason)
        self.transport = None


class WorkerListener(Protocol):
    """What the parent's end of a channel reports to."""

    def channelReady(self) -> None:
        """The worker has said Ready."""

    def channelAlive(self) -> None:
        """The worker has given a sign of life."""

    def channelFailed(self, reason: str) -> None:
        """The worker has said that it cannot serve."""

    def channelLost(self) -> None:
        """The channel has closed: nothing more will come."""


class ControlChannel(_QuietAMP):
    """The parent's end."""

    log = Logger()

    def __init__(self, listener: WorkerListener) -> None:
        super().__init__()
        self._listener = listener

    @property
    def isIdle(self) -> bool:
        """Whether nothing is under way: every question has been answered, and no message has been
        read or written in part."""
        transport: Any = self.transport
        if transport is None:
            return False
        isRead = not self.recvd and not self._currentBox
        isWritten = transport.offset == len(transport.dataBuffer) and not transport._tempDataBuffer
        return isRead and isWritten and not self._outstandingRequests

    def quiesce(self, timeout: float) -> Deferred[None]:
        """Tell the worker to finish its work, and stay for the others'.

        @param timeout: seconds that it may take.
        @return: fires when it has, or cannot any more; never fails.
        """
        return self._tell(Quiesce, timeout=timeout)

    def handOver(self, successors: Sequence[str]) -> Deferred[None]:
        """Tell the worker to give its place to others.

        @param successors: what the composition calls the workers that follow, in slot order.
        @return: fires when they may begin, or when the worker cannot answer; never fails.
        """
        return self._tell(HandOver, successors=list(successors))

    def serve(self) -> Deferred[None]:
        """Tell a worker that follows others to begin.

        @return: fires when it has, or cannot any more; never fails.
        """
        return self._tell(Serve)

    def parked(self, slots: Sequence[int]) -> None:
        """Tell the worker which slots of its pool have no worker any more."""
        self._tell(Parked, slots=list(slots))

    def drain(self, timeout: float) -> None:
        """Tell the worker to finish its work and exit.

        @param timeout: seconds that it may take.
        """
        self._tell(Drain, timeout=timeout)

    def _tell(self, command: type[amp.Command], **arguments: Any) -> Deferred[None]:
        """
        @return: fires with the answer, or without one: a worker that exits before it answers
            has nothing left to do.
        """
        told: Deferred[Any] = self.callRemote(command, **arguments)
        told.addErrback(lambda failure: failure.trap(ConnectionClosed, CancelledError))
        told.addErrback(
            lambda failure: self.log.failure("{name} was refused", failure, name=command.__name__)
        )
        return told.addCallback(lambda _: None)

    def close(self) -> None:
        """Let go of a worker that could not be started."""
        if self.transport is not None:
            self.transport.loseConnection()

    @Ready.responder
    def _ready(self) -> dict[str, Any]:
        self._listener.channelReady()
        return {}

    @Alive.responder
    def _alive(self) -> dict[str, Any]:
        self._listener.channelAlive()
        return {}

    @BootFailed.responder
    def _bootFailed(self, reason: str) -> dict[str, Any]:
        self._listener.channelFailed(reason)
        return {}

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self._listener.channelLost()


class WorkerControl(_QuietAMP):
    """The worker's end.

    It also decides how the worker ends:

    - told to drain, by command or by SIGTERM: C{onDrain} is called once, and the reactor stops
      when that has finished. A worker that never was ready has served nobody and just stops;
    - after L{failed}: the reactor stops when the parent has heard the reason;
    - when the channel closes: at once, without stopping the reactor.

    @ivar exitStatus: what the process should exit with once the reactor has stopped.
    """

    log = Logger()
    exitStatus = 0

    def __init__(
        self,
        reactor: Any,
        boot: Boot,
        onDrain: Callable[[float], Any],
        exitNow: Callable[[int], Any] = os._exit,
        onQuiesce: Callable[[float], Any] | None = None,
        onHandOver: Callable[[Sequence[str]], Any] | None = None,
        onServe: Callable[[], Any] | None = None,
        onParked: Callable[[Sequence[int]], Any] | None = None,
    ) -> None:
        """
        @param reactor: the worker's reactor.
        @param boot: what the worker has been started with.
        @param onDrain: called with the seconds that it may take: stop reading, finish what is
            there, stop the resources. Returns C{None}, a Deferred or a coroutine.
        @param exitNow: ends the process without ceremony.
        @param onQuiesce: called with the seconds that it may take: take no new work, finish what
            is there, but go on serving other workers. C{None} for one that serves no others.
        @param onHandOver: called with the names of the workers that follow: stop reading, give
            them what they need. C{None} for one that has nothing to give.
        @param onServe: called once, when the workers that this one follows have handed over.
        @param onParked: called with the slots whose work the others of the pool do. C{None} for
            one that is not concerned by what others do.
        """
        super().__init__()
        self._reactor = reactor
        self._boot = boot
        self._onDrain = onDrain
        self._exitNow = exitNow
        self._onQuiesce = onQuiesce
        self._onHandOver = onHandOver
        self._onServe = onServe
        self._onParked = onParked
        self._isReady = False
        self._isStopping = False
        self._drained: Deferred[None] | None = None

    def adopt(self, fd: int = CONTROL_FD) -> None:
        """Take the inherited end of the channel into the reactor."""
        self._reactor.addSystemEventTrigger("before", "shutdown", self._beforeShutdown)
        self._reactor.callWhenRunning(self._takeSignal)
        self._reactor.callWhenRunning(self._beat)
        self._reactor.adoptStreamConnection(fd, socket.AF_UNIX, Factory.forProtocol(lambda: self))
        # The reactor has a duplicate; this one would keep the channel open.
        os.close(fd)

    def ready(self) -> Deferred[Any]:
        """Tell the parent that this worker serves from now on.

        @return: fires when the parent knows.
        """
        self._isReady = True
        told: Deferred[Any] = self.callRemote(Ready)
        return told

    def failed(self, reason: str) -> Deferred[None]:
        """Tell the parent why this worker cannot serve, then stop the reactor.

        @param reason: for the operator: what is wrong, and where.
        """
        self.exitStatus = 1
        told: Deferred[Any] = self.callRemote(BootFailed, reason=fitReason(reason))
        return told.addBoth(self._stop)

    def _beat(self) -> None:
        """The parent replaces a worker that it has not heard of for some time."""
        if self._isReady and self.transport is not None:
            self.callRemote(Alive)
        self._reactor.callLater(_BEAT, self._beat)

    def _takeSignal(self) -> None:
        """A service manager may send SIGTERM to every process of the server, while the parent
        tells its workers to drain as well: the reactor must not be stopped twice."""
        signal.signal(signal.SIGTERM, lambda *_: self._reactor.callFromThread(self._stop, None))

    @Quiesce.responder
    def _quiesce(self, timeout: float) -> Deferred[dict[str, Any]]:
        quiet: Deferred[Any] = succeed(None)
        if self._onQuiesce is not None and self._isReady:
            quiet = maybeDeferred(self._onQuiesce, timeout)
        quiet.addErrback(lambda failure: self.log.failure("Quiesce failed", failure))
        return quiet.addCallback(lambda _: {})

    @HandOver.responder
    def _handOver(self, successors: list[str]) -> Deferred[dict[str, Any]]:
        given: Deferred[Any] = succeed(None)
        if self._onHandOver is not None and self._isReady:
            given = maybeDeferred(self._onHandOver, successors)
        given.addErrback(lambda failure: self.log.failure("HandOver failed", failure))
        return given.addCallback(lambda _: {})

    @Serve.responder
    def _serve(self) -> Deferred[dict[str, Any]]:
        onServe, self._onServe = self._onServe, None
        begun: Deferred[Any] = maybeDeferred(onServe) if onServe is not None else succeed(None)
        begun.addErrback(lambda failure: self.log.failure("Serve failed", failure))
        return begun.addCallback(lambda _: {})

    @Parked.responder
    def _parked(self, slots: list[int]) -> dict[str, Any]:
        if self._onParked is not None:
            self._onParked(slots)
        return {}

    @Drain.responder
    def _drain(self, timeout: float) -> dict[str, Any]:
        self._drainOnce(timeout).addBoth(self._stop)
        return {}

    def _drainOnce(self, timeout: float) -> Deferred[None]:
        if self._drained is None:
            onDrain = self._onDrain if self._isReady else _nothing
            self._drained = maybeDeferred(onDrain, timeout)
            self._drained.addErrback(lambda failure: self.log.failure("Drain failed", failure))
        return self._drained

    def _beforeShutdown(self) -> Deferred[None]:
        """Finish before the reactor stops, for whatever reason it does: SIGTERM, or we."""
        self._isStopping = True
        return self._drainOnce(self._boot.drainTimeout).addBoth(self._leave)

    def _leave(self, _: object) -> None:
        """From here on the channel closes because the reactor stops."""
        self._exitNow = lambda status: None

    def _stop(self, _: object) -> None:
        if not self._isStopping:
            self._isStopping = True
            self._reactor.stop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self._exitNow(_ORPHANED)


def _nothing(timeout: float) -> None:
    """Drain a worker that never was ready."""

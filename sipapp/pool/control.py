"""The worker's end of its control channel: see L{sipapp.pool.lifeline}."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from .boot import CONTROL_FD, Boot
from .commands import (
    Alive,
    BootFailed,
    Drain,
    HandOver,
    Parked,
    Quiesce,
    Ready,
    Serve,
    Unanswered,
    fitNames,
    fitReason,
)
from .conversation import Conversation

_ORPHANED = 75
#: Seconds between signs of life.
_BEAT = 1.0


class WorkerControl(Conversation):
    """Takes what the parent tells the worker.

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
        onAsked: Callable[[str, bytes], Deferred[bytes]] | None = None,
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
        @param onAsked: answers the parent: called with subject and question. C{None} for one that
            knows nothing.
        """
        super().__init__(reactor)
        self._reactor = reactor
        self._boot = boot
        self._onDrain = onDrain
        self._exitNow = exitNow
        self._onQuiesce = onQuiesce
        self._onHandOver = onHandOver
        self._onServe = onServe
        self._onParked = onParked
        self._onAsked = onAsked
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

    def answerTo(self, subject: str, body: bytes) -> Deferred[bytes]:
        if self._onAsked is None:
            raise Unanswered("answers no questions")
        return self._onAsked(subject, body)

    def hear(self, subject: str, body: bytes) -> None:
        """There is nothing that a parent tells."""

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
        return given.addCallback(lambda names: {"names": fitNames(names)})

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

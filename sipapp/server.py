"""What the parent process runs: listeners and pools put together.

It binds, spawns and watches. It never parses SIP, never runs a resource and never blocks.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, FirstError, gatherResults
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized
from twisted.python.failure import Failure

from sipapp.admin.notify import ServiceNotifier
from sipapp.assignment import Assignment, encodeAssignment, workerCode
from sipapp.config import (
    EMBEDDED_NAME,
    SHARED,
    Plan,
    PoolPlan,
    ResolvedListener,
    Settings,
    describePlan,
    encodeSettings,
)
from sipapp.ground import Ground
from sipapp.location import LocationMaintenance
from sipapp.pool import (
    BindError,
    BootFailure,
    ListenerService,
    PassedSockets,
    Patience,
    ProcessPool,
    Spawn,
    bindDatagram,
    bindStream,
)
from sipapp.postmortem import nameMessage
from sipapp.transport import steering

__all__ = ["Server"]

_log = Logger()


class Server(MultiService):
    """A whole server: a L{ListenerService} for each listener, the shared pool, and what they
    stand on."""

    def __init__(
        self, settings: Settings, plan: Plan, reactor: Any, observer: ILogObserver | None = None
    ) -> None:
        """
        @param observer: where the log goes; C{None} leaves it to twistd.
        """
        super().__init__()
        self._settings = settings
        self._plan = plan
        self._reactor = reactor
        self._observer = observer
        self._notifier = ServiceNotifier(reactor)
        self._isReady = False
        self._isStopping = False
        self._codes = {
            pool.name: tuple(workerCode(index, slot) for slot in range(pool.size))
            for index, pool in enumerate(plan.pools)
        }
        sipCodes = [code for pool in plan.pools for code in self._sipCodes(pool)]
        self._ground = Ground(settings, sipCodes)
        self._ground.setServiceParent(self)
        self._windows: dict[int, int] = {}
        self._bound = list(plan.listeners)
        self.listeners = [
            ListenerService(listener.name, partial(self._bind, listener))
            for listener in plan.listeners
        ]
        for service in self.listeners:
            service.setServiceParent(self)
        self.pools = [self._makePool(pool) for pool in plan.pools]
        if sipCodes and settings.location.store == "lmdb":
            maintenance = LocationMaintenance(
                Path(settings.locationPath),
                reactor,
                settings.location.syncInterval,
                settings.location.mapSize,
            )
            maintenance.setServiceParent(self)

    def setServiceParent(self, parent: Any) -> None:
        """Twistd takes the log observer from the application that it puts its service into."""
        if self._observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)

    def privilegedStartService(self) -> None:
        """Bind everything; what cannot be bound ends the start with one line that says why."""
        try:
            self._passed = PassedSockets()
            super().privilegedStartService()
            self._passed.checkAllTaken()
        except (BindError, OSError) as error:
            raise SystemExit(f"sipapp: {error}") from error

    def startService(self) -> None:
        self._notifier.start()
        super().startService()
        self._reactor.callWhenRunning(self._takeSignals)
        ready = gatherResults([pool.whenReady() for pool in self.pools], consumeErrors=True)
        ready.addCallbacks(self._ready, self._notReady)

    # Building.

    def _sipCodes(self, pool: PoolPlan) -> tuple[str, ...]:
        """The codes of a pool's workers, if they speak SIP and so have a place on the bus."""
        return () if pool.kind == "web" else self._codes[pool.name]

    def _bind(self, listener: ResolvedListener) -> list[socket.socket]:
        where = listener.host, listener.port, listener.family
        if listener.transport == "udp":
            first = self._passed.take(socket.SOCK_DGRAM, *where)
            buffer = self._settings.sip.udpReceiveBuffer
            sockets = bindDatagram(*where, listener.slots, buffer, first)
        else:
            first = self._passed.take(socket.SOCK_STREAM, *where)
            sockets = bindStream(*where, listener.slots, first=first)
        port = sockets[0].getsockname()[1]
        self._bound[listener.index] = msgspec.structs.replace(listener, port=port)
        if listener.transport == "udp":
            self._windows[listener.index] = steering.attach(sockets[0], listener.slots)
        return sockets

    def _makePool(self, plan: PoolPlan) -> ProcessPool:
        pool = ProcessPool(
            plan.name,
            plan.size,
            partial(self._describe, plan),
            (sys.executable, "-m", "sipapp.worker"),
            self._reactor,
            Patience(
                drain=self._settings.server.drainTimeout,
                stuck=self._settings.pools.stuckTimeout,
            ),
            onReady=self._workerChanged,
            onExit=self._workerChanged,
            nameMessage=nameMessage,
        )
        isShared = plan.name == SHARED
        pool.setServiceParent(self if isShared else self.listeners[plan.listeners[0]])
        return pool

    def _describe(self, plan: PoolPlan, slot: int) -> Spawn:
        """What the worker of a slot is to know and to inherit: the slot's own sockets of the
        listeners that its pool serves, its inbox, and a UDP socket of each other listener, which
        it only sends from."""
        fds: dict[str, int] = {}
        for listener in self._bound:
            sockets = self.listeners[listener.index].sockets
            if listener.index in plan.listeners:
                fds[f"listen.{listener.index}"] = sockets[slot].fileno()
            elif listener.transport == "udp" and plan.kind != "web":
                fds[f"send.{listener.index}"] = sockets[0].fileno()
        code = self._codes[plan.name][slot]
        if code in self._ground.inboxes:
            fds["bus"] = self._ground.inboxes[code].fileno()
        assignment = Assignment(
            settings=encodeSettings(self._settings),
            listeners=tuple(self._bound),
            pool=plan.name,
            code=code,
            pools={
                pool.name: codes for pool in self._plan.pools if (codes := self._sipCodes(pool))
            },
            busDirectory=str(self._ground.busDirectory),
            windows=self._windows,
            secret=self._ground.secret,
        )
        return Spawn(encodeAssignment(assignment), fds)

    # Running.

    def _takeSignals(self) -> None:
        """A server that was asked to stop, and has, has done well: it exits with 0, where
        twistd would repeat the signal upon itself."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._reactor.callFromThread(self._stop))

    def _stop(self) -> None:
        if not self._isStopping:
            self._isStopping = True
            # A pool can fail before the reactor runs.
            self._reactor.callWhenRunning(self._reactor.stop)

    def _workerChanged(self, name: str) -> None:
        if self._isReady:
            self._writeState()

    def _ready(self, _: object) -> None:
        self._isReady = True
        self._writeState()
        pids = {
            plan.name: [worker.pid for worker in pool.workers() if worker.pid is not None]
            for plan, pool in zip(self._plan.pools, self.pools, strict=True)
        }
        plan = msgspec.structs.replace(self._plan, listeners=tuple(self._bound))
        for line in describePlan(plan, pids).splitlines():
            _log.info("{line}", line=line)
        for index, window in self._windows.items():
            if window == 0 and self._bound[index].slots > 1:
                _log.warn(
                    "{listener}: the kernel does not steer; the workers do it themselves",
                    listener=self._bound[index].name,
                )
        if self._settings.file == EMBEDDED_NAME:
            first = self._bound[0]
            _log.info(
                "Try it: a phone with registrar and proxy {host}:{port}, any user name, domain"
                " localhost and no password; or without one: {sipappctl} ping sip:{host}:{port}",
                host=first.host,
                port=first.port,
                sipappctl=os.path.relpath(Path(sys.executable).with_name("sipappctl")),
            )
        _log.info("sipapp ready: {count} workers", count=plan.processes)
        self._notifier.ready(f"Serves with {plan.processes} workers")

    def _notReady(self, failure: Failure) -> None:
        """A boot failure is the operator's to mend: say what it is, and stop."""
        if self._isStopping:
            return
        error = failure.value
        first = error.subFailure if isinstance(error, FirstError) else failure
        self._notifier.status(f"Cannot start. {first.getErrorMessage()}")
        if first.check(BootFailure):
            _log.critical("Cannot start. {cause}", cause=first.getErrorMessage())
        else:
            _log.failure("Cannot start", first)
        # Twistd knows no way to exit with a status of one's own once the reactor has run.
        atexit.register(_exit, 1)
        self._stop()

    def stopService(self) -> Deferred[Any]:
        """Stop in two steps: a call may touch several SIP workers, so none of them leaves before
        every one has finished what it has."""
        self._notifier.stopping()
        finishing = [
            pool.stopService() if plan.kind == "web" else pool.quiesce()
            for plan, pool in zip(self._plan.pools, self.pools, strict=True)
        ]
        quiet: Deferred[Any] = DeferredList(finishing)
        quiet.addCallback(lambda _: super(Server, self).stopService())
        return quiet.addBoth(self._removeState)

    @property
    def _stateFile(self) -> Path:
        return Path(self._settings.server.runDirectory) / "workers.json"

    def _writeState(self) -> None:
        """Keep C{workers.json} in the run directory: name, pid, state and restarts of each
        worker, for scripts."""
        workers = [
            {
                "name": worker.name,
                "pid": worker.pid,
                "state": worker.state,
                "restarts": worker.restarts,
            }
            for pool in self.pools
            for worker in pool.workers()
        ]
        unfinished = self._stateFile.with_suffix(".new")
        unfinished.write_text(json.dumps(workers, indent=1))
        unfinished.replace(self._stateFile)

    def _removeState(self, result: object) -> object:
        self._isReady = False
        self._stateFile.unlink(missing_ok=True)
        self._notifier.stop()
        return result


def _exit(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

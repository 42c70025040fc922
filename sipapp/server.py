"""What the parent process runs: what the server stands on, its sockets and its workers.

It binds, spawns and watches. It never parses SIP, never runs a resource and never blocks.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized
from twisted.python.failure import Failure

from sipapp.adjusting import loaded, loadedAdjusted
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.examination import examine
from sipapp.admin.doctor.host import Host
from sipapp.admin.doctor.rounds import Rounds
from sipapp.admin.log import ServerLog
from sipapp.admin.methods import Workforce
from sipapp.admin.notify import ServiceNotifier
from sipapp.admin.rollcall import RollCall
from sipapp.config import (
    EMBEDDED_NAME,
    Plan,
    Settings,
    cautionsOf,
    describePlan,
)
from sipapp.estate import Estate
from sipapp.ground import Ground
from sipapp.listening import Listening
from sipapp.location import LocationMaintenance
from sipapp.operations import Operations, Premises
from sipapp.pool import BindError, BootFailure, PassedSockets
from sipapp.pool.adoption import NotIdle
from sipapp.reload import Load, Reload
from sipapp.succession import Succession
from sipapp.upgrade import SIGNALS, Upgrade

__all__ = ["Server"]

_log = Logger()


class Server(MultiService):
    """A whole server: what it stands on, the sockets that it listens with, and the generations
    of workers that serve them."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        reactor: Any,
        log: ServerLog | None = None,
        estate: Estate | None = None,
        command: Sequence[str] = (),
        pidFile: str | None = None,
    ) -> None:
        """
        @param log: the log; C{None} leaves it to twistd.
        @param estate: what an earlier image has left; settings and plan are those of it.
        @param command: what starts this program again.
        @param pidFile: what twistd has written the pid to.
        """
        super().__init__()
        self._settings = settings
        self._plan = plan
        self._reactor = reactor
        self._serverLog = log
        # A daemon changes its directory.
        self._file = None if settings.file == EMBEDDED_NAME else os.path.abspath(settings.file)
        self._notifier = ServiceNotifier(reactor)
        self._rollCall = RollCall(settings.server.runDirectory)
        self._isReady = False
        self._isStopping = False
        # The first to start: that is where the privileges are dropped.
        self._ground = Ground(settings)
        self._listening = Listening(self._ground.give)
        workforce = Workforce(lambda: self._succession.current)
        self._succession = Succession(
            self._ground, self._listening, reactor, self._workersChanged, desk=workforce
        )
        self._reload = Reload(
            self._succession,
            partial(loaded, self._file),
            self._notifier.reloading,
            self._notifier.ready,
        )
        self._rounds = Rounds(self._demand, reactor)
        self._estate = estate
        self._upgrade = Upgrade(
            self._bequeath,
            self._file,
            settings.server.runDirectory,
            command,
            pidFile,
            reactor,
            partial(self._notifier.reloading, "Executes its program anew"),
            self._notifier.ready,
        )
        self._ground.setServiceParent(self)
        self._listening.setServiceParent(self)
        # Before the workers open the store that it looks after.
        self._maintenance: LocationMaintenance | None = None
        if settings.location.store == "lmdb":
            self._maintenance = LocationMaintenance(
                Path(settings.locationPath),
                reactor,
                settings.location.syncInterval,
                settings.location.mapSize,
            )
            self._maintenance.setServiceParent(self)
        self._operations = Operations(
            Premises(
                settings,
                workforce,
                self._succession,
                self._reload,
                self._maintenance,
                self.upgrade,
                self._stop,
                lambda: self._isReady and not self._isStopping,
                reactor,
                self._listening,
                lambda: self._rounds.report,
                None if log is None else log.setLevels,
            )
        )
        self._operations.setServiceParent(self)
        self._succession.setServiceParent(self)

    def setServiceParent(self, parent: Any) -> None:
        """Twistd takes the log observer from the application that it puts its service into."""
        if self._serverLog is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._serverLog)
        super().setServiceParent(parent)

    def privilegedStartService(self) -> None:
        """Bind everything; what cannot be bound ends the start with one line that says why."""
        if self._estate is not None:
            self._succession.inherit(self._estate, self._settings)
            super().privilegedStartService()
            return
        try:
            self._listening.passed = PassedSockets()
            super().privilegedStartService()
            self._succession.begin(self._settings, self._plan)
            self._listening.passed.checkAllTaken()
            self._listening.passed = None
        except (BindError, OSError) as error:
            raise SystemExit(f"sipapp: {error}") from error

    def startService(self) -> None:
        # One that comes before everything is ready is remembered.
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.reload))
        signal.signal(signal.SIGUSR2, lambda *_: self._reactor.callFromThread(self.upgrade))
        self._notifier.start()
        super().startService()
        self._reactor.callWhenRunning(self._takeSignals)
        self._succession.current.whenReady().addCallbacks(self._ready, self._notReady)

    def reload(self, load: Load | None = None) -> None:
        """Read everything anew: see L{sipapp.reload}. The log is told what has come of it."""
        self._reload.request(load).addErrback(lambda failure: None)

    def upgrade(self) -> None:
        """Execute the program anew, which goes on with everything: see L{sipapp.upgrade}."""
        if not self._isReady or self._isStopping:
            _log.critical("Not upgraded: the server starts or stops")
            return
        upgrading = Deferred.fromCoroutine(self._upgrade.run())
        upgrading.addErrback(lambda failure: _log.failure("The upgrade failed", failure))

    # Running.

    def _bequeath(self) -> Estate:
        """
        @raise NotIdle: if something is under way that has to end first.
        """
        if self._isStopping:
            raise NotIdle("the server is being stopped")
        if self._maintenance is not None and self._maintenance.isBusy:
            # A reader slot of a process that goes on is never freed.
            raise NotIdle("the location store is being looked after")
        if not self._operations.settle():
            raise NotIdle("a method is being called")
        return self._succession.bequeath()

    def _takeSignals(self) -> None:
        """A server that was asked to stop, and has, has done well: it exits with 0, where
        twistd would repeat the signal upon itself."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._reactor.callFromThread(self._stop))
        # The image before this one has held them back.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _stop(self) -> None:
        if not self._isStopping:
            self._isStopping = True
            # A pool can fail before the reactor runs.
            self._reactor.callWhenRunning(self._reactor.stop)

    def _workersChanged(self) -> None:
        if self._isReady:
            self._rollCall.write(self._succession.current.workers())
            self._operations.workersChanged()

    def _ready(self, _: object) -> None:
        current = self._succession.current
        pids = {
            name: [worker.pid for worker in pool.workers() if worker.pid is not None]
            for name, pool in current.pools.items()
        }
        for line in describePlan(current.plan, pids).splitlines():
            _log.info("{line}", line=line)
        for caution in cautionsOf(current.plan):
            _log.warn("{caution}", caution=caution)
        self._rounds.setServiceParent(self)
        self._callDoctor()
        for listener in current.plan.listeners:
            if listener.slots > 1 and self._listening.windows.get(listener.index) == 0:
                _log.warn(
                    "{listener}: the kernel does not steer; the workers do it themselves",
                    listener=listener.name,
                )
        if self._file is None:
            first = current.plan.listeners[0]
            _log.info(
                "Try it: a phone with registrar and proxy {host}:{port}, any user name, domain"
                " localhost and no password; or without one: {sipappctl} ping sip:{host}:{port}",
                host=first.host,
                port=first.port,
                sipappctl=os.path.relpath(Path(sys.executable).with_name("sipappctl")),
            )
        _log.info("sipapp ready: {count} workers", count=current.plan.processes)
        self._notifier.ready(f"Serves with {current.plan.processes} workers")
        self._isReady = True
        self._rollCall.write(self._succession.current.workers())
        self._reload.started()
        if self._estate is not None:
            self._estate = None
            self.reload(lambda: loadedAdjusted(self._file, current.settings.adjustments))

    def _callDoctor(self) -> None:
        """What has happened since boot is left out here: a start is no news of that."""
        try:
            report = examine(Host(), self._demand(), live=False)
        except Exception:
            # Whatever he makes of this machine, the server does what it does.
            _log.failure("The doctor has failed")
            return
        isWell = report.worst in (None, "note")
        (_log.info if isWell else _log.warn)(
            "The doctor has made {summary}{advice}",
            summary=report.summary,
            advice="" if report.worst is None else '. "sipappctl doctor" says what to do',
        )

    def _demand(self) -> Demand:
        current = self._succession.current
        workers = {each.name: each.pid for each in current.workers() if each.pid is not None}
        return Demand(current.settings, current.plan, workers)

    def _notReady(self, failure: Failure) -> None:
        """A boot failure is the operator's to mend: say what it is, and stop."""
        if self._isStopping:
            return
        self._notifier.status(f"Cannot start. {failure.getErrorMessage()}")
        # He may know why: what the kernel says to a process with too few descriptors tells little.
        self._callDoctor()
        if failure.check(BootFailure):
            _log.critical("Cannot start. {cause}", cause=failure.getErrorMessage())
        else:
            _log.failure("Cannot start", failure)
        # Twistd knows no way to exit with a status of one's own once the reactor has run.
        atexit.register(_exit, 1)
        self._stop()

    def stopService(self) -> Deferred[Any]:
        """The workers first: what they stand on stays until they have gone."""
        self._notifier.stopping()
        stopped: Deferred[Any] = self._succession.stopService()
        stopped.addCallback(lambda _: super(Server, self).stopService())
        return stopped.addBoth(self._ended)

    def _ended(self, result: object) -> object:
        self._isReady = False
        self._rollCall.remove()
        self._notifier.stop()
        return result


def _exit(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

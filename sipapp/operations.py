"""How the server is operated: the methods there are, and the doors that calls come through.

Each namespace is one line in L{Operations._namespaces}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, succeed

from sipapp.adjusting import Adjusting
from sipapp.admin.doctor.examination import Report
from sipapp.admin.door import UnixDoor
from sipapp.admin.methods import Caller, Methods, Workforce
from sipapp.admin.methods.allmethods import AllMethods
from sipapp.admin.methods.audit import Audit
from sipapp.admin.methods.ban import BanMethods
from sipapp.admin.methods.connection import ConnectionMethods
from sipapp.admin.methods.core import CoreMethods
from sipapp.admin.methods.listener import ListenerMethods
from sipapp.admin.methods.location import LocationMethods
from sipapp.admin.methods.log import LogMethods
from sipapp.admin.methods.pausing import Pausing
from sipapp.admin.methods.pool import PoolMethods
from sipapp.admin.methods.trace import Traces
from sipapp.admin.methods.transaction import TransactionMethods
from sipapp.admin.methods.user import UserMethods
from sipapp.admin.methods.worker import WorkerMethods
from sipapp.admin.stats.methods import StatsMethods
from sipapp.admin.stats.premises import gatheringOf
from sipapp.config import Plan, Settings
from sipapp.listening import Listening
from sipapp.location import LocationMaintenance
from sipapp.orders import StandingOrders
from sipapp.reload import Reload
from sipapp.rolling import Rolling
from sipapp.rpc import Fault
from sipapp.succession import Succession

__all__ = ["Operations", "Premises"]


@dataclass(frozen=True)
class Premises:
    """What there is to operate.

    @ivar settings: those that the server was started with.
    @ivar workforce: the workers.
    @ivar succession: the generations; the configuration in force is that of its present one.
    @ivar reload: reloads it.
    @ivar maintenance: of the location store; C{None} if that is in memory.
    @ivar upgrade: begins to execute the program anew.
    @ivar stop: begins to stop the server.
    @ivar isReady: tells whether the server serves.
    @ivar listening: the sockets.
    @ivar report: gives what the doctor has found last.
    @ivar setLevels: sets the levels of the log of this process; C{None} if it has none that are
        ours to set.
    """

    settings: Settings
    workforce: Workforce
    succession: Succession
    reload: Reload
    maintenance: LocationMaintenance | None
    upgrade: Callable[[], None]
    stop: Callable[[], None]
    isReady: Callable[[], bool]
    reactor: Any
    listening: Listening
    report: Callable[[], Report | None]
    setLevels: Callable[[Mapping[str, str]], None] | None


class Operations(MultiService):
    """The methods of a server, and its doors.

    @ivar methods: what there is to call.
    """

    def __init__(self, premises: Premises) -> None:
        super().__init__()
        settings = premises.settings
        self._audit = Audit(Path(settings.auditPath))
        self._pausing = Pausing(premises.succession, premises.listening, premises.workforce)
        self.methods = Methods(self._namespaces(premises), self._audit)
        premises.workforce.answers["method"] = self._callForWorker
        premises.workforce.listeners["audit"] = self._auditForWorker
        everything = AllMethods(self.methods, self._audit, premises.workforce)
        self._door = UnixDoor(Path(settings.controlPath), everything, premises.reactor)
        self._door.setServiceParent(self)
        if settings.manhole is not None:
            # Those who want none need no SSH.
            from sipapp.admin.manhole.service import Manhole

            Manhole(
                settings.manhole,
                Path(settings.manholeKeyPath),
                self.methods,
                premises.workforce,
                self._audit,
                lambda: premises.succession.current.settings,
                premises.reactor,
            ).setServiceParent(self)

    def workersChanged(self) -> None:
        """Workers have come or gone, or another generation serves."""
        self._pausing.workersChanged()

    def settle(self) -> bool:
        """Prepare for another program in the place of this one: what is sent without end has one.

        @return: whether it can come now, since nobody waits for what a method does.
        """
        return self._door.endStreams() and self.methods.underWay == 0

    def stopService(self) -> Deferred[Any]:
        stopped: Deferred[Any] = super().stopService()
        return stopped.addBoth(self._close)

    def _namespaces(self, premises: Premises) -> Mapping[str, object]:
        """By the name that stands before the dot."""

        def settings() -> Settings:
            return premises.succession.current.settings

        def configuration() -> tuple[Settings, Plan]:
            current = premises.succession.current
            return current.settings, current.plan

        pausing, rolling = self._pausing, Rolling(premises.succession)
        adjusting = Adjusting(premises.succession, premises.reload)
        ban = BanMethods(settings)
        location = LocationMethods(premises.maintenance, configuration)
        log = LogMethods(premises.workforce, settings, premises.setLevels)
        traces = Traces(premises.workforce, premises.reactor)

        def orders(worker: str, question: object) -> Deferred[StandingOrders]:
            return succeed(StandingOrders(log.levelsOf(worker), traces.orders))

        premises.workforce.answers["orders"] = orders
        return {
            "ban": ban,
            "connection": ConnectionMethods(premises.workforce),
            "core": CoreMethods(
                premises.succession,
                premises.reload,
                pausing,
                premises.upgrade,
                premises.stop,
                premises.isReady,
                premises.reactor,
            ),
            "listener": ListenerMethods(premises.succession, adjusting, pausing),
            "location": location,
            "pool": PoolMethods(premises.succession, adjusting, rolling),
            "log": log,
            "stats": StatsMethods(gatheringOf(premises, location.count, ban.entries)),
            "transaction": TransactionMethods(premises.workforce),
            "user": UserMethods(settings),
            "worker": WorkerMethods(premises.succession, rolling, premises.workforce, traces),
        }

    def _callForWorker(self, worker: str, question: Mapping[str, Any]) -> Deferred[Any]:
        """A web resource in a worker calls for somebody whom it knows."""
        caller = replace(msgspec.convert(question["caller"], Caller), through=worker)
        return self.methods.call(caller, question["name"], question["parameters"])

    def _auditForWorker(self, worker: str, entry: Mapping[str, Any]) -> None:
        """Somebody has called a method that runs in a worker."""
        outcome = Fault(*reversed(entry["fault"])) if "fault" in entry else entry["result"]
        self._audit.write(
            msgspec.convert(entry["caller"], Caller),
            entry["method"],
            entry["parameters"],
            outcome,
            entry["seconds"],
        )

    def _close(self, result: object) -> object:
        self._audit.close()
        return result

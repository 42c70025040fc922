"""What one worker has counted, read when somebody asks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from twisted.internet.defer import Deferred

from sipapp.admin.stats.sipreadings import readLocator, readTransport
from sipapp.admin.stats.webreadings import readSite, readWebLimits
from sipapp.admin.stats.workerstats import WorkerStats
from sipapp.config import ResolvedListener
from sipapp.pool import Unanswered
from sipapp.resources.calls import CallRecords
from sipapp.resources.sip import Dispatch
from sipapp.transport.assembly import Transport
from sipapp.transport.limits import LimitLog
from sipapp.transport.locate import Locator
from sipapp.transport.pulse import Pulse
from sipapp.transport.queuewait import QueueWait

if TYPE_CHECKING:
    from sipapp.transport.web import LimitedSite

__all__ = ["Measuring"]


class Measuring:
    """Knows where the counters of a worker are. Whoever counts does so in plain numbers of its
    own; here they get their names."""

    def __init__(
        self, reactor: Any, waited: Callable[[], float], listeners: Iterable[ResolvedListener]
    ) -> None:
        """
        @param waited: as for L{Pulse}.
        @param listeners: those of the server.
        """
        self._pulse = Pulse(reactor, waited, self._lookAtQueues)
        self._queues: dict[str, QueueWait] = {}
        self._endpoints = {each.index: each.name for each in listeners}
        self._resources: list[tuple[str, str, Any]] = []
        self._sip: tuple[Transport, Dispatch, Locator] | None = None
        self._sites: dict[str, LimitedSite] = {}
        self._limits: LimitLog | None = None
        self._calls: CallRecords | None = None

    def start(self) -> None:
        """Begin to look how the worker keeps up."""
        self._pulse.start()

    async def end(self, tell: Callable[[str, bytes], Deferred[None]]) -> None:
        """Look no more, and leave to the parent what has been counted.

        @param tell: tells it.
        """
        self._pulse.stop()
        try:
            await tell("stats", msgspec.json.encode(self.stats()))
        except Unanswered:
            # It is gone, and with it everybody who would want to know.
            return

    def addResource(self, listener: ResolvedListener, name: str, resource: Any) -> None:
        """There is a resource of an endpoint.

        @param name: as the configuration calls it.
        """
        self._resources.append((listener.name, name, resource))

    def readSIP(self, transport: Transport, dispatch: Dispatch, locator: Locator) -> None:
        """Read these too from now on."""
        self._sip = transport, dispatch, locator
        self._queues = {
            self._endpoints[index]: QueueWait(port)
            for index, port in transport.driver.flows.ports.items()
            if port.codes
        }

    def readCalls(self, records: CallRecords) -> None:
        """Read these too from now on."""
        self._calls = records

    def readWeb(self, sites: dict[str, LimitedSite], limits: LimitLog) -> None:
        """Read these too from now on.

        @param sites: by the names of their endpoints.
        """
        self._sites, self._limits = sites, limits

    def stats(self) -> WorkerStats:
        """
        @return: all that there is now. It takes some tens of microseconds.
        """
        stats = WorkerStats(os.getpid())
        pulse = self._pulse
        stats.add("busy_ratio", pulse.busy)
        stats.add("busy_seconds", pulse.worked)
        stats.add("cpu_seconds", time.process_time())
        stats.add("loop_lag_recent_seconds", pulse.lag)
        stats.addSpread("loop_lag_seconds", pulse.lags)
        if self._sip is not None:
            transport, dispatch, locator = self._sip
            readTransport(stats, transport, dispatch, self._endpoints)
            readLocator(stats, locator)
            self._readTaken(stats, dispatch)
        for name, queue in self._queues.items():
            stats.addSpread("queue_wait_seconds", queue.waits, name)
            stats.add("queue_wait_recent_seconds", queue.recent, name)
        for name, site in self._sites.items():
            readSite(stats, site, name)
        if self._limits is not None:
            readWebLimits(stats, self._limits)
        if self._calls is not None:
            stats.addAll("call_records", self._calls.counts)
        for endpoint, name, resource in self._resources:
            for event, count in getattr(resource, "tallies", {}).items():
                if count:
                    stats.add("resource_events", count, endpoint, name, event)
        return stats

    def _lookAtQueues(self) -> None:
        for queue in self._queues.values():
            queue.look()

    def _readTaken(self, stats: WorkerStats, dispatch: Dispatch) -> None:
        for endpoint, name, resource in self._resources:
            taken = dispatch.taken.get(id(resource), 0)
            failed = dispatch.failed.get(id(resource), 0)
            if taken:
                stats.add("requests_taken", taken, endpoint, name)
            if failed:
                stats.add("requests_failed", failed, endpoint, name)

"""Reads off the HTTP endpoints of a worker what they have counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipapp.admin.stats.workerstats import WorkerStats
from sipapp.transport.limits import LimitLog

if TYPE_CHECKING:
    from sipapp.transport.web import LimitedSite

__all__ = ["readSite", "readWebLimits"]


def readSite(stats: WorkerStats, site: LimitedSite, name: str) -> None:
    """
    @param name: of the endpoint.
    """
    counters = site.counters
    for (resource, method, status), count in counters.answers.items():
        stats.add("web_requests", count, name, resource, method, str(status))
    for resource, times in counters.times.items():
        stats.addSpread("web_answer_seconds", times, name, resource)
    stats.add("connections", site.connections, name)
    stats.add("connections_accepted", counters.accepted, name)
    if counters.handshakes:
        stats.add("tls_handshakes", counters.handshakes, name)


def readWebLimits(stats: WorkerStats, log: LimitLog) -> None:
    """What was refused."""
    stats.addAll("limits_hit", log.counts)

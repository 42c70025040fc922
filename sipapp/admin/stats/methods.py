"""C{stats.*}: what the server has counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from typing import Annotated, Any

from msgspec import Meta, Struct
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from sipapp.admin.stats.catalogue import METRICS, Metric
from sipapp.admin.stats.collector import pageOf
from sipapp.admin.stats.gathering import Gathering
from sipapp.admin.stats.glance import overviewOf
from sipapp.admin.stats.overview import Overview
from sipapp.admin.stats.snapshot import Snapshot
from sipapp.rpc import method

__all__ = ["Readiness", "Reading", "StatsMethods"]

Pattern = Annotated[str, Meta(max_length=100)]
"""It is compiled: a long one would keep the server busy for seconds."""


class Reading(Struct, frozen=True):
    """A value of a metric.

    @ivar name: the short name. That of a histogram has C{_count} or C{_sum} behind it.
    @ivar labels: what it is the value of.
    """

    name: str
    labels: dict[str, str]
    value: float


class Readiness(Struct, frozen=True):
    """Whether the server should be sent anything new.

    @ivar reason: why not; empty if it should.
    """

    ready: bool
    reason: str


class StatsMethods:
    """Tells the numbers of all workers together."""

    def __init__(
        self, gathering: Gathering, inThread: Callable[..., Deferred[Any]] = deferToThread
    ) -> None:
        """
        @param inThread: runs a function that takes its time.
        """
        self._gathering = gathering
        self._inThread = inThread

    @method()
    async def get(self, pattern: Pattern = "*") -> list[Reading]:
        """Show values of metrics, each with its labels.

        pattern: for their names, with * and ?, such as transactions* or sipapp_bans. Without it all
        are shown. Of a histogram there are the count and the sum.
        """
        isMeant = re.compile(translate(pattern)).match
        wanted = [each for each in METRICS.values() if isMeant(each.name) or isMeant(each.exported)]
        snapshot = (await self._gathering.gather()).snapshot
        return [reading for metric in wanted for reading in _readings(snapshot, metric)]

    @method()
    async def overview(self) -> Overview:
        """Show the server at a glance: its pools, workers, calls and registrations so far, what the
        doctor has found and who is banned. What counts events counts from the beginning on."""
        return overviewOf(await self._gathering.gather())

    @method()
    async def metrics(self) -> str:
        """Show all metrics in the text format of Prometheus."""
        gathered = await self._gathering.gather()
        page: str = await self._inThread(pageOf, gathered.snapshot)
        return page

    @method()
    def ready(self) -> Readiness:
        """Tell whether the server serves and takes new work, and if not, why."""
        reason = self._gathering.unready()
        return Readiness(not reason, reason)


def _readings(snapshot: Snapshot, metric: Metric) -> Iterator[Reading]:
    for row, value in snapshot.rows(metric.name):
        yield Reading(metric.name, row, value)
    for labels, spread in snapshot.spreads.get(metric.name, {}).items():
        row = dict(zip(metric.labels, labels, strict=True))
        yield Reading(f"{metric.name}_count", row, sum(spread.counts))
        yield Reading(f"{metric.name}_sum", row, spread.total)

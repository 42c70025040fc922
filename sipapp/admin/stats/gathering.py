"""Puts together what a server has counted: asks the workers, and looks at what the parent has."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

import sipapp
from sipapp.admin.doctor.examination import Report
from sipapp.admin.methods.workforce import WorkerEntry
from sipapp.admin.stats.begun import begun
from sipapp.admin.stats.overview import BanView
from sipapp.admin.stats.snapshot import Snapshot
from sipapp.admin.stats.sockets import readSockets
from sipapp.admin.stats.totals import Totals
from sipapp.admin.stats.workerstats import WorkerStats
from sipapp.config import Plan
from sipapp.pool.memory import privateSize
from sipapp.rpc import Fault

__all__ = ["Gathered", "Gathering", "Sources"]

_PATIENCE = 2.0
"""Seconds for a worker to answer. One that does not is busy, and what it said last still counts."""

_log = Logger()


class Workers(Protocol):
    """A C{sipapp.admin.methods.Workforce}."""

    listeners: dict[str, Callable[[str, Any], object]]

    def states(self) -> Sequence[WorkerEntry]: ...
    def askAll(self, question: str, /, *, timeout: float = 5.0) -> Deferred[dict[str, Any]]: ...


@dataclass(frozen=True)
class Sources:
    """Where a parent finds what it has to tell.

    @ivar workforce: the workers.
    @ivar plan: gives the plan in force. @ivar generation: gives its number.
    @ivar sockets: gives the sockets of each listener by slot, with its name.
    @ivar unready: says why the server takes no new work; empty if it does.
    @ivar report: gives what the doctor has found last, if he has been there.
    @ivar registrations: counts them; fails with a L{Fault} if nobody can.
    @ivar bans: gives those that were made last, and how many there are; likewise.
    """

    workforce: Workers
    plan: Callable[[], Plan]
    generation: Callable[[], int]
    sockets: Callable[[], Iterable[tuple[str, Iterable[socket.socket]]]]
    unready: Callable[[], str]
    report: Callable[[], Report | None]
    registrations: Callable[[], Awaitable[int]]
    bans: Callable[[], Awaitable[tuple[list[BanView], int]]]


@dataclass(frozen=True)
class Gathered:
    """A server at one time.

    @ivar time: seconds since 1970. @ivar began: when the server has, likewise.
    @ivar states: the workers. @ivar plan: that they serve.
    @ivar snapshot: all numbers.
    @ivar unready: why the server should get no new work; empty if it should.
    @ivar report: of the doctor, if there is one.
    @ivar bans: those that were made last.
    """

    time: float
    began: float
    states: Sequence[WorkerEntry]
    plan: Plan
    snapshot: Snapshot
    unready: str
    report: Report | None
    bans: list[BanView]


class Gathering:
    """Gathers when somebody asks. Those who ask at the same time get the same."""

    def __init__(self, sources: Sources, clock: Callable[[], float] = time.time) -> None:
        """
        @param clock: gives the seconds since 1970.
        """
        self._sources = sources
        self._clock = clock
        self._totals = Totals()
        self._waiting: list[Deferred[Gathered]] | None = None
        sources.workforce.listeners["stats"] = self._learnOf

    def gather(self) -> Deferred[Gathered]:
        """
        @return: fires with what there is now.
        """
        wanted: Deferred[Gathered] = Deferred()
        if self._waiting is not None:
            self._waiting.append(wanted)
            return wanted
        self._waiting = [wanted]
        Deferred.fromCoroutine(self._gather()).addBoth(self._give)
        return wanted

    def unready(self) -> str:
        """
        @return: why the server should get no new work; empty if it should.
        """
        said = self._sources.unready()
        if said:
            return said
        states = self._sources.workforce.states()
        ready = {each.pool for each in states if each.state == "ready"}
        lacking = sorted({each.pool for each in states} - ready)
        return f"no worker of {', '.join(lacking)} is ready" if lacking else ""

    def _give(self, outcome: Any) -> None:
        waiting, self._waiting = self._waiting, None
        for each in waiting or ():
            # A failure too: each has one of its own then.
            each.callback(outcome)

    async def _gather(self) -> Gathered:
        sources = self._sources
        # At the same time.
        asked = sources.workforce.askAll("stats", timeout=_PATIENCE)
        registrations = Deferred.fromCoroutine(_known(sources.registrations))
        bans = Deferred.fromCoroutine(_known(sources.bans))
        answered = self._learn(await asked)
        snapshot = self._totals.all(answered)
        states = sources.workforce.states()
        plan = sources.plan()
        now = self._clock()
        started = begun(now)
        report = sources.report()
        unready = self.unready()
        snapshot.add("info", 1, sipapp.__version__)
        snapshot.add("start_time_seconds", started)
        snapshot.add("ready", not unready)
        snapshot.add("generation", sources.generation())
        snapshot.add("parent_cpu_seconds", time.process_time())
        snapshot.add("parent_memory_bytes", privateSize(os.getpid()))
        _readWorkers(snapshot, states, answered)
        readSockets(snapshot, sources.sockets())
        if report is not None:
            _readReport(snapshot, report)
        registered, banned = await registrations, await bans
        if registered is not None:
            snapshot.add("registrations", registered)
        views: list[BanView] = []
        if banned is not None:
            views, count = banned
            snapshot.add("bans", count)
        return Gathered(now, started, states, plan, snapshot, unready, report, views)

    def _learn(self, answers: Mapping[str, Any]) -> dict[str, int]:
        """
        @return: the process ids of those who have answered.
        """
        answered = {}
        for worker, answer in answers.items():
            if isinstance(answer, Fault):
                continue
            try:
                answered[worker] = self._learnOf(worker, answer)
            except msgspec.ValidationError as error:
                # It is of another version: this process has been executed anew.
                _log.warn("{worker} tells numbers in its own way: {error}", worker=worker,
                          error=error)  # fmt: skip
        return answered

    def _learnOf(self, worker: str, told: Any) -> int:
        """
        @return: the process id of who has told this.
        """
        stats = msgspec.convert(told, WorkerStats)
        self._totals.learn(worker, stats)
        return stats.pid


async def _known(ask: Callable[[], Awaitable[Any]]) -> Any:
    """
    @return: C{None} if nobody can tell.
    """
    try:
        return await ask()
    except Fault:
        return None
    except Exception:
        _log.failure("A number could not be found out")
        return None


def _readWorkers(
    snapshot: Snapshot, states: Iterable[WorkerEntry], answered: Mapping[str, int]
) -> None:
    for each in states:
        pool, _, slot = each.name.rpartition("/")
        isReady = each.state == "ready"
        snapshot.add("pool_slots", 1, pool)
        snapshot.add("pool_ready", isReady, pool)
        snapshot.add("worker_ready", isReady, pool, slot)
        snapshot.add("worker_answers", each.name in answered, pool, slot)
        snapshot.add("worker_restarts", each.restarts, pool, slot)
        if each.pid is not None:
            snapshot.add("worker_memory_bytes", privateSize(each.pid), pool, slot)


def _readReport(snapshot: Snapshot, report: Report) -> None:
    snapshot.add("doctor_checks", report.checks)
    for finding in report.findings:
        snapshot.add("doctor_findings", 1, finding.severity, finding.name)

"""A server as far as its numbers go: workers that answer or do not, and what else is gathered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, succeed

from sipapp.admin.doctor.examination import Report
from sipapp.admin.doctor.finding import Finding
from sipapp.admin.methods.workforce import WorkerEntry
from sipapp.admin.stats.gathering import Gathering, Sources
from sipapp.admin.stats.overview import BanView
from sipapp.admin.stats.workerstats import WorkerStats
from sipapp.config import Plan, parseSettings, resolve
from sipapp.plugins import resourceTypes
from sipapp.rpc import Unavailable

NOW = 1_800_000_000.0

CONFIGURATION = """
[pools]
children = 2
[[listen]]
address = "127.0.0.1"
port = 5060
transport = "udp"
resources = ["registrar", "proxy"]
[[listen]]
address = "127.0.0.1"
port = 8080
transport = "http"
resources = ["health", "metrics"]
"""

NAMES = ("udp-0/0", "udp-0/1", "http-0/0")

FINDING = Finding("warning", "udp-drops", "3", "0", "They found no room", "sysctl -w x=1")


def plan() -> Plan:
    return resolve(parseSettings(CONFIGURATION, "test", resourceTypes()))


class Workers:
    """As C{sipapp.admin.methods.Workforce}.

    @ivar answers: what each worker says. One that is missing does not answer.
    @ivar asked: how often all were asked.
    @ivar isLate: whether they answer only when L{answer} is called.
    """

    def __init__(self) -> None:
        self.listeners: dict[str, Callable[[str, Any], object]] = {}
        self.answers: dict[str, WorkerStats] = {name: WorkerStats(pidOf(name)) for name in NAMES}
        self.states_: dict[str, str] = dict.fromkeys(NAMES, "ready")
        self.restarts = dict.fromkeys(NAMES, 0)
        self.asked = 0
        self.isLate = False
        self._waiting: list[Deferred[dict[str, Any]]] = []

    def states(self) -> list[WorkerEntry]:
        return [
            WorkerEntry(
                name,
                name.partition("/")[0],
                pidOf(name),
                state,
                self.restarts[name],
                "web" if name.startswith("http") else "sip",
            )
            for name, state in self.states_.items()
        ]

    def askAll(self, question: str, /, *, timeout: float = 5.0) -> Deferred[dict[str, Any]]:
        assert question == "stats"
        self.asked += 1
        if not self.isLate:
            return succeed(self._said())
        waiting: Deferred[dict[str, Any]] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(self._said())

    def _said(self) -> dict[str, Any]:
        return {
            name: msgspec.json.decode(msgspec.json.encode(self.answers[name]))
            if name in self.answers
            else Unavailable("has not answered within 2 s")
            for name, state in self.states_.items()
            if state == "ready"
        }


class Stage:
    """All of it.

    @ivar unready: why the server takes nothing new.
    @ivar report: of the doctor.
    @ivar registrations: how many there are, or what counting them fails with.
    @ivar bans: likewise.
    """

    def __init__(self) -> None:
        self.workers = Workers()
        self.unready = ""
        self.report: Report | None = Report(46, (FINDING,))
        self.registrations: int | Exception = 12
        self.bans: list[BanView] | Exception = [
            BanView(network="192.0.2.1", left=10.0, reason="scanner")
        ]
        self.gathering = Gathering(
            Sources(
                self.workers,
                plan,
                lambda: 4,
                list,
                lambda: self.unready,
                lambda: self.report,
                self._count,
                self._list,
            ),
            lambda: NOW,
        )

    async def _count(self) -> int:
        if isinstance(self.registrations, Exception):
            raise self.registrations
        return self.registrations

    async def _list(self) -> tuple[list[BanView], int]:
        if isinstance(self.bans, Exception):
            raise self.bans
        return self.bans, len(self.bans)


def pidOf(name: str) -> int:
    """The process of a worker, which is none of this machine."""
    return 5_000_000 + NAMES.index(name)

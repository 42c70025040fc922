"""A server at a glance: what the status page and C{sipappctl top} draw.

Numbers of events are totals since a server has begun: who wants a rate takes the difference of two
overviews. They do not shrink when a worker is replaced.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sipapp.admin.doctor.finding import Finding, Severity

__all__ = ["BanView", "DoctorView", "Overview", "PoolView", "WorkerView"]


class WorkerView(Struct, frozen=True, kw_only=True):
    """A worker.

    @ivar name: pool and slot, such as C{udp-0/2}.
    @ivar pid: C{None} while there is no process.
    @ivar state: as in L{sipapp.pool.slottable}, such as C{ready}.
    @ivar restarts: how many times a process was replaced in this slot.
    @ivar answers: whether it has answered when it was asked; if not, what follows is 0.
    @ivar busy: which part of its time it worked lately, from 0 to 1.
    @ivar lag: how late it was lately, in seconds: its event loop, or to read what had come.
    @ivar memory: bytes that it has resident.
    @ivar connections: that are open.
    @ivar transactions: that are there.
    @ivar requests: so many it has received.
    """

    name: str
    pool: str
    pid: int | None
    state: str
    restarts: int
    answers: bool
    busy: float = 0.0
    lag: float = 0.0
    memory: int = 0
    connections: int = 0
    transactions: int = 0
    requests: int = 0


class PoolView(Struct, frozen=True, kw_only=True):
    """A pool.

    @ivar endpoints: the addresses that it serves, such as C{udp 192.0.2.1:5060}.
    @ivar resources: what it serves there, in order, each once.
    @ivar size: how many slots it has.
    @ivar ready: how many of them have a worker that is ready.
    @ivar busy: the mean of its workers.
    @ivar lag: the worst of its workers, in seconds.
    @ivar requests: that it has received, with those of workers that are gone.
    @ivar connections: that are open.
    @ivar transactions: that are there.
    """

    name: str
    kind: Literal["sip", "web"]
    endpoints: list[str]
    resources: list[str]
    size: int
    ready: int
    busy: float
    lag: float
    requests: int
    connections: int
    transactions: int


class DoctorView(Struct, frozen=True, kw_only=True):
    """What the last round of the doctor has found.

    @ivar worst: the worst severity; C{None} if nothing was found, or no round has ended yet.
    @ivar summary: it in one line.
    """

    worst: Severity | None
    summary: str
    findings: list[Finding]


class BanView(Struct, frozen=True, kw_only=True):
    """Somebody who is not listened to.

    @ivar network: an address or a network.
    @ivar left: seconds; C{None} until somebody ends it.
    @ivar reason: for which he was banned at last.
    """

    network: str
    left: float | None
    reason: str


class Overview(Struct, frozen=True, kw_only=True):
    """A server.

    @ivar time: when this was found out, in seconds since 1970.
    @ivar uptime: seconds since the server has begun; an upgrade does not begin anew.
    @ivar ready: whether all pools serve and take new work.
    @ivar unready: why they do not; empty if they do.
    @ivar generation: the number of the present one.
    @ivar calls: so many INVITE requests were answered with 2xx.
    @ivar registers: so many REGISTER requests were answered with 2xx.
    @ivar registrations: addresses-of-record that are registered; -1 if that is not known.
    @ivar bans: those that were made last, some hundred at most.
    @ivar banned: how many there are.
    """

    time: float
    version: str
    uptime: float
    ready: bool
    generation: int
    pools: list[PoolView]
    workers: list[WorkerView]
    calls: int
    registers: int
    registrations: int
    doctor: DoctorView
    bans: list[BanView]
    banned: int = 0
    unready: str = ""

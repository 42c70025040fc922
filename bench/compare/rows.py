"""What a run has found: one row for a server in a cell."""

from __future__ import annotations

from dataclasses import dataclass

#: The order in which tables and plots show the servers.
ORDER = ("sipapp", "kamailio-tuned", "kamailio-stock")


@dataclass(frozen=True)
class Row:
    """A server in a cell. What was not measured, or could not be, is C{None}.

    @ivar cpu_us: microseconds of processor time for a unit, over all processes: a median of rounds.
    @ivar cpu_low: that of the cheapest round.
    @ivar cpu_high: that of the dearest round.
    @ivar cpu_rate: units in a second while that was measured.
    @ivar max_rate: units in a second, the highest rate without a failed call.
    @ivar client_bound: the server was not busy when the limit was reached, or it was not reached:
        with better clients on a bigger machine it might do more.
    @ivar p50_ms: half of the answers took no longer than this, at half the highest rate.
    @ivar p99_ms: 99 of 100 took no longer than this.
    @ivar rss_mib: resident memory of all processes, shared pages once (PSS), after the rounds.
    @ivar failed: units that failed in the rounds.
    @ivar retransmissions: of clients, in the rounds.
    @ivar spread: how much more the busiest worker did than the idlest, as a part of the mean.
    @ivar kib_per_connection: resident memory that a connection adds, the kernel's not included.
    @ivar cpu_percent: of one processor, with nothing but keep-alives.
    @ivar note: what there is to say.
    """

    scenario: str
    transport: str
    workers: int
    server: str
    cpu_us: float | None = None
    max_rate: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    rss_mib: float | None = None
    failed: int = 0
    retransmissions: int = 0
    cpu_low: float | None = None
    cpu_high: float | None = None
    cpu_rate: float | None = None
    client_bound: bool = False
    spread: float | None = None
    kib_per_connection: float | None = None
    cpu_percent: float | None = None
    note: str = ""

    @property
    def cell(self) -> tuple[str, str, int]:
        return self.scenario, self.transport, self.workers

    @property
    def key(self) -> tuple[str, str, int, str]:
        return *self.cell, self.server

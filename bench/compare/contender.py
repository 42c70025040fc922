"""A server of a cell with its clients, and what is found about it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.compare.load import Load
from bench.compare.rows import Row
from bench.compare.scenarios import SCENARIOS
from bench.compare.search import highestRate, quantile
from bench.compare.servers import SERVERS, Wanted
from bench.compare.sipp import Report
from bench.usage import Usage, residentMiB

#: The part of the wanted rate that a client has to reach for the rate to hold.
_KEPT = 0.95
#: The part of its time that a worker has to be busy to be what limits the rate.
_BUSY = 0.85
#: The part of a worker's time that the first rate of the search is to take.
_FIRST = 0.6
#: No client is so much faster than the rate at which processor time is measured.
_CLIENTS = 4


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    @ivar seconds: how long the load of a round is.
    @ivar load: a factor for the rate of the scenario.
    @ivar rest: seconds in which servers at rest are watched.
    @ivar steps: rates that are tried; 0 for processor time alone.
    @ivar step: seconds of each.
    @ivar idle: seconds in which idle connections are watched.
    """

    rounds: int = 5
    seconds: float = 4.0
    load: float = 1.0
    rest: float = 5.0
    steps: int = 6
    step: float = 4.0
    idle: float = 30.0


QUICK = Effort(rounds=3, seconds=3.0, rest=2.0, steps=3, step=1.5)


class Contender:
    """A server of a cell with its clients, and what was found about it."""

    def __init__(self, name: str, scenario: str, wanted: Wanted, directory: Path) -> None:
        directory.mkdir()
        self.name = name
        self._wanted = wanted
        self._scenario = SCENARIOS[scenario]
        self._cell = scenario, wanted.transport, wanted.workers, name
        self._server = SERVERS[name](directory, wanted)
        self._load = Load(self._scenario, wanted.transport, self._server.address, directory)
        self._rest = 0.0
        self._window: tuple[Usage, Report] | None = None
        self._costs: list[float] = []
        self._spreads: list[float] = []
        self._failed = self._retransmissions = 0
        self._memory = 0.0
        self._limit = math.inf
        self._limitIsHere = False

    def usage(self) -> Usage:
        return Usage(self._server.pid)

    def rested(self, since: Usage) -> None:
        """Nobody has asked it anything since then."""
        now = self.usage()
        self._rest = now.since(since) / (now.at - since.at)

    def prepare(self) -> None:
        self._load.prepare()

    def begin(self, effort: Effort) -> None:
        """The load of a round."""
        before = self.usage()
        self._window = before, self._load.run(self._rate(effort), effort.seconds)

    def _rate(self, effort: Effort) -> float:
        return self._scenario.rate * self._wanted.workers * effort.load

    def account(self) -> str:
        """Close the period that the round began.

        @return: what it found.
        """
        assert self._window is not None
        before, report = self._window
        self._window = None
        now = self.usage()
        units = report.created
        busy = now.since(before) - self._rest * (now.at - before.at)
        self._costs.append(busy * 1e6 / units)
        self._spreads.append(_spread(now.eachSince(before).values(), self._wanted.workers))
        self._failed += report.failed
        self._retransmissions += report.retransmissions
        self._memory = residentMiB(self._server.pid)
        return (
            f"{self.name} {self._costs[-1]:.1f} µs,"
            f" {report.failed} of {units} failed, {report.retransmissions} retransmissions"
        )

    def _search(self, effort: Effort) -> float | None:
        """
        @return: the highest rate that it keeps up with.
        """
        cost = statistics.median(self._costs)
        first = min(_FIRST * self._wanted.workers * 1e6 / cost, _CLIENTS * self._scenario.rate)
        return highestRate(lambda rate: self._holds(rate, effort.step), first, effort.steps)

    def _holds(self, rate: float, seconds: float) -> bool:
        before = self.usage()
        report = self._load.run(rate, seconds)
        reached = report.created / (report.seconds - self._scenario.lasting)
        if not report.failed and reached >= _KEPT * rate:
            return True
        # What limits the lowest rate that does not hold is what limits the result.
        busiest = max(self.usage().eachSince(before).values())
        if rate < self._limit:
            self._limit, self._limitIsHere = rate, busiest >= _BUSY * report.seconds
        return False

    def row(self, effort: Effort) -> Row:
        """Find the highest rate, and how soon answers come at half of that.

        @return: all that was found.
        """
        rate = self._search(effort) if effort.steps else None
        answers = self._load.run(rate / 2, effort.step, traced=True).answers if rate else ()
        return Row(
            *self._cell,
            cpu_us=statistics.median(self._costs),
            cpu_low=min(self._costs),
            cpu_high=max(self._costs),
            cpu_rate=self._rate(effort),
            max_rate=rate,
            client_bound=rate is not None and not self._limitIsHere,
            p50_ms=quantile(answers, 0.5),
            p99_ms=quantile(answers, 0.99),
            rss_mib=self._memory,
            failed=self._failed,
            retransmissions=self._retransmissions,
            spread=statistics.median(self._spreads),
        )

    def end(self) -> None:
        self._server.end()


def _spread(times: Iterable[float], workers: int) -> float:
    """
    @param times: of all processes of a server; its workers are the busiest of them.
    """
    busiest = sorted(times)[-workers:]
    return (busiest[-1] - busiest[0]) / statistics.mean(busiest)

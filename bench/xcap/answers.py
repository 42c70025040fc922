"""SIP while the XCAP pool is busy, beside SIP while it is idle: on one server, in turns."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.compare.search import quantile
from bench.hostile.goodclient import Answers, GoodClient, Way, waysTo
from bench.usage import Usage
from bench.xcap.load import Load, prepare
from bench.xcap.rows import IDLE, SATURATED, Row
from bench.xcap.stage import Stage, start


@dataclass(frozen=True)
class Effort:
    """How long it takes.

    @ivar rounds: each is one turn without load and one with it.
    @ivar seconds: of a turn.
    @ivar rate: questions of the SIP client in a second, in each of its ways.
    @ivar warmUp: seconds in which it asks before, so that what is made at the first use is there.
    """

    rounds: int = 6
    seconds: float = 15.0
    rate: float = 20.0
    warmUp: float = 5.0


@dataclass
class _Found:
    """What the turns of one kind have found.

    @ivar times: milliseconds that answers took. @ivar lost: why there was none, or a wrong one.
    @ivar sip: seconds of processor time of the workers for SIP. @ivar xcap: of the one for XCAP.
    @ivar seconds: how long it was. @ivar requests: that the load has had answered.
    """

    times: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    sip: float = 0.0
    xcap: float = 0.0
    seconds: float = 0.0
    requests: int = 0

    def row(self, name: str) -> Row:
        ordered = sorted(self.times)
        return Row(
            name,
            asked=len(ordered) + len(self.lost),
            lost=len(self.lost),
            p50_ms=quantile(ordered, 0.5),
            p99_ms=quantile(ordered, 0.99),
            longest_ms=ordered[-1] if ordered else None,
            sip_ms=self.sip * 1e3 / len(ordered) if ordered else None,
            requests_per_s=self.requests / self.seconds,
            processor=self.xcap / self.seconds,
            faults=self.lost[:3],
        )


def run(directory: Path, effort: Effort) -> list[Row]:
    """
    @param directory: an empty one, for everything that the server writes.
    @return: the row of an idle pool, and that of a busy one.
    """
    stage = start(directory, workers=1)
    try:
        ways = waysTo(stage.sip, stage.authority.clientContext())
        prepare(stage.xcap)
        # Both kinds, so that neither has the first of anything.
        _turn(stage, ways, effort.rate, effort.warmUp, _Found(), isBusy=True)
        found = {IDLE: _Found(), SATURATED: _Found()}
        for _ in range(effort.rounds):
            for name, each in found.items():
                _turn(stage, ways, effort.rate, effort.seconds, each, isBusy=name == SATURATED)
    finally:
        stage.server.end()
    return [each.row(name) for name, each in found.items()]


def _turn(
    stage: Stage,
    ways: Mapping[str, Way],
    rate: float,
    seconds: float,
    found: _Found,
    isBusy: bool,
) -> None:
    """
    @param found: what this turn finds is added to it.
    """
    with ExitStack() as resources:
        load = resources.enter_context(Load(stage.xcap)) if isBusy else None
        if load is not None:
            load.begun()
        before = Usage(stage.server.pid)
        client = GoodClient(ways, rate)
        try:
            time.sleep(seconds)
            after = Usage(stage.server.pid)
            requests = 0 if load is None else int(load.finish())
        finally:
            answers = client.finish()
    took = after.eachSince(before)
    found.sip += sum(took.get(pid, 0.0) for pid in stage.workers(ofXCAP=False))
    found.xcap += sum(took.get(pid, 0.0) for pid in stage.workers(ofXCAP=True))
    found.seconds += after.at - before.at
    found.requests += requests
    found.times += [each * 1e3 for way in answers.values() for each in way.times]
    found.lost += _lost(answers)


def _lost(answers: Mapping[str, Answers]) -> list[str]:
    return [f"{name}: {reason}" for name, way in answers.items() for reason in way.lost]

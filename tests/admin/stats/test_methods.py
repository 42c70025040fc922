"""Tests of C{stats.*}, and of how what they tell is gathered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred, execute
from twisted.logger import capturedLogs

from sipapp.admin.stats.gathering import Gathered
from sipapp.admin.stats.methods import Reading, StatsMethods
from sipapp.admin.stats.overview import DoctorView, Overview
from sipapp.admin.stats.workerstats import WorkerStats
from sipapp.rpc import Unavailable
from sipapp.transaction.durations import Durations
from tests.admin.methods.outcomes import Called
from tests.admin.stats.stage import FINDING, NOW, Stage, pidOf


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def methods(stage: Stage) -> StatsMethods:
    return StatsMethods(stage.gathering, execute)


def result(call: Any) -> Any:
    """What a method that does not have to wait for anything returns."""
    found: list[Any] = []
    calling = call if isinstance(call, Deferred) else Deferred.fromCoroutine(call)
    calling.addBoth(found.append)
    (outcome,) = found
    if hasattr(outcome, "raiseException"):
        outcome.raiseException()
    return outcome


def busyWorker(pid: int) -> WorkerStats:
    stats = WorkerStats(pid)
    stats.add("requests_received", 40, "udp:127.0.0.1:5060", "REGISTER")
    stats.add("requests_received", 2, "udp:127.0.0.1:5060", "INVITE")
    stats.add("responses_sent", 30, "REGISTER", "200")
    stats.add("responses_sent", 10, "REGISTER", "401")
    stats.add("responses_sent", 2, "INVITE", "180")
    stats.add("responses_sent", 1, "INVITE", "202")
    stats.add("busy_ratio", 0.5)
    stats.add("loop_lag_recent_seconds", 0.25)
    stats.add("connections", 3, "outgoing")
    stats.add("transactions", 5, "server")
    stats.add("transactions", 4, "client")
    durations = Durations()
    durations.add(0.125)
    stats.addSpread("answer_seconds", durations, "REGISTER")
    return stats


def test_overview(stage: Stage, methods: StatsMethods) -> None:
    stage.workers.answers["udp-0/1"] = busyWorker(pidOf("udp-0/1"))
    del stage.workers.answers["udp-0/0"]
    stage.workers.restarts["udp-0/1"] = 2
    stage.workers.states_["http-0/0"] = "backing off"
    overview: Overview = result(methods.overview())
    assert overview.time == NOW
    assert overview.uptime >= 0
    assert (overview.ready, overview.generation) == (False, 4)
    assert overview.unready == "no worker of http-0 is ready"
    assert (overview.calls, overview.registers, overview.registrations) == (1, 30, 12)
    udp, http = overview.pools
    assert (udp.name, udp.kind, udp.size, udp.ready) == ("udp-0", "sip", 2, 2)
    assert (udp.endpoints, udp.resources) == (["udp:127.0.0.1:5060"], ["registrar", "proxy"])
    # That of those who answer.
    assert (udp.busy, udp.lag) == (0.5, 0.25)
    assert (udp.requests, udp.connections, udp.transactions) == (42, 3, 9)
    assert (http.name, http.kind, http.size, http.ready) == ("http-0", "web", 1, 0)
    silent, busy, gone = overview.workers
    assert (silent.name, silent.state, silent.answers, silent.busy) == (
        "udp-0/0",
        "ready",
        False,
        0,
    )
    assert (busy.answers, busy.restarts, busy.pool) == (True, 2, "udp-0")
    assert (busy.requests, busy.transactions, busy.connections) == (42, 9, 3)
    assert (gone.state, gone.answers) == ("backing off", False)
    summary = "46 checks: 1 warning (udp-drops)"
    assert overview.doctor == DoctorView(worst="warning", summary=summary, findings=[FINDING])
    assert (overview.bans, overview.banned) == (stage.bans, 1)
    # It can be written as JSON, and XML-RPC has nothing else.
    assert msgspec.convert(msgspec.to_builtins(overview), Overview) == overview


def test_lag(stage: Stage, methods: StatsMethods) -> None:
    """A worker that goes round its loop in time is late where datagrams wait for it."""
    stats = WorkerStats(pidOf("udp-0/0"))
    stats.add("loop_lag_recent_seconds", 0.005)
    stats.add("queue_wait_recent_seconds", 0.5, "udp:127.0.0.1:5060")
    stats.add("queue_wait_recent_seconds", 0.75, "udp:[::1]:5060")
    stage.workers.answers["udp-0/0"] = stats
    overview: Overview = result(methods.overview())
    assert [each.lag for each in overview.workers] == [0.75, 0, 0]
    assert overview.pools[0].lag == 0.75


def test_workersThatAreGone(stage: Stage, methods: StatsMethods) -> None:
    """What they have counted stays, also if they tell it at their end only."""
    stage.workers.answers["udp-0/1"] = busyWorker(1)
    assert result(methods.overview()).registers == 30
    stage.workers.answers["udp-0/1"] = WorkerStats(2)
    assert result(methods.overview()).registers == 30
    last = busyWorker(1)
    last.add("responses_sent", 7, "REGISTER", "200")
    stage.workers.listeners["stats"]("udp-0/1", msgspec.to_builtins(last))
    overview = result(methods.overview())
    assert overview.registers == 37
    assert overview.pools[0].transactions == 0


def test_whatNobodyKnows(stage: Stage, methods: StatsMethods) -> None:
    """It is left out, and the rest is told."""
    stage.registrations = Unavailable("they are in memory")
    stage.bans = RuntimeError("the disk is full")
    stage.report = None
    with capturedLogs() as events:
        overview = result(methods.overview())
    assert (overview.registrations, overview.bans, overview.banned) == (-1, [], 0)
    assert (overview.doctor.worst, overview.doctor.findings) == (None, [])
    # What is no answer of somebody who knows is a mistake.
    assert [event["log_failure"].value.args for event in events] == [("the disk is full",)]
    assert "registrations" not in {reading.name for reading in result(methods.get())}


def test_aWorkerThatMakesNoSense(stage: Stage, methods: StatsMethods) -> None:
    """It is taken for one that does not answer."""
    sensible: Callable[..., Any] = stage.workers.askAll

    def askAll(question: str, /, *, timeout: float = 5.0) -> Deferred[dict[str, Any]]:
        asked: Deferred[dict[str, Any]] = sensible(question, timeout=timeout)
        return asked.addCallback(lambda said: {**said, "udp-0/0": {"numbers": "many"}})

    stage.workers.askAll = askAll  # type: ignore[method-assign]  # a worker of another version
    overview = result(methods.overview())
    assert [each.answers for each in overview.workers] == [False, True, True]


def test_get(stage: Stage, methods: StatsMethods) -> None:
    stage.workers.answers["udp-0/1"] = busyWorker(1)
    labels = {"pool": "udp-0", "slot": "1"}
    assert result(methods.get("transactions")) == [
        Reading("transactions", {**labels, "side": "server"}, 5),
        Reading("transactions", {**labels, "side": "client"}, 4),
    ]
    assert result(methods.get("sipapp_generation")) == [Reading("generation", {}, 4)]
    assert result(methods.get("answer_*")) == [
        Reading("answer_seconds_count", {**labels, "method": "REGISTER"}, 1),
        Reading("answer_seconds_sum", {**labels, "method": "REGISTER"}, 0.125),
    ]
    assert result(methods.get("juggling")) == []
    names = {reading.name for reading in result(methods.get("doctor_*"))}
    assert names == {"doctor_checks", "doctor_findings"}


def test_aPatternThatWouldTakeLong(methods: StatsMethods, tmp_path: Path) -> None:
    called = Called(tmp_path, stats=methods)
    assert "pattern" in called.fault(-32602, "stats.get", "*x" * 20_000)
    assert called("stats.get", "*x" * 50) == []


def test_metrics(stage: Stage, methods: StatsMethods) -> None:
    stage.workers.answers["udp-0/1"] = busyWorker(1)
    samples = [
        sample
        for family in text_string_to_metric_families(result(methods.metrics()))
        for sample in family.samples
    ]
    values = {(one.name, *one.labels.values()): one.value for one in samples}
    assert values["sipapp_responses_sent_total", "401", "REGISTER", "udp-0", "1"] == 10
    assert values["sipapp_pool_ready", "udp-0"] == 2
    assert values["sipapp_registrations",] == 12


def test_ready(stage: Stage, methods: StatsMethods) -> None:
    assert methods.ready().ready
    stage.workers.states_["udp-0/0"] = "starting"
    assert methods.ready().ready
    stage.workers.states_["udp-0/1"] = "backing off"
    assert methods.ready().reason == "no worker of udp-0 is ready"
    assert not methods.ready().ready
    stage.unready = "the server drains"
    assert methods.ready().reason == "the server drains"
    assert result(methods.get("ready"))[0].value == 0


def test_atTheSameTime(stage: Stage) -> None:
    """Those who ask while there is no answer yet get the same one; the next asks again."""
    stage.workers.isLate = True
    found: list[Gathered] = []
    for _ in range(3):
        stage.gathering.gather().addCallback(found.append)
    assert (stage.workers.asked, found) == (1, [])
    stage.workers.answer()
    assert len(found) == 3
    assert found[0] is found[2]
    stage.gathering.gather().addCallback(found.append)
    assert stage.workers.asked == 2
    stage.workers.answer()
    assert found[3] is not found[0]

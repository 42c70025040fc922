"""What the machines have in common: failures, abandoning, settings and the clock."""

from __future__ import annotations

import pytest

from sipapp.transaction import TimerSettings
from tests.transaction.fakes import advance
from tests.transaction.messages import BRANCH, request
from tests.transaction.timeline import Line


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_aTransportFailureEndsAClientTransaction(method: str) -> None:
    line = Line()
    transaction = line.send(request(method))
    line.layer.transportFailed(transaction, 0.1)
    assert line.client.events == ["failure"]
    assert line.layer.failures == 1
    line.layer.transportFailed(transaction, 0.2)
    line.layer.transportFailed(f"{method} {BRANCH}", 0.2)
    assert line.client.events == ["failure"]
    line.assertQuiet()


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_aServerTransactionOutlivesAFailureToSend(method: str) -> None:
    line = Line()
    message = request(method)
    transaction = line.receive(message)
    line.layer.transportFailed(transaction, 0.1)
    assert line.owner.events == ["failure"]
    transaction.user = None
    line.layer.transportFailed(transaction, 0.1)
    assert line.layer.failures == 2
    transaction.respond(message.respond(500), 0.1)
    assert line.layer.serverCount == 1
    advance(line.layer, 100)
    line.assertQuiet()


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_anAbandonedTransactionLeavesNoTrace(method: str) -> None:
    line = Line()
    transaction = line.receive(request(method))
    transaction.abandon()
    line.assertQuiet()
    assert (line.owner.events, line.flow.times) == ([], [])
    assert line.receive(request(method), 1.0) is not transaction


def test_otherSettingsOtherTimes() -> None:
    line = Line(settings=TimerSettings(t1=0.1, t2=0.4, t4=1.0, timerD=2.0))
    line.send(request("OPTIONS"))
    advance(line.layer, 2)
    assert line.flow.timeline("OPTIONS") == pytest.approx([0, 0.1, 0.3, 0.7, 1.1, 1.5, 1.9])


def test_theClockIsAskedByCallsFromOutside() -> None:
    line = Line()
    clock = 50.0
    line.layer.clock = lambda: clock
    options = request("OPTIONS")
    line.receive(options).respond(options.respond(200))
    invite = request()
    transaction = line.layer.request(invite, line.flow, line.client)
    transaction.cancel()
    deadlines = sorted((timer.name, timer.deadline) for timer in line.layer.timers)
    assert deadlines == [("Timer A", 50.5), ("Timer B", 82.0), ("Timer J", 82.0)]


def test_withoutAClockTheTimeOfTheLastEntryCounts() -> None:
    line = Line()
    options = request("OPTIONS")
    line.receive(options, now=7.0).respond(options.respond(200))
    assert [timer.deadline for timer in line.layer.timers] == [39.0]

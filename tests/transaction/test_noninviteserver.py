"""What the non-INVITE server transaction does when (RFC 3261 §17.2.2, RFC 4320)."""

from __future__ import annotations

import pytest

from tests.transaction.fakes import advance
from tests.transaction.messages import request
from tests.transaction.timeline import Line


def test_theResponseAnswersEveryRepetition() -> None:
    line = Line()
    options = request("OPTIONS")
    transaction = line.receive(options)
    line.layer.receiveRequest(request("OPTIONS"), line.flow, 0.5)
    assert line.flow.times == []
    transaction.respond(options.respond(200), 1.0)
    line.layer.receiveRequest(request("OPTIONS"), line.flow, 1.5)
    transaction.respond(options.respond(500), 2.0)
    line.layer.receiveRequest(request("OPTIONS"), line.flow, 32.9)
    assert [word for _, word in line.flow.times] == ["200", "200", "200"]
    advance(line.layer, 33)
    assert line.owner.events == ["ended"]
    line.assertQuiet()


def test_overAnUnreliableTransportNo100IsSentTooEarly() -> None:
    line = Line()
    options = request("OPTIONS")
    transaction = line.receive(options)
    transaction.respond(options.respond(100), 1.0)
    transaction.respond(options.respond(183), 1.0)
    assert line.flow.times == []
    advance(line.layer, 3.4)
    assert line.flow.times == []
    advance(line.layer, 3.6)
    assert line.flow.times == [(3.5, "100")]
    transaction.respond(options.respond(100), 4.0)
    transaction.respond(options.respond(183), 4.0)
    assert [word for _, word in line.flow.times] == ["100", "100"]


def test_overAReliableTransport100IsSentAnyTime() -> None:
    line = Line(reliable=True)
    options = request("OPTIONS")
    transaction = line.receive(options)
    transaction.respond(options.respond(100), 1.0)
    assert [word for _, word in line.flow.times] == ["100"]
    advance(line.layer, 10)
    assert [word for _, word in line.flow.times] == ["100"]
    transaction.respond(options.respond(200), 10.0)
    line.assertQuiet()


def test_noFinalResponseIsSentWhenTheClientHasGivenUp() -> None:
    line = Line()
    options = request("OPTIONS")
    transaction = line.receive(options)
    advance(line.layer, 31.9)
    assert line.layer.serverCount == 1
    advance(line.layer, 32)
    assert transaction.timedOut
    assert line.owner.events == ["ended"]
    transaction.respond(options.respond(200), 32.1)
    assert [word for _, word in line.flow.times] == ["100"]
    line.assertQuiet()


@pytest.mark.parametrize("since", [1.0, 4.0])
def test_408IsNeverSent(since: float) -> None:
    line = Line()
    options = request("OPTIONS")
    transaction = line.receive(options)
    advance(line.layer, since)
    line.flow.times.clear()
    transaction.respond(options.respond(408), since)
    line.layer.receiveRequest(request("OPTIONS"), line.flow, since + 1)
    assert line.flow.times == []
    assert transaction.isFinal
    advance(line.layer, 100)
    line.assertQuiet()

"""What the non-INVITE client transaction does when (RFC 3261 §17.1.2)."""

from __future__ import annotations

from tests.transaction.fakes import advance
from tests.transaction.messages import request
from tests.transaction.timeline import Line


def test_aRequestIsRepeatedAtIntervalsUpToT2UntilTimerF() -> None:
    line = Line()
    line.send(request("OPTIONS"))
    advance(line.layer, 100)
    assert line.flow.timeline("OPTIONS") == [
        *(0, 0.5, 1.5, 3.5, 7.5),
        *(11.5, 15.5, 19.5, 23.5, 27.5, 31.5),
    ]
    assert line.client.events == ["timeout"]
    line.assertQuiet()


def test_aProvisionalResponseSlowsTheRepetitionsDown() -> None:
    line = Line()
    options = request("OPTIONS")
    line.send(options)
    line.answer(options, 100, 0.6)
    advance(line.layer, 100)
    # The Timer E that was running goes on; the next ones take T2.
    assert line.flow.timeline("OPTIONS") == [0, 0.5, *(1.5 + 4 * n for n in range(8))]
    assert line.client.events == [100, "timeout"]
    line.assertQuiet()


def test_onlyTheFirstFinalResponseCounts() -> None:
    line = Line()
    options = request("OPTIONS")
    line.send(options)
    line.answer(options, 200, 1.0)
    line.answer(options, 500, 2.0)
    line.answer(options, 100, 3.0)
    advance(line.layer, 5.9)
    assert (line.layer.clientCount, line.layer.absorbed) == (1, 2)
    advance(line.layer, 6.0)
    assert line.client.events == [200]
    line.assertQuiet()

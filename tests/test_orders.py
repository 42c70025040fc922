"""What a worker is told to do besides its work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import LogEvent, globalLogPublisher

from sipapp.answers import Answers
from sipapp.orders import StandingOrders, TakenOrders, TraceOrder
from sipapp.pool import Unanswered
from sipapp.tracing import Tracer


class Surroundings:
    """A parent that has orders, and what they are about."""

    def __init__(self, orders: StandingOrders | None) -> None:
        self.orders = orders
        self.levels: list[Mapping[str, str]] = []
        self.taps: list[Tracer | None] = []
        tracer = Tracer("udp-0/0", self.taps.append, self.tell, lambda call: call())
        self.taken = TakenOrders(self, self, tracer)

    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]:
        assert subject == "orders"
        if self.orders is None:
            return fail(Unanswered("answers no questions"))
        return succeed(msgspec.json.encode({"result": self.orders}))

    def setLevels(self, levels: Mapping[str, str]) -> None:
        self.levels.append(levels)

    def tell(self, subject: str, body: bytes) -> Deferred[None]:
        return succeed(None)


def test_taken() -> None:
    orders = StandingOrders({"": "debug"}, (TraceOrder(7, "alice", 60.0),))
    surroundings = Surroundings(orders)
    for _ in range(2):
        assert surroundings.taken.take().result is None
    assert surroundings.levels == [{"": "debug"}] * 2
    assert len(surroundings.taps) == 1


def test_none() -> None:
    surroundings = Surroundings(StandingOrders())
    surroundings.taken.take()
    assert (surroundings.levels, surroundings.taps) == ([], [])


def test_aParentThatDoesNotAnswer() -> None:
    """The worker serves without."""
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    try:
        assert Surroundings(None).taken.take().result is None
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert events[-1]["cause"] == "answers no questions"


@pytest.mark.parametrize("question", ["trace.start", "trace.stop", "log.levels"])
def test_laterOnes(question: str) -> None:
    surroundings = Surroundings(StandingOrders())
    answers = Answers()
    surroundings.taken.addTo(answers)
    arguments: dict[str, Any] = {
        "trace.start": {"trace": 7, "subject": "", "seconds": 1.0},
        "trace.stop": {"trace": 7},
        "log.levels": {"levels": {"": "warn"}},
    }[question]
    outcome = answers.answer(question, msgspec.json.encode(arguments)).result
    assert b'"result"' in outcome
    assert surroundings.levels == ([{"": "warn"}] if question == "log.levels" else [])

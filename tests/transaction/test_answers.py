"""What a layer keeps of its answers, and of how long they take."""

from __future__ import annotations

import pytest

from sipapp.transaction import TransactionLayer
from sipapp.transaction.answers import Answers
from sipapp.transaction.durations import BOUNDS, Durations
from tests.transaction.fakes import RecordingClient, RecordingFlow, RecordingUser
from tests.transaction.messages import request, response


@pytest.mark.parametrize("bucket", range(len(BOUNDS)))
def test_buckets(bucket: int) -> None:
    """Each ends where the next begins, and is twice as wide as the one before."""
    assert BOUNDS[bucket] == 0.001 * 2**bucket
    for seconds, where in ((BOUNDS[bucket] * 0.99, bucket), (BOUNDS[bucket] * 1.01, bucket + 1)):
        durations = Durations()
        durations.add(seconds)
        assert durations.counts.index(1) == where
        assert durations.total == seconds


def test_extremes() -> None:
    """A day counts as more than a minute, and nothing as less than a millisecond."""
    durations = Durations()
    for seconds in (86_400.0, 0.0, 86_400.0):
        durations.add(seconds)
    assert durations.counts == [1, *[0] * (len(BOUNDS) - 1), 2]


def test_aClockThatIsSetBack() -> None:
    """Nothing ends before it has begun, and no sum falls."""
    durations = Durations()
    for seconds in (0.5, -3600.0):
        durations.add(seconds)
    assert durations.total == 0.5
    assert sum(durations.counts) == 2
    assert durations.counts[0] == 1


def test_whatNoStandardKnows() -> None:
    """A peer may make up methods and codes: they are counted together."""
    answers = Answers()
    for number in range(100, 700):
        answers.add(f"METHOD{number}", number, 0.0)
    assert {method for method, _ in answers.counts} == {"other"}
    assert {100, 180, 200, 300, 400, 486, 600} <= {status for _, status in answers.counts}
    assert len(answers.counts) < 80
    assert sum(answers.counts.values()) == 600
    assert list(answers.times) == ["other"]


class Server:
    """A layer that has received one request."""

    def __init__(self, method: str) -> None:
        self.user = RecordingUser()
        self.layer = TransactionLayer(self.user)
        self.request = request(method)
        self.layer.receiveRequest(self.request, RecordingFlow(), 10.0)
        (self.transaction,) = self.user.requests

    def respond(self, status: int, now: float) -> None:
        self.transaction.respond(self.request.respond(status, toTag="1"), now)


def test_invite() -> None:
    """Provisional responses count, and the first final one: not the others of a fork, nor what is
    sent again."""
    server = Server("INVITE")
    server.respond(180, 11.0)
    server.respond(180, 12.0)
    server.respond(200, 13.0)
    server.respond(200, 14.0)
    server.layer.receiveRequest(request("INVITE"), RecordingFlow(), 15.0)
    answers = server.layer.answers
    assert answers.counts == {("INVITE", 180): 2, ("INVITE", 200): 1}
    assert answers.times["INVITE"].total == 3.0
    assert sum(answers.times["INVITE"].counts) == 1


def test_others() -> None:
    server = Server("REGISTER")
    server.respond(401, 10.25)
    assert server.layer.answers.counts == {("REGISTER", 401): 1}
    assert server.layer.answers.times["REGISTER"].total == 0.25


def test_silence() -> None:
    """A request that is met with silence has no answer (RFC 4320 §4.2)."""
    server = Server("OPTIONS")
    server.respond(408, 10.0)
    assert server.layer.answers.counts == {}


def test_sent() -> None:
    layer = TransactionLayer(RecordingUser())
    for number, method in enumerate(("INVITE", "OPTIONS", "OPTIONS", "JUMP")):
        via = f"SIP/2.0/UDP us.example.com;branch=z9hG4bK{number}"
        message = request(method, via=via)
        layer.request(message, RecordingFlow(), RecordingClient(), 0.0)
        layer.receiveResponse(response(message, 200), RecordingFlow(), 0.1)
    assert layer.requestsSent == {"INVITE": 1, "OPTIONS": 2, "other": 1}

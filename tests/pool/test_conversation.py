"""What parent and worker ask and tell each other, in memory."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, connect

from sipapp.pool import Unanswered
from sipapp.pool.channel import ControlChannel
from sipapp.pool.conversation import LONGEST, PIECE, Conversation

LONG = bytes(range(256)) * 1000
"""More than four pieces."""


class Side(Conversation):
    """One end, and what it has heard."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.heard: list[tuple[str, bytes]] = []
        self.asked: list[tuple[str, bytes]] = []
        self.answer: Callable[[bytes], Deferred[bytes]] = succeed

    def answerTo(self, subject: str, body: bytes) -> Deferred[bytes]:
        self.asked.append((subject, body))
        return self.answer(body)

    def hear(self, subject: str, body: bytes) -> None:
        self.heard.append((subject, body))


class Both:
    """Two sides with a connection between them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.one, self.other = Side(self.clock), Side(self.clock)
        self.pump = connect(
            self.one, FakeTransport(self.one, True), self.other, FakeTransport(self.other, False)
        )

    def ask(self, body: bytes, timeout: float = 5.0) -> list[Any]:
        """
        @return: what becomes of it.
        """
        outcome: list[Any] = []
        self.one.ask("subject", body, timeout).addBoth(outcome.append)
        self.pump.flush()
        return outcome


@pytest.fixture
def both() -> Both:
    return Both()


def refusal(outcome: list[Any]) -> str:
    [failure] = outcome
    assert isinstance(failure, Failure)
    assert failure.check(Unanswered)
    return str(failure.value)


@pytest.mark.parametrize(
    "body", [b"", b"short", b"x" * PIECE, b"x" * (PIECE + 1), b"x" * (2 * PIECE), LONG]
)
def test_aQuestionAndItsAnswerOfAnyLength(both: Both, body: bytes) -> None:
    assert both.ask(body) == [body]
    assert both.other.asked == [("subject", body)]
    assert both.one.isSilent
    assert both.other.isSilent


def test_anAnswerThatComesLater(both: Both) -> None:
    waiting: Deferred[bytes] = Deferred()
    both.other.answer = lambda _: waiting
    outcome = both.ask(b"")
    assert (outcome, both.other.isSilent) == ([], False)
    waiting.callback(LONG)
    both.pump.flush()
    assert (outcome, both.other.isSilent) == ([LONG], True)


def test_bothAskAtTheSameTime(both: Both) -> None:
    answers: list[bytes] = []
    both.one.ask("one", LONG, 5.0).addCallback(answers.append)
    both.other.ask("other", LONG[::-1], 5.0).addCallback(answers.append)
    both.one.ask("more", LONG[1:], 5.0).addCallback(answers.append)
    both.pump.flush()
    assert sorted(answers) == sorted([LONG, LONG[::-1], LONG[1:]])


def test_whatIsTold(both: Both) -> None:
    told: list[None] = []
    both.one.tell("news", LONG).addCallback(told.append)
    assert told == []
    both.pump.flush()
    assert (both.other.heard, told) == ([("news", LONG)], [None])


def test_anAnswerThatDoesNotCome(both: Both) -> None:
    both.other.answer = lambda _: Deferred()
    outcome = both.ask(b"", 3.0)
    both.clock.advance(3.0)
    both.pump.flush()
    assert refusal(outcome) == "has not answered within 3 s"
    assert both.other.isSilent


def test_anAnswerThatComesTooLateLeavesNothingBehind(both: Both) -> None:
    """Its pieces have come while somebody waited for it."""
    outcome: list[Any] = []
    both.one.ask("subject", LONG, 3.0).addErrback(outcome.append)
    for _ in range(7):
        both.pump.pump()
    assert not (both.one.isSilent and both.other.isSilent)
    both.clock.advance(3.0)
    assert refusal(outcome) == "has not answered within 3 s"
    both.pump.flush()
    assert both.one.isSilent
    assert both.other.isSilent
    assert both.ask(LONG) == [LONG]


def test_whoCannotAnswerSaysSo(both: Both, caplog: pytest.LogCaptureFixture) -> None:
    both.other.answer = lambda _: fail(Unanswered("answers no questions"))
    assert refusal(both.ask(b"")) == "answers no questions"


@pytest.mark.parametrize("answer", [lambda _: fail(ValueError("no")), lambda _: 1 / 0])
def test_whoFailsGoesOn(both: Both, answer: Any) -> None:
    both.other.answer = answer
    assert refusal(both.ask(b"")) == "could not answer: its log says why"
    both.other.answer = succeed
    assert both.ask(b"again") == [b"again"]


def test_whoFailsToHearGoesOn(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both.other, "hear", lambda *_: 1 / 0)
    both.one.tell("news", b"")
    both.pump.flush()
    assert both.ask(b"again") == [b"again"]


def test_whoHasGone(both: Both) -> None:
    waiting: Deferred[bytes] = Deferred()
    both.other.answer = lambda _: waiting
    outcome = both.ask(b"")
    both.one.connectionLost(Failure(ConnectionDone()))
    assert refusal(outcome) == "has gone"
    assert refusal(both.ask(b"")) == "has gone"


def test_whatIsTooLong(both: Both) -> None:
    assert "more than" in refusal(both.ask(bytes(LONGEST + 1)))
    both.other.answer = lambda _: succeed(bytes(LONGEST + 1))
    assert "more than" in refusal(both.ask(b""))


class Parent:
    """What the parent's end reports to."""

    def __init__(self) -> None:
        self.waiting: Deferred[bytes] = Deferred()

    def channelAsked(self, subject: str, body: bytes) -> Deferred[bytes]:
        return self.waiting

    def channelTold(self, subject: str, body: bytes) -> None:
        """Nothing."""

    def channelLost(self) -> None:
        """Nothing."""


def test_aChannelIsIdleWhenNobodyWaits() -> None:
    """A worker can be left to another image when nothing is lost by that."""
    clock, parent = Clock(), Parent()
    channel, worker = ControlChannel(parent, clock), Side(clock)  # type: ignore[arg-type] # only what is used
    transport = FakeTransport(channel, True)
    # As the reactor's transports have it.
    transport.offset, transport.dataBuffer, transport._tempDataBuffer = 0, b"", []
    pump = connect(channel, transport, worker, FakeTransport(worker, False))
    assert channel.isIdle

    waiting: Deferred[bytes] = Deferred()
    worker.answer = lambda _: waiting
    channel.ask("subject", b"", 5.0)
    pump.flush()
    assert not channel.isIdle
    waiting.callback(LONG)
    pump.pump()
    pump.pump()
    assert not channel.isIdle
    pump.flush()
    assert channel.isIdle

    worker.ask("subject", LONG, 5.0)
    pump.pump()
    assert not channel.isIdle
    pump.flush()
    assert not channel.isIdle
    parent.waiting.callback(LONG)
    pump.flush()
    assert channel.isIdle


def test_anAnswerToOneWhoHasGone(both: Both) -> None:
    waiting: Deferred[bytes] = Deferred()
    both.other.answer = lambda _: waiting
    both.ask(b"")
    both.other.connectionLost(Failure(ConnectionDone()))
    with capturedLogs() as logged:
        waiting.callback(LONG)
        gc.collect()
    assert [each for each in logged if each["log_level"] >= LogLevel.error] == []
    assert both.other.isSilent


def test_aShortAnswerToOneWhoHasGone(both: Both) -> None:
    waiting: Deferred[bytes] = Deferred()
    both.other.answer = lambda _: waiting
    both.ask(b"")
    both.other.connectionLost(Failure(ConnectionDone()))
    with capturedLogs() as logged:
        waiting.callback(b"short")
        gc.collect()
    assert [each for each in logged if each["log_level"] >= LogLevel.error] == []

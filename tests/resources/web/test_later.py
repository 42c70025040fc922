"""Tests of C{sipapp.resources.web.later}."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure
from twisted.web.resource import Resource

from sipapp.resources.web.later import answerLater
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.web import LimitedSite
from tests.support.httptext import Answer, request, takeAnswer


class Page(Resource):
    """Answers as it is told, when it is told.

    @ivar said: what it waits for. @ivar isPart: whether it writes something before.
    @ivar isStubborn: whether it has something to say also when it is cancelled.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.said: Deferred[Any] = Deferred()
        self.isPart = self.isStubborn = False
        self.wasCancelled = False

    def render_GET(self, request: Any) -> int:
        return answerLater(request, self._answer(request))

    def _answer(self, request: Any) -> Coroutine[Any, Any, bytes | None]:
        async def answer() -> bytes | None:
            if self.isPart:
                request.write(b"part")
            try:
                said: bytes | None = await self.said
            except CancelledError:
                self.wasCancelled = True
                if self.isStubborn:
                    return b"so what"
                raise
            if said is None:
                request.finish()
            return said

        return answer()


class Stage:
    """A page, and a client who asks for it."""

    def __init__(self) -> None:
        clock = Clock()
        self.page = Page()
        site = LimitedSite(clock, self.page, StreamLimits(), LimitLog(clock.seconds), "http test")
        self.channel: Any = site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 50_000))
        self.transport = StringTransport()
        self.channel.makeConnection(self.transport)

    def ask(self, method: str = "GET") -> None:
        self.channel.dataReceived(request(method, "/", "a"))

    def answer(self, method: str = "GET") -> Answer:
        taken = takeAnswer(self.transport.value(), method)
        assert taken is not None
        return taken[0]


@pytest.fixture
def stage() -> Iterator[Stage]:
    yield Stage()


def test_body(stage: Stage) -> None:
    stage.ask()
    assert stage.transport.value() == b""
    stage.page.said.callback(b"said")
    answer = stage.answer()
    assert (answer.status, answer.body, answer.get("content-length")) == (200, b"said", "4")


def test_nothing(stage: Stage) -> None:
    stage.ask()
    stage.page.said.callback(b"")
    assert stage.answer().body == b""


def test_alreadyAnswered(stage: Stage) -> None:
    stage.ask()
    stage.page.said.callback(None)
    assert stage.answer().status == 200


def test_failure(stage: Stage) -> None:
    stage.ask()
    with capturedLogs() as captured:
        stage.page.said.errback(ValueError("nobody is to read this"))
    answer = stage.answer()
    assert (answer.status, answer.body) == (500, b"the server has failed\n")
    assert [event["log_level"] for event in captured] == [LogLevel.critical]
    assert captured[0]["about"]["method"] == "GET"
    assert captured[0]["about"]["source"].count(":") == 1


def test_halfAnAnswer(stage: Stage) -> None:
    stage.page.isPart = True
    stage.ask()
    with capturedLogs():
        stage.page.said.errback(ValueError("nobody is to read this"))
    assert stage.transport.disconnecting
    assert b"nobody" not in stage.transport.value()


@pytest.mark.parametrize("isStubborn", [False, True])
def test_hangingUp(stage: Stage, isStubborn: bool) -> None:
    stage.page.isStubborn = isStubborn
    stage.ask()
    with capturedLogs() as captured:
        stage.channel.connectionLost(Failure(ConnectionLost()))
    assert stage.page.wasCancelled
    assert captured == []

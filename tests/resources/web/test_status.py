"""Tests of L{sipapp.resources.web.status}: who gets what, and what those who watch are told, on a
virtual clock, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from sipapp.resources.web.root import Root
from sipapp.resources.web.settings import StatusSettings
from sipapp.resources.web.status import Status
from sipapp.resources.web.status.feed import MOST
from sipapp.rpc import Caller, Unavailable
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.web import LimitedSite
from tests.resources.web import stage
from tests.support.httptext import Answer, request, takeAnswer

VIEWER = "198.51.100.7"
STRANGER = "203.0.113.1"


class Worker(stage.Worker):
    """A worker with the status page, and a server that answers when the test wants.

    @ivar asked: the questions that wait.
    """

    name = "http-0/0"
    domain = stage.REALM

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.administration = self
        self.asked: list[tuple[str, Sequence[Any], Caller, Deferred[Any]]] = []
        self.resource = Status(StatusSettings(viewers=(VIEWER,)), self)
        log = LimitLog(self.reactor.seconds)
        self.site = LimitedSite(
            self.reactor, Root([self.resource]), StreamLimits(), log, "http test"
        )

    def call(self, name: str, parameters: Sequence[Any], caller: Caller) -> Deferred[Any]:
        asked: Deferred[Any] = Deferred()
        self.asked.append((name, parameters, caller, asked))
        return asked

    def answer(self, overview: Any) -> None:
        """Let the server say how it is."""
        self.asked.pop(0)[3].callback(overview)

    def second(self, overview: Any = None) -> None:
        """A second passes, and the server answers what it is asked."""
        self.reactor.advance(1)
        if self.asked:
            self.answer(overview)


class Browser:
    """A connection."""

    def __init__(self, worker: Worker, address: str = VIEWER) -> None:
        self.transport = StringTransport()
        self.transport.peerAddr = IPv4Address("TCP", address, 50_000)
        self.channel: Any = worker.site.buildProtocol(self.transport.peerAddr)
        self.channel.makeConnection(self.transport)

    def send(self, target: str, method: str = "GET", **headers: str) -> None:
        fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.channel.dataReceived(request(method, target, "a", fields))

    def ask(self, target: str, method: str = "GET", **headers: str) -> Answer:
        self.send(target, method, **headers)
        taken = takeAnswer(self.transport.value(), method)
        assert taken is not None, self.transport.value()
        self.transport.clear()
        return taken[0]

    def watch(self) -> None:
        self.send("/status/events")

    @property
    def received(self) -> bytes:
        return self.transport.value()

    def events(self) -> list[tuple[str, Any]]:
        """
        @return: what has come since the last time.
        """
        text = self.received.decode()
        self.transport.clear()
        lines = [line for line in text.splitlines() if line.startswith(("event: ", "data: "))]
        names = [line.removeprefix("event: ") for line in lines[::2]]
        return [
            (name, json.loads(line.removeprefix("data: ")))
            for name, line in zip(names, lines[1::2], strict=True)
        ]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path)
    yield worker
    worker.close()


class TestPage:
    def test_parts(self, worker: Worker) -> None:
        browser = Browser(worker)
        page = browser.ask("/status/")
        assert (page.status, page.get("content-type")) == (200, "text/html; charset=utf-8")
        for name in ("status.css", "status.js", "plot.js", "tables.js", "icon.svg"):
            part = browser.ask(f"/status/{name}")
            assert (part.status, part.get("x-content-type-options")) == (200, "nosniff")
            assert "default-src 'none'" in part.get("content-security-policy")
            assert b"http://" not in part.body.replace(b"http://www.w3.org/2000/svg", b"")
            assert b"https://" not in part.body

    def test_theDirectory(self, worker: Worker) -> None:
        answer = Browser(worker).ask("/status")
        assert (answer.status, answer.get("location")) == (308, "status/")

    def test_again(self, worker: Worker) -> None:
        """A browser that has a part gets no more than that it has not changed."""
        browser = Browser(worker)
        first = browser.ask("/status/status.js")
        again = browser.ask("/status/status.js", If_None_Match=first.get("etag"))
        assert (again.status, again.body) == (304, b"")
        assert again.get("etag") == first.get("etag")

    def test_head(self, worker: Worker) -> None:
        browser = Browser(worker)
        head = browser.ask("/status/", "HEAD")
        assert (head.status, head.body) == (200, b"")
        assert int(head.get("content-length")) == len(browser.ask("/status/").body)
        assert browser.ask("/status/events", "HEAD").get("content-type") == "text/event-stream"

    def test_nothing(self, worker: Worker) -> None:
        browser = Browser(worker)
        for name in ("nothing", "page/index.html", "../resource.py", "events/", "%2e%2e/feed.py"):
            assert browser.ask(f"/status/{name}").status == 404
        assert browser.ask("/status/", "POST").status == 405

    def test_strangers(self, worker: Worker) -> None:
        for name in ("", "status.js", "events", "nothing"):
            assert Browser(worker, STRANGER).ask(f"/status/{name}").status == 401
        assert worker.asked == []


class TestFeed:
    def test_aSecond(self, worker: Worker) -> None:
        browser = Browser(worker)
        browser.watch()
        assert b"text/event-stream" in browser.received
        assert b"retry: 1000\n\n" in browser.received
        for number in range(3):
            worker.second({"time": number})
        assert browser.events() == [("overview", {"time": number}) for number in range(3)]

    def test_whoAsks(self, worker: Worker) -> None:
        Browser(worker).watch()
        ((name, parameters, caller, _),) = worker.asked
        assert (name, parameters) == ("stats.overview", ())
        assert caller == Caller("", "viewer", "http-0/0", "web")

    def test_onceForAll(self, worker: Worker) -> None:
        """The server is asked once, and nobody waits for the next second to see something."""
        first, other = Browser(worker), Browser(worker)
        first.watch()
        worker.answer(1)
        other.watch()
        assert worker.asked == []
        assert other.events() == [("overview", 1)]
        worker.second(2)
        assert other.events() == [("overview", 2)]
        assert first.events() == [("overview", 1), ("overview", 2)]

    def test_nobodyWatches(self, worker: Worker) -> None:
        browser = Browser(worker)
        browser.watch()
        worker.answer(1)
        browser.channel.connectionLost()
        worker.reactor.pump([1] * 3)
        assert worker.asked == []
        other = Browser(worker)
        other.watch()
        assert other.events() == []
        worker.answer(2)
        assert other.events() == [("overview", 2)]

    def test_silence(self, worker: Worker) -> None:
        """A server that does not answer is not asked again meanwhile."""
        browser = Browser(worker)
        browser.watch()
        worker.reactor.pump([1] * 4)
        assert (len(worker.asked), browser.events()) == (1, [])
        worker.reactor.advance(1)
        assert browser.events() == [("silence", {"text": "it does not answer"})]
        worker.reactor.advance(1)
        worker.asked.pop()[3].callback(3)
        assert browser.events() == [("overview", 3)]

    def test_faults(self, worker: Worker) -> None:
        browser = Browser(worker)
        browser.watch()
        worker.asked.pop()[3].errback(Unavailable("the server stops"))
        assert browser.events() == [("silence", {"text": "the server stops"})]
        worker.reactor.advance(1)
        worker.asked.pop()[3].errback(LookupError("the drawer is empty"))
        ((name, data),) = browser.events()
        assert name == "silence"
        assert "drawer" not in data["text"]

    def test_slowReaders(self, worker: Worker) -> None:
        """Who does not read misses what there was meanwhile; who never does is given up."""
        browser = Browser(worker)
        browser.watch()
        worker.answer(1)
        browser.events()
        browser.channel.pauseProducing()
        worker.second(2)
        assert browser.received == b""
        browser.channel.resumeProducing()
        worker.second(3)
        assert browser.events() == [("overview", 3)]
        browser.channel.pauseProducing()
        for _ in range(30):
            assert not browser.transport.disconnected
            worker.second(4)
        assert browser.transport.disconnected

    def test_tooMany(self, worker: Worker) -> None:
        browsers = [Browser(worker) for _ in range(MOST)]
        for browser in browsers:
            browser.watch()
        refused = Browser(worker).ask("/status/events")
        assert (refused.status, refused.get("retry-after")) == (503, "10")
        browsers[0].channel.connectionLost()
        last = Browser(worker)
        last.watch()
        assert b"text/event-stream" in last.received

    def test_aLongTime(self, worker: Worker) -> None:
        """Whoever watches has to show again that he may, and that is no long answer."""
        browser = Browser(worker)
        browser.watch()
        worker.answer(1)
        for _ in range(600):
            assert not browser.received.endswith(b"\r\n0\r\n\r\n")
            worker.second(2)
        assert browser.received.endswith(b"\r\n0\r\n\r\n")
        assert worker.site.counters.answers == {("", "GET", 200): 1}
        assert not worker.site.counters.times
        # On the same connection.
        browser.transport.clear()
        browser.watch()
        worker.answer(3)
        assert browser.events() == [("overview", 3)]

    def test_theWorkerLeaves(self, worker: Worker) -> None:
        """It does not wait for what has no end."""
        browser = Browser(worker)
        browser.watch()
        worker.answer(1)
        drained = worker.site.drain(60)
        worker.second()
        assert browser.received.endswith(b"\r\n0\r\n\r\n")
        browser.channel.connectionLost()
        assert drained.called
        assert worker.asked == []

    def test_stop(self, worker: Worker) -> None:
        browser = Browser(worker)
        browser.watch()
        worker.resource.stop()
        assert browser.received.endswith(b"\r\n0\r\n\r\n")
        worker.answer(1)
        worker.resource.stop()


def test_settings() -> None:
    assert StatusSettings().path == "status"

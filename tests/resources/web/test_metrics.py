"""C{/metrics} and C{/readyz} of an HTTP endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource
from zope.interface.verify import verifyObject

from sipapp.interfaces import IResourceMaker, IWebResource
from sipapp.resources import Settings
from sipapp.resources.web import metricsMaker, readyMaker
from sipapp.resources.web.settings import MetricsSettings
from sipapp.rpc import Caller, Unavailable
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.web import LimitedSite
from tests.resources.web.stage import ADDRESS, REALM, Browser, Worker
from tests.support.digest import Digest
from tests.support.httptext import request

PAGE = "# TYPE sipapp_ready gauge\nsipapp_ready 1.0\n"


class Parent:
    """The methods, as far as they are called here.

    @ivar said: what is answered.
    @ivar asked: what was called, and by whom.
    """

    def __init__(self) -> None:
        self.said: dict[str, Deferred[Any]] = {}
        self.asked: list[tuple[str, Caller]] = []

    def call(self, name: str, parameters: Sequence[Any], caller: Caller) -> Deferred[Any]:
        assert parameters == ()
        self.asked.append((name, caller))
        return self.said.pop(name)


class Endpoint:
    """Both resources on one endpoint."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.parent = Parent()
        worker: Any = Worker(directory / "counts")
        self.worker = worker
        worker.administration = self.parent
        root = Resource()
        for maker, table in (
            (metricsMaker, MetricsSettings(realm=REALM, **settings)),
            (readyMaker, Settings()),
        ):
            made = maker.make(table, worker)
            verifyObject(IResourceMaker, maker)
            verifyObject(IWebResource, made)
            assert (made.start(), made.stop()) == (None, None)
            root.putChild(made.path.encode(), made.webResource())
        log = LimitLog(worker.reactor.seconds)
        worker.site = LimitedSite(worker.reactor, root, StreamLimits(), log, "http test")
        self.browser = Browser(worker)


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    endpoint = Endpoint(tmp_path, viewers=(ADDRESS,))
    yield endpoint
    endpoint.worker.close()


def test_metrics(endpoint: Endpoint) -> None:
    """A network of viewers needs no login."""
    endpoint.parent.said["stats.metrics"] = succeed(PAGE)
    answer = endpoint.browser.ask("GET", "/metrics")
    assert (answer.status, answer.text) == (200, PAGE)
    assert answer.get("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.get("cache-control") == "no-store"
    assert endpoint.parent.asked == [("stats.metrics", Caller("", "viewer", ADDRESS, "web"))]


def test_strangers(tmp_path: Path) -> None:
    """Others have to say who they are, and nothing is asked of the parent before."""
    endpoint = Endpoint(tmp_path)
    try:
        answer = endpoint.browser.ask("GET", "/metrics")
        assert answer.status == 401
        assert "digest" in (answer.getAll("www-authenticate")[0]).lower()
        assert endpoint.parent.asked == []
        assert isinstance(endpoint.browser.user, Digest)
        endpoint.browser.user.challenged(answer)
        endpoint.parent.said["stats.metrics"] = succeed(PAGE)
        assert endpoint.browser.prove("GET", "/metrics").text == PAGE
        (asked,) = endpoint.parent.asked
        assert asked[1].name == "alice"
    finally:
        endpoint.worker.close()


def test_noParent(endpoint: Endpoint) -> None:
    """What Prometheus cannot get is no page without numbers."""
    endpoint.parent.said["stats.metrics"] = fail(Unavailable("the server has gone"))
    answer = endpoint.browser.ask("GET", "/metrics")
    assert (answer.status, answer.text) == (503, "the server has gone\n")


@pytest.mark.parametrize(
    ("said", "status", "text"),
    [
        ({"ready": True, "reason": ""}, 200, "ready\n"),
        ({"ready": False, "reason": "the server drains"}, 503, "not ready\n"),
        (None, 503, "not ready\n"),
    ],
)
def test_ready(tmp_path: Path, said: Any, status: int, text: str) -> None:
    """Everybody may ask, and nobody is told why."""
    endpoint = Endpoint(tmp_path, sources=("203.0.113.0/24",))
    gone = Unavailable("the server has gone")
    try:
        endpoint.parent.said["stats.ready"] = fail(gone) if said is None else succeed(said)
        answer = endpoint.browser.ask("GET", "/readyz")
        assert (answer.status, answer.text) == (status, text)
    finally:
        endpoint.worker.close()


def test_readyHead(endpoint: Endpoint) -> None:
    endpoint.parent.said["stats.ready"] = succeed({"ready": True, "reason": ""})
    answer = endpoint.browser.ask("HEAD", "/readyz")
    assert (answer.status, answer.body) == (200, b"")


def test_silentParent(endpoint: Endpoint) -> None:
    """A parent that hangs has the server out of the balancer's list."""
    endpoint.parent.said["stats.ready"] = Deferred()
    transport = StringTransport()
    channel = endpoint.worker.site.buildProtocol(IPv4Address("TCP", ADDRESS, 50_001))
    channel.makeConnection(transport)
    channel.dataReceived(request("GET", "/readyz", "a"))
    endpoint.worker.reactor.advance(1.9)
    assert transport.value() == b""
    endpoint.worker.reactor.advance(0.2)
    assert transport.value().startswith(b"HTTP/1.1 503 ")

"""L{sipapp.transport.webrequest}: targets and methods (RFC 9112 §3.2, RFC 9110 §9)."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.error import ConnectionLost
from twisted.logger import globalLogPublisher
from twisted.web.error import UnsupportedMethod
from twisted.web.resource import Resource

from tests.support.httptext import chunked, request
from tests.transport.webstage import Late, Web
from tests.transport.workers import until


class Documents(Resource):
    """As Twisted's resources are: a method for each method."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        return request.uri + b" " + request.path

    def render_PUT(self, request: Any) -> bytes:
        return b"%d" % len(request.content.read())


class WriteOnly(Resource):
    isLeaf = True

    def render_POST(self, request: Any) -> bytes:
        return b"noted"


class Own(Resource):
    """Looks at methods by itself, and leaves HEAD to Twisted."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        if request.method != b"GET":
            raise UnsupportedMethod([b"GET"])
        return b"hello"


class Wrong(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> str:
        return "<script>"


def line(method: str, target: str = "/a?b") -> bytes:
    return request(method, target, "a")


class TestMethods:
    @ensureDeferred
    async def test_head(self, web: Web) -> None:
        """RFC 9110 §9.3.2: as GET, without the body; and nothing of it in the log."""
        client = await web.client(web.serve(root=Documents()))
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        try:
            client.peer.send(line("HEAD") + line("GET"))
            head = await client.answer("HEAD")
            get = await client.answer()
        finally:
            globalLogPublisher.removeObserver(events.append)
        assert (head.status, get.body) == (200, b"/a?b /a")
        assert head.get("content-length") == get.get("content-length") == "7"
        assert events == []

    @ensureDeferred
    async def test_headOfWhatHasOnlyGet(self, web: Web) -> None:
        answer = await web.asked(line("HEAD"), "HEAD", root=Own())
        assert (answer.status, answer.get("content-length")) == (200, "5")

    @ensureDeferred
    async def test_options(self, web: Web) -> None:
        """§9.3.7"""
        answer = await web.asked(line("OPTIONS"), root=Documents())
        assert (answer.status, answer.body) == (200, b"")
        assert answer.get("allow") == "GET, HEAD, OPTIONS, PUT"

    @ensureDeferred
    async def test_optionsOfAll(self, web: Web) -> None:
        answer = await web.asked(line("OPTIONS", "*"), root=Documents())
        assert (answer.status, answer.get("content-length")) == (200, "0")

    @pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "TRACE"])
    @ensureDeferred
    async def test_notAllowed(self, web: Web, method: str) -> None:
        """§15.5.6: it is known, but not for this."""
        answer = await web.asked(line(method), root=Documents())
        assert (answer.status, answer.get("allow")) == (405, "GET, HEAD, OPTIONS, PUT")

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
    @ensureDeferred
    async def test_nothingToGet(self, web: Web, method: str) -> None:
        answer = await web.asked(line(method), method, root=WriteOnly())
        assert (answer.status, answer.get("allow")) == (405, "OPTIONS, POST")

    @pytest.mark.parametrize("method", ["get", "SUBSCRIBE", "X", "GET_x"])
    @ensureDeferred
    async def test_notImplemented(self, web: Web, method: str) -> None:
        """§15.6.2: it is known for nothing."""
        answer = await web.asked(line(method), root=Documents())
        assert (answer.status, answer.getAll("allow")) == (501, [])
        assert method.encode() not in answer.body

    @ensureDeferred
    async def test_bodies(self, web: Web) -> None:
        client = await web.client(web.serve(root=Documents()))
        client.peer.send(request("PUT", "/", "a", (), b"hello"))
        assert (await client.answer()).body == b"5"
        fields = [("Transfer-Encoding", "chunked")]
        client.peer.send(request("PUT", "/", "a", fields, chunked(b"x" * 60_000, b"y")))
        assert (await client.answer()).body == b"60001"


class TestTargets:
    @pytest.mark.parametrize(
        ("target", "uri"),
        [
            ("/a/b%20c?d=e", "/a/b%20c?d=e"),
            ("http://a/b?c", "/b?c"),
            ("HTTPS://user@[2001:db8::1]:80/b", "/b"),
            ("http://a", "/"),
            ("http://a?b", "/?b"),
            ('/a/~~/b%5b@c="d"%5d', '/a/~~/b%5b@c="d"%5d'),
        ],
    )
    @ensureDeferred
    async def test_absolute(self, web: Web, target: str, uri: str) -> None:
        """RFC 9112 §3.2.2: a server has to take what only proxies should get."""
        answer = await web.asked(line("GET", target), root=Documents())
        assert answer.body == f"{uri} {uri.partition('?')[0]}".encode()

    @pytest.mark.parametrize(
        ("target", "host"),
        [
            ("/b", "a"),
            ("http://example.com:80/b", "example.com:80"),
            ("https://user@[2001:db8::1]/b", "[2001:db8::1]"),
        ],
    )
    @ensureDeferred
    async def test_host(self, web: Web, target: str, host: str) -> None:
        """RFC 9112 §3.2.2: whatever the field Host says besides."""
        page = Late()
        client = await web.client(web.serve(root=page))
        client.peer.send(line("GET", target))
        await until(lambda: page.waiting)
        assert page.waiting[0].requestHeaders.getRawHeaders("Host") == [host]

    @pytest.mark.parametrize(
        "target",
        [
            "a",
            "a:80",
            "ftp://a/b",
            "http://",
            "http:///b",
            "http://a\\b/c",
            "\u00e9",
            "/\u00e9",
            "/\x7f",
        ],
    )
    @ensureDeferred
    async def test_wrong(self, web: Web, target: str) -> None:
        answer = await web.asked(line("GET", target), root=Documents())
        assert answer.status == 400
        assert answer.isLast


@ensureDeferred
async def test_nobodyWaits(web: Web) -> None:
    """A resource that answers late need not know whether there is still somebody."""
    page = Late()
    client = await web.client(web.serve(root=page))
    client.peer.send(line("GET"))
    await until(lambda: page.waiting)
    (asked,) = page.waiting
    gone = asked.notifyFinish()
    await client.peer.close()
    with pytest.raises(ConnectionLost):
        await gone
    page.answer(b"too late")


@ensureDeferred
async def test_noPage(web: Web) -> None:
    """What is wrong with a resource is for the log."""
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        answer = await web.asked(line("GET"), root=Wrong())
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert answer.status == 500
    assert b"script" not in answer.body
    assert any("for a page" in str(event.get("log_failure")) for event in events)

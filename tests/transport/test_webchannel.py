"""L{sipapp.transport.webchannel}: where a request begins and ends, and what is said before that
(RFC 9112)."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock

from sipapp.sip import MessageBounds
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.web import LimitedSite
from tests.support.httptext import chunked, request
from tests.transport.webstage import GET, Late, OpenTransport, Page, Web
from tests.transport.workers import until

PUT = b"PUT / HTTP/1.1\r\nHost: a\r\n"
LIMITS = StreamLimits(message=MessageBounds(bodySize=500))


@pytest.mark.parametrize(
    "data",
    [
        # RFC 9112 §6.3: a request that ends in two places.
        PUT + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        PUT + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        PUT + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\nX: y\r\n\r\n0\r\n\r\n",
        PUT + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        PUT + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        PUT + b"Content-Length: 5, 5\r\n\r\nhello",
        PUT + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        # One that ends nowhere for sure.
        PUT + b"Content-Length: +5\r\n\r\nhello",
        PUT + b"Content-Length: -5\r\n\r\nhello",
        PUT + b"Content-Length: 0x5\r\n\r\nhello",
        PUT + b"Content-Length: 5_0\r\n\r\nhello",
        PUT + b"Content-Length: \xb2\r\n\r\nhello",
        PUT + b"Content-Length:\r\n\r\nhello",
        # §6.1: HTTP/1.0 has no codings.
        b"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        # §5.1, §5.2, §2.2: names and lines that others read otherwise.
        PUT + b"Content-Length : 5\r\n\r\nhello",
        PUT + b" Content-Length: 5\r\n\r\nhello",
        PUT + b"X: y\r\n Content-Length: 5\r\n\r\nhello",
        PUT + b"X: y\r\n\tz\r\n\r\n",
        PUT + b"X: y\nContent-Length: 5\r\n\r\nhello",
        PUT + b"X: y\rz\r\n\r\n",
        PUT + b"X: \x00\r\n\r\n",
        PUT + b"Content\x00-Length: 5\r\n\r\nhello",
        PUT + b": 5\r\n\r\n",
        PUT + b"no field\r\nX: y\r\n\r\n",
        # §7.1: chunks.
        PUT + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
        PUT + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        PUT + b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
        PUT + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n",
        PUT + b"Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        PUT + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        PUT + b"Transfer-Encoding: chunked\r\n\r\n5;\x00\r\nhello\r\n0\r\n\r\n",
        PUT + b"Transfer-Encoding: chunked\r\n\r\n" + b"5" * 2000,
        # §3: request lines.
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        b"GET /\r\nHost: a\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET / http/1.1\r\nHost: a\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n",
        # §3.2: the host.
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b'GET / HTTP/1.1\r\nHost: a@b,c"\r\n\r\n',
    ],
)
@ensureDeferred
async def test_whatCanBeReadInTwoWays(web: Web, data: bytes) -> None:
    """It is answered once, and nothing behind it is taken for a request."""
    client = await web.client(web.serve())
    client.peer.send(data + GET)
    await client.lost
    answer = await client.answer()
    assert answer.status == 400
    assert answer.isLast
    assert answer.body == b""
    assert answer.get("date") is not None
    assert client.text == b""


@pytest.mark.parametrize(
    "coding", [b"gzip", b"gzip, chunked", b"chunked, chunked", b"identity", b"x"]
)
@ensureDeferred
async def test_codings(web: Web, coding: bytes) -> None:
    """RFC 9112 §6.1: what is not understood cannot be passed over."""
    client = await web.client(web.serve())
    client.peer.send(PUT + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n" + GET)
    await client.lost
    assert (await client.answer()).status == 501
    assert client.text == b""


@ensureDeferred
async def test_trailers(web: Web) -> None:
    """§7.1.2: they are passed over, and have an end."""
    head = PUT + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n"
    assert (await web.asked(head + b"Content-Length: 9\r\n\r\n")).body == b"127.0.0.1 5"
    assert (await web.asked(head + b"X: y\r\n" * 20_000)).status == 400


@pytest.mark.parametrize("size", [b"501", b"9" * 100, b"9" * 5000])
@ensureDeferred
async def test_hugeLengths(web: Web, size: bytes) -> None:
    answer = await web.asked(PUT + b"Content-Length: " + size + b"\r\n\r\n", limits=LIMITS)
    assert answer.status == 413
    assert answer.isLast


@ensureDeferred
async def test_manyFields(web: Web) -> None:
    """Twisted's own bounds are lower, and have another status."""
    fields = b"".join(b"X-%d: %b\r\n" % (number, b"y" * 100) for number in range(250))
    assert (await web.asked(PUT + fields + b"\r\n")).status == 200


class TestExpectations:
    """RFC 9110 §10.1.1"""

    EXPECT = PUT + b"Expect: 100-Continue\r\n"

    @ensureDeferred
    async def test_continue(self, web: Web) -> None:
        client = await web.client(web.serve())
        client.peer.send(self.EXPECT + b"Content-Length: 5\r\n\r\n")
        assert (await client.answer()).status == 100
        assert client.text == b""
        client.peer.send(b"hello")
        assert (await client.answer()).body == b"127.0.0.1 5"
        client.peer.send(self.EXPECT + b"Transfer-Encoding: chunked\r\n\r\n")
        assert (await client.answer()).status == 100
        client.peer.send(chunked(b"hel", b"lo"))
        assert (await client.answer()).body == b"127.0.0.1 5"

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            (b"Content-Length: 501\r\n", 413),
            (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
            (b"Content-Length: 5\r\nHost: b\r\n", 400),
            (b"Content-Length: 5\r\nExpect: more\r\n", 417),
        ],
    )
    @ensureDeferred
    async def test_notWithABadHead(self, web: Web, fields: bytes, status: int) -> None:
        client = await web.client(web.serve(LIMITS))
        client.peer.send(self.EXPECT + fields + b"\r\n")
        assert (await client.answer()).status == status
        await client.lost
        assert client.text == b""

    @ensureDeferred
    async def test_unknown(self, web: Web) -> None:
        answer = await web.asked(PUT + b"Expect: 200-maybe\r\nContent-Length: 5\r\n\r\n")
        assert answer.status == 417
        assert answer.isLast

    @ensureDeferred
    async def test_ofAnOldClient(self, web: Web) -> None:
        data = b"PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
        assert (await web.asked(data)).status == 200


class TestConnections:
    """RFC 9112 §9"""

    @pytest.mark.parametrize(
        "fields",
        [b"Connection: close", b"Connection: TE,Close", b"Connection: te\r\nConnection: close"],
    )
    @ensureDeferred
    async def test_lastRequest(self, web: Web, fields: bytes) -> None:
        client = await web.client(web.serve())
        client.peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n\r\n" + GET)
        assert (await client.answer()).isLast
        await client.lost
        assert client.text == b""

    @ensureDeferred
    async def test_oldClient(self, web: Web) -> None:
        client = await web.client(web.serve())
        client.peer.send(b"GET / HTTP/1.0\r\n\r\n")
        await client.lost
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"127.0.0.1 0")

    @ensureDeferred
    async def test_keptOpen(self, web: Web) -> None:
        client = await web.client(web.serve())
        for _ in range(3):
            client.peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            assert not (await client.answer()).isLast
        assert client.peer.open

    @ensureDeferred
    async def test_pipelined(self, web: Web) -> None:
        """§9.3.2: answers come in the order of the requests, bodies or not."""
        client = await web.client(web.serve())
        sizes = [0, 3, 0, 400, 1]
        client.peer.send(
            b"".join(request("PUT", "/", "a", (), b"x" * size) for size in sizes) + GET
        )
        for size in (*sizes, 0):
            assert (await client.answer()).body == b"127.0.0.1 %d" % size

    @ensureDeferred
    async def test_pipelinedBehindALateAnswer(self, web: Web) -> None:
        page = Late()
        client = await web.client(web.serve(root=page))
        client.peer.send(GET + GET + GET[:20])
        await until(lambda: page.waiting)
        assert len(page.waiting) == 1
        page.answer(b"1")
        assert (await client.answer()).body == b"1"
        client.peer.send(GET[20:])
        for text in (b"2", b"3"):
            await until(lambda: page.waiting)
            page.answer(text)
            assert (await client.answer()).body == text

    @ensureDeferred
    async def test_badOneBehindALateAnswer(self, web: Web) -> None:
        """What is wrong is said when it is its turn."""
        page = Late()
        client = await web.client(web.serve(root=page))
        client.peer.send(GET + b"nonsense\r\n\r\n" + GET)
        await until(lambda: page.waiting)
        page.answer(b"1")
        assert (await client.answer()).body == b"1"
        assert (await client.answer()).status == 400
        await client.lost
        assert client.text == b""

    @pytest.mark.parametrize("isLate", [False, True])
    def test_pipelinedByWhoDoesNotRead(self, isLate: bool) -> None:
        """The requests wait, not the answers."""
        clock, page, late = Clock(), Page(), Late()
        log = LimitLog(clock.seconds)
        site = LimitedSite(clock, late if isLate else page, StreamLimits(), log, "test")
        channel = site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 50_000))
        assert channel is not None
        transport = OpenTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 50_000))
        channel.makeConnection(transport)
        if isLate:
            channel.dataReceived(GET * 10 + GET[:5])
            transport.producer.pauseProducing()
            assert transport.producerState == "paused"
            late.answer(b"x")
            assert late.waiting == []
        else:
            channel.dataReceived(GET)
            transport.producer.pauseProducing()
            channel.dataReceived(GET * 9 + GET[:5])
        assert transport.value().count(b" 200 OK") == 1
        # It has all the time that it wants.
        clock.advance(60)
        transport.producer.resumeProducing()
        while late.waiting:
            late.answer(b"x")
        assert transport.value().count(b" 200 OK") == 10
        assert transport.producerState == "producing"
        clock.advance(10)
        assert transport.value().endswith(b"Content-Length: 0\r\n\r\n")
        assert b" 408 " in transport.value()

    @ensureDeferred
    async def test_emptyLineFirst(self, web: Web) -> None:
        """§2.2: some clients send one after a body."""
        assert (await web.asked(b"\r\n" + GET)).status == 200


@pytest.mark.parametrize(("server", "said"), [(None, []), ("Example 1.0", ["Example 1.0"])])
@ensureDeferred
async def test_server(web: Web, server: str | None, said: list[str]) -> None:
    """What the configuration says, and not what it is made with."""
    assert (await web.asked(GET, server=server)).getAll("server") == said

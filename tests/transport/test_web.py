"""L{sipapp.transport.web}: HTTP endpoints and their limits."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock, LoopingCall, deferLater
from twisted.logger import capturedLogs

from sipapp.sip import MessageBounds
from sipapp.transport.admission import Admission, SourceRules
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.networks import Networks
from sipapp.transport.tls import ServerTLS
from sipapp.transport.web import LimitedSite
from tests.support.certificates import CertificateAuthority
from tests.transport.webstage import GET, Late, OpenTransport, Page, Web
from tests.transport.workers import LOOPBACK, until

LINE = b"PROXY TCP4 192.0.2.1 198.51.100.1 51234 5060\r\n"


@ensureDeferred
async def test_requests(web: Web) -> None:
    """Within the limits there are none: several requests, with and without a body, in pieces."""
    client = await web.client(web.serve(StreamLimits()))
    for _ in range(3):
        client.peer.send(GET)
        assert (await client.ending(b"127.0.0.1 0")).startswith(b"HTTP/1.1 200 OK\r\n")
    put = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    chunked = (
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    client.peer.send(put + chunked)
    await client.ending(b"127.0.0.1 5")
    client.peer.send(chunked[:40])
    client.peer.send(chunked[40:])
    await client.ending(b"127.0.0.1 5")
    assert web.log.counts == {}


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"x" * 300 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
        (b"GET /" + b"x" * 5000, b"414"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 300 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 21 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + (b"X: " + b"x" * 200 + b"\r\n") * 6 + b"\r\n", b"431"),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 501\r\n\r\n", b"413"),
        (
            b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 501\r\n\r\n",
            b"413",
        ),
        (
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"64\r\n" + b"x" * 100 + b"\r\n") * 6,
            b"413",
        ),
    ],
)
@ensureDeferred
async def test_tooLarge(web: Web, data: bytes, status: bytes) -> None:
    """What is too large gets its status, and the connection is closed."""
    bounds = MessageBounds(headSize=1000, bodySize=500, headers=20, headerSize=300)
    client = await web.client(web.serve(StreamLimits(message=bounds)))
    client.peer.send(data + GET)
    await client.peer.lost
    assert client.text.startswith(b"HTTP/1.1 " + status)
    assert client.text.count(b"HTTP/1.1") == 1
    assert web.log.counts == {"messageSize": 1}


@pytest.mark.parametrize("field", [b"Content-Length: 200000", b"Transfer-Encoding: chunked"])
@ensureDeferred
async def test_noRoom(web: Web, monkeypatch: pytest.MonkeyPatch, field: bytes) -> None:
    """A body that is too long for the memory, and no disk to put it on."""
    monkeypatch.setattr(tempfile, "tempdir", "/there/is/no/such/directory")
    client = await web.client(web.serve(StreamLimits(message=MessageBounds(bodySize=1 << 20))))
    with capturedLogs() as logs:
        client.peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\n" + field + b"\r\n\r\n")
        client.peer.send(b"30d40\r\n" + b"x" * 200_000 + b"\r\n0\r\n\r\n" + GET)
        await client.peer.lost
    assert client.text.startswith(b"HTTP/1.1 507 Insufficient Storage\r\n")
    assert client.text.count(b"HTTP/1.1") == 1
    assert [each["log_format"] for each in logs] == ["A body has no room: {error}"]


@ensureDeferred
async def test_tooLargeOverTLS(web: Web, authority: CertificateAuthority) -> None:
    """What follows in further records is not read any more."""
    certificate, key = authority.issue(LOOPBACK)
    tls = ServerTLS([(str(certificate), str(key))])
    client = await web.client(web.serve(StreamLimits(), tls=tls))
    client.peer.transport.startTLS(CertificateOptions())  # type: ignore[union-attr]
    client.peer.send(b"GET /" + b"x" * 10_000)
    client.peer.send(GET * 1000)
    await client.peer.lost
    assert client.text.startswith(b"HTTP/1.1 414")
    assert client.text.count(b"HTTP/1.1") == 1


@ensureDeferred
async def test_connections(web: Web) -> None:
    """Connections are counted as those of SIP are; one that ends makes room."""
    endpoint = web.serve(StreamLimits(connections=3, connectionsPerAddress=1))
    first = await web.client(endpoint)
    first.peer.send(GET)
    await first.ending(b"127.0.0.1 0")
    refused = await web.client(endpoint)
    await refused.peer.lost
    assert web.log.counts == {"connectionsPerAddress": 1}
    await first.peer.close()
    again = await web.client(endpoint)
    again.peer.send(GET)
    await again.ending(b"127.0.0.1 0")


@pytest.mark.parametrize("first", [b"", GET])
@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100, b"G" * 1000])
@ensureDeferred
async def test_slowRequest(web: Web, first: bytes, data: bytes) -> None:
    """A request has its time as a whole: lines and bytes that come in time prolong nothing."""
    endpoint = web.serve(StreamLimits(messageTimeout=0.2, idleTimeout=30))
    client = await web.client(endpoint)
    if first:
        client.peer.send(first)
        await client.ending(b"127.0.0.1 0")
    left = bytearray(data)

    def send() -> None:
        if client.peer.open:
            client.peer.send(bytes((left.pop(0),)))

    calling = LoopingCall(send)
    calling.start(0.01)
    try:
        await client.peer.lost
    finally:
        calling.stop()
    assert left
    assert (await client.answer()).status == 408
    assert web.log.counts == {"messageTimeout": 1}


@ensureDeferred
async def test_slowBody(web: Web) -> None:
    """The body belongs to it."""
    client = await web.client(web.serve(StreamLimits(messageTimeout=0.1, idleTimeout=30)))
    client.peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell")
    answer = await client.answer("PUT")
    assert answer.status == 408
    assert answer.isLast
    await client.lost
    assert web.log.counts == {"messageTimeout": 1}


@ensureDeferred
async def test_silence(web: Web) -> None:
    """A connection on which nothing is said has as long; between requests it has C{idleTimeout}."""
    endpoint = web.serve(StreamLimits(messageTimeout=0.1, idleTimeout=0.5))
    silent, idle = await web.client(endpoint), await web.client(endpoint)
    idle.peer.send(GET)
    await idle.ending(b"127.0.0.1 0")
    await silent.peer.lost
    assert silent.text == b""
    assert idle.peer.open
    assert web.log.counts == {"messageTimeout": 1}
    await idle.peer.lost


@ensureDeferred
async def test_silentHandshake(web: Web, authority: CertificateAuthority) -> None:
    """A handshake that does not come is no exception."""
    certificate, key = authority.issue(LOOPBACK)
    tls = ServerTLS([(str(certificate), str(key))])
    client = await web.client(web.serve(StreamLimits(messageTimeout=0.1), tls=tls))
    client.peer.send(b"\x16\x03\x01")
    await client.peer.lost
    assert web.log.counts == {"messageTimeout": 1}


@ensureDeferred
async def test_balancer(web: Web, authority: CertificateAuthority) -> None:
    """Behind a load balancer the client's address is what a resource sees, with and without TLS."""
    certificate, key = authority.issue(LOOPBACK)
    tls = ServerTLS([(str(certificate), str(key))])
    balancers = Networks([LOOPBACK])
    client = await web.client(web.serve(StreamLimits(), balancers=balancers))
    client.peer.send(LINE + GET)
    await client.ending(b"192.0.2.1 0")
    client = await web.client(web.serve(StreamLimits(), balancers=balancers, tls=tls))
    client.peer.send(LINE)
    client.peer.transport.startTLS(CertificateOptions())  # type: ignore[union-attr]
    client.peer.send(GET)
    await client.ending(b"192.0.2.1 0")


@ensureDeferred
async def test_withoutHeader(web: Web) -> None:
    """Nor is anybody else let in there."""
    client = await web.client(web.serve(StreamLimits(), balancers=Networks([LOOPBACK])))
    client.peer.send(GET)
    await client.peer.lost
    assert client.text == b""
    stranger = await web.client(web.serve(StreamLimits(), balancers=Networks(["192.0.2.1"])))
    await stranger.peer.lost
    assert web.log.counts == {"proxyProtocol": 2}


class Bans:
    """A ban list, such as L{sipapp.interfaces.IBans}, with one address on it or none."""

    def __init__(self, banned: str = "") -> None:
        self.generation = 0
        self.banned = banned

    def isBanned(self, address: str, datagram: bool) -> bool:
        return address == self.banned


@ensureDeferred
async def test_tooManyRequests(web: Web) -> None:
    """What a source may send in a second counts here too."""
    admission = Admission(SourceRules(rate=1, burst=3), Bans(), web.log)
    client = await web.client(web.serve(StreamLimits(), admission=admission))
    for _ in range(3):
        client.peer.send(GET)
        await client.ending(b"127.0.0.1 0")
    client.peer.send(GET + GET)
    await client.peer.lost
    assert client.text.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert client.text.count(b"HTTP/1.1") == 1
    assert b"\r\nRetry-After: 3\r\n" in client.text
    assert web.log.counts == {"requestsPerSecond": 1}


@ensureDeferred
async def test_banned(web: Web) -> None:
    """Who is banned gets no connection, and loses the one that there is with the next request."""
    bans = Bans("192.0.2.1")
    admission = Admission(SourceRules(), bans, web.log)
    endpoint = web.serve(StreamLimits(), admission=admission, balancers=Networks([LOOPBACK]))
    banned, other = await web.client(endpoint), await web.client(endpoint)
    banned.peer.send(LINE + GET)
    await banned.peer.lost
    assert banned.text == b""
    other.peer.send(LINE.replace(b"192.0.2.1", b"192.0.2.2") + GET)
    await other.ending(b"192.0.2.2 0")
    bans.banned, bans.generation = "192.0.2.2", 1
    other.peer.send(GET)
    await other.peer.lost
    assert b"200 OK" not in other.text


class Large(Page):
    """Counts how often it is asked for."""

    asked = 0

    def render(self, request: Any) -> bytes:
        self.asked += 1
        return b"x" * (1 << 20)


@ensureDeferred
async def test_slowReader(web: Web) -> None:
    """What is not read is not made either, but for what the kernel keeps; in the end all comes."""
    page = Large()
    client = await web.client(web.serve(root=page))
    transport: Any = client.peer.transport
    transport.pauseProducing()
    client.peer.send(GET * 50)
    await until(lambda: page.asked)
    await deferLater(reactor, 0.2)
    assert page.asked < 25
    sizes: list[int] = []
    client.peer.dataReceived = lambda data: sizes.append(len(data))  # type: ignore[method-assign]
    transport.resumeProducing()
    await until(lambda: page.asked == 50 and sum(sizes) > 50 << 20)


@ensureDeferred
async def test_lateBody(web: Web) -> None:
    """Who sends on after a refusal gets to read it: the connection is not reset."""
    bounds = MessageBounds(bodySize=500)
    client = await web.client(web.serve(StreamLimits(message=bounds)))
    client.peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
    for _ in range(20):
        if client.peer.open:
            client.peer.send(b"x" * 10_000)
        await deferLater(reactor, 0.001)
    assert (await client.answer("PUT")).status == 413
    assert web.log.counts == {"messageSize": 1}


def test_stubborn() -> None:
    """Who does not close when it is told to is not waited for."""
    clock = Clock()
    site = LimitedSite(clock, Page(), StreamLimits(), LimitLog(clock.seconds), "test")
    channel = site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 50_000))
    assert channel is not None
    transport = OpenTransport()
    channel.makeConnection(transport)
    channel.dataReceived(b"nonsense\r\n")
    assert transport.value().startswith(b"HTTP/1.1 400 ")
    assert transport.isHalfClosed
    channel.dataReceived(b"more\r\n" * 1000)
    clock.advance(1.9)
    assert not transport.disconnected
    clock.advance(0.1)
    assert transport.disconnected


@ensureDeferred
async def test_drainIdle(web: Web) -> None:
    """Connections between two requests are closed at once, those of newcomers soon."""
    endpoint = web.serve()
    idle, new = await web.client(endpoint), await web.client(endpoint)
    idle.peer.send(GET)
    await idle.answer()
    await web.site.drain(5)
    await idle.lost
    await new.lost


@ensureDeferred
async def test_drainBusy(web: Web) -> None:
    """A request that is under way is answered, and says that it is the last."""
    page = Late()
    client = await web.client(web.serve(root=page))
    client.peer.send(GET)
    await until(lambda: page.waiting)
    drained = web.site.drain(5)
    assert not drained.called
    page.answer(b"at last")
    answer = await client.answer()
    assert answer.body == b"at last"
    assert answer.isLast
    await drained
    await client.lost


@ensureDeferred
async def test_drainHalfAnswered(web: Web) -> None:
    """One whose answer has begun before is the last as well, though it could not say so."""
    page = Late()
    client = await web.client(web.serve(root=page))
    client.peer.send(GET)
    await until(lambda: page.waiting)
    page.waiting[0].write(b"the beginning")
    drained = web.site.drain(60)
    page.answer(b" and the end")
    assert (await client.answer()).body == b"the beginning and the end"
    await drained
    await client.lost


@ensureDeferred
async def test_drainBegun(web: Web) -> None:
    """So is one of which a part has come."""
    client = await web.client(web.serve())
    client.peer.send(GET + GET[:10])
    await client.answer()
    drained = web.site.drain(5)
    client.peer.send(GET[10:])
    assert (await client.answer()).isLast
    await drained


@ensureDeferred
async def test_drainTakesNoLonger(web: Web) -> None:
    page = Late()
    client = await web.client(web.serve(root=page))
    client.peer.send(GET)
    await until(lambda: page.waiting)
    await web.site.drain(0.05)
    await client.lost
    assert client.text == b""


@ensureDeferred
async def test_nothingToDrain(web: Web) -> None:
    web.serve()
    await web.site.drain(5)
    await web.site.drain(5)


@ensureDeferred
async def test_pause(web: Web) -> None:
    """New connections are closed at once; one that is there ends with its next answer."""
    endpoint = web.serve()
    client = await web.client(endpoint)
    client.peer.send(GET)
    assert (await client.answer()).get("connection") is None
    web.site.isPaused = True
    late = await web.client(endpoint)
    await late.lost
    client.peer.send(GET)
    answer = await client.answer()
    assert (answer.status, answer.get("connection")) == (200, "close")
    await client.lost
    web.site.isPaused = False
    again = await web.client(endpoint)
    again.peer.send(GET)
    assert (await again.answer()).status == 200

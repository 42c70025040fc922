"""L{sipapp.transport.web}: HTTP endpoints and their limits."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_twisted import async_yield_fixture, ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import LoopingCall
from twisted.web.resource import Resource

from sipapp.sip import MessageBounds
from sipapp.transport.admission import Admission, SourceRules
from sipapp.transport.endpoints import Endpoint
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.networks import Networks
from sipapp.transport.tls import ServerTLS
from sipapp.transport.web import webFactory
from tests.support.certificates import CertificateAuthority
from tests.transport.workers import LOOPBACK, TCPPeer, connect, until

LINE = b"PROXY TCP4 192.0.2.1 198.51.100.1 51234 5060\r\n"
GET = b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n"


class Page(Resource):
    """Says who asks, and how much has come."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        size = len(request.content.read())
        return f"{request.getClientAddress().host} {size}".encode()


class Web:
    """An HTTP endpoint, and clients of it."""

    def __init__(self) -> None:
        self.log = LimitLog(reactor.seconds)  # type: ignore[attr-defined]
        self._ports: list[Any] = []
        self._clients: list[TCPPeer] = []

    def serve(self, limits: StreamLimits, **more: Any) -> Endpoint:
        """
        @param limits: of the endpoint. @param more: as for L{webFactory}.
        """
        factory = webFactory(reactor, Page(), "http test", limits, self.log, **more)
        port = reactor.listenTCP(0, factory, interface=LOOPBACK)  # type: ignore[attr-defined]
        self._ports.append(port)
        return Endpoint(0, "TCP", LOOPBACK, port.getHost().port)

    async def client(self, endpoint: Endpoint) -> Client:
        client = Client(await connect(endpoint))
        self._clients.append(client.peer)
        return client

    async def stop(self) -> None:
        for client in self._clients:
            await maybeDeferred(client.close)
        for port in self._ports:
            await maybeDeferred(port.stopListening)


class Client:
    """One connection to an endpoint."""

    def __init__(self, peer: TCPPeer) -> None:
        self.peer = peer
        self.text = b""
        peer.dataReceived = self._received  # type: ignore[method-assign]

    def _received(self, data: bytes) -> None:
        self.text += data

    async def answer(self, end: bytes) -> bytes:
        """Wait for an answer that ends like this."""
        await until(lambda: self.text.endswith(end))
        text, self.text = self.text, b""
        return text


@async_yield_fixture
async def web() -> Any:
    made = Web()
    yield made
    await made.stop()


@ensureDeferred
async def test_requests(web: Web) -> None:
    """Within the limits there are none: several requests, with and without a body, in pieces."""
    client = await web.client(web.serve(StreamLimits()))
    for _ in range(3):
        client.peer.send(GET)
        assert (await client.answer(b"127.0.0.1 0")).startswith(b"HTTP/1.1 200 OK\r\n")
    put = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    chunked = (
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    client.peer.send(put + chunked)
    await client.answer(b"127.0.0.1 5")
    client.peer.send(chunked[:40])
    client.peer.send(chunked[40:])
    await client.answer(b"127.0.0.1 5")
    assert web.log.counts == {}


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"x" * 300 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
        (b"GET /" + b"x" * 5000, b"414"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 300 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 21 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n z\r\n" * 11 + b"\r\n", b"431"),
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
    await first.answer(b"127.0.0.1 0")
    refused = await web.client(endpoint)
    await refused.peer.lost
    assert web.log.counts == {"connectionsPerAddress": 1}
    await first.peer.close()
    again = await web.client(endpoint)
    again.peer.send(GET)
    await again.answer(b"127.0.0.1 0")


@pytest.mark.parametrize("first", [b"", GET])
@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100, b"G" * 1000])
@ensureDeferred
async def test_slowRequest(web: Web, first: bytes, data: bytes) -> None:
    """A request has its time as a whole: lines and bytes that come in time prolong nothing."""
    endpoint = web.serve(StreamLimits(messageTimeout=0.2, idleTimeout=30))
    client = await web.client(endpoint)
    if first:
        client.peer.send(first)
        await client.answer(b"127.0.0.1 0")
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
    assert web.log.counts == {"messageTimeout": 1}


@ensureDeferred
async def test_slowBody(web: Web) -> None:
    """The body belongs to it."""
    client = await web.client(web.serve(StreamLimits(messageTimeout=0.1, idleTimeout=30)))
    client.peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell")
    await client.peer.lost
    assert web.log.counts == {"messageTimeout": 1}


@ensureDeferred
async def test_silence(web: Web) -> None:
    """A connection on which nothing is said has as long; between requests it has C{idleTimeout}."""
    endpoint = web.serve(StreamLimits(messageTimeout=0.1, idleTimeout=0.5))
    silent, idle = await web.client(endpoint), await web.client(endpoint)
    idle.peer.send(GET)
    await idle.answer(b"127.0.0.1 0")
    await silent.peer.lost
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
    await client.answer(b"192.0.2.1 0")
    client = await web.client(web.serve(StreamLimits(), balancers=balancers, tls=tls))
    client.peer.send(LINE)
    client.peer.transport.startTLS(CertificateOptions())  # type: ignore[union-attr]
    client.peer.send(GET)
    await client.answer(b"192.0.2.1 0")


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
        await client.answer(b"127.0.0.1 0")
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
    await other.answer(b"192.0.2.2 0")
    bans.banned, bans.generation = "192.0.2.2", 1
    other.peer.send(GET)
    await other.peer.lost
    assert b"200 OK" not in other.text

"""L{sipapp.transport.proxyprotocol}: connections that come through a load balancer."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import LoopingCall
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from sipapp.transport.endpoints import Endpoint
from sipapp.transport.limits import StreamLimits
from sipapp.transport.networks import Networks
from sipapp.transport.tls import ServerTLS
from tests.support.certificates import CertificateAuthority
from tests.transport.workers import LOOPBACK, Site, TCPPeer, request, until

BALANCERS = Networks(["127.0.0.0/8"])
LINE = b"PROXY TCP4 192.0.2.1 198.51.100.1 51234 5060\r\n"
BLOCK = (
    b"\r\n\r\n\0\r\nQUIT\n\x21\x21"
    + struct.pack("!H", 36 + 3)
    + bytes.fromhex("20010db8000000000000000000000001" + "00" * 16)
    + struct.pack("!HHBH", 51234, 5060, 0x04, 0)
)
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
OPTIONS = request("OPTIONS", via="TCP client.invalid")


@pytest.fixture
def log() -> Iterator[list[str]]:
    """The lines that say that a limit was hit."""
    lines: list[str] = []

    def observe(event: LogEvent) -> None:
        if "limit" in event:
            lines.append(formatEvent(event) or "")

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


def balanced(site: Site, **more: Any) -> tuple[Endpoint, Any]:
    """An endpoint for load balancers, and the worker that serves it."""
    tcp = site.bind("TCP")
    return tcp, site.worker("w1", [0], **{"balancers": BALANCERS, **more})


@pytest.mark.parametrize(
    ("header", "client"),
    [(LINE, ("192.0.2.1", 51234)), (BLOCK, ("2001:db8::1", 51234))],
)
@ensureDeferred
async def test_client(site: Site, header: bytes, client: tuple[str, int]) -> None:
    """A request comes from the client, and its answer goes back through the balancer."""
    tcp, worker = balanced(site)
    balancer = await site.tcpPeer(tcp)
    balancer.send(header + OPTIONS)
    response = await balancer.message()
    assert response.status == 200
    assert (response.via.received, response.via.params["rport"]) == (client[0], str(client[1]))
    flow = (await site.users["w1"].requests.get()).request.flow
    assert flow.remote == client
    assert flow.family == (6 if ":" in client[0] else 4)
    assert worker.driver.flows.fromToken(flow.token) is flow
    # What comes later belongs to the same connection.
    balancer.send(OPTIONS)
    assert (await balancer.message()).status == 200


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", LOCAL])
@ensureDeferred
async def test_balancersOwn(site: Site, header: bytes) -> None:
    """A connection of the balancer itself, such as a health check, comes from its address."""
    tcp, _ = balanced(site)
    balancer = await site.tcpPeer(tcp)
    balancer.send(header + OPTIONS)
    assert (await balancer.message()).status == 200
    flow = (await site.users["w1"].requests.get()).request.flow
    assert flow.remote == (LOOPBACK, balancer.port)


@pytest.mark.parametrize("header", [LINE, BLOCK, LOCAL])
@ensureDeferred
async def test_pieces(site: Site, header: bytes) -> None:
    """The header may come byte by byte."""
    tcp, _ = balanced(site)
    balancer = await site.tcpPeer(tcp)
    left = bytearray(header + OPTIONS)

    def send() -> None:
        if left:
            balancer.send(bytes((left.pop(0),)))

    calling = LoopingCall(send)
    calling.start(0)
    site.after(calling.stop)
    assert (await balancer.message()).status == 200


@ensureDeferred
async def test_tls(site: Site, authority: CertificateAuthority) -> None:
    """TLS begins after the header."""
    certificate, key = authority.issue(LOOPBACK)
    tls = site.bind("TLS")
    site.worker("w1", [0], balancers=BALANCERS, tls=ServerTLS([(str(certificate), str(key))]))
    balancer = await site.tcpPeer(tls)
    balancer.send(LINE)
    balancer.transport.startTLS(CertificateOptions())  # type: ignore[union-attr]
    balancer.send(OPTIONS.replace(b"/TCP", b"/TLS"))
    response = await balancer.message()
    assert (response.status, response.via.received) == (200, "192.0.2.1")
    flow = (await site.users["w1"].requests.get()).request.flow
    assert (flow.secure, flow.remote) == (True, ("192.0.2.1", 51234))


@ensureDeferred
async def test_withoutHeader(site: Site, log: list[str]) -> None:
    """What begins with a request is closed, and the request is not worked on."""
    tcp, worker = balanced(site)
    for _ in range(3):
        balancer = await site.tcpPeer(tcp)
        balancer.send(OPTIONS)
        await balancer.lost
        assert balancer.raw == b""
    assert not site.users["w1"].requests.items
    assert worker.driver.streams.limitLog.counts == {"proxyProtocol": 3}
    (line,) = log
    assert "no PROXY protocol header, closed" in line


@pytest.mark.parametrize(
    "header",
    [b"PROXY TCP4 nobody nowhere 1 2\r\n", b"PROXY " + b"x" * 200, BLOCK[:14] + b"\xff\xff"],
)
@ensureDeferred
async def test_malformed(site: Site, header: bytes) -> None:
    """A broken header, or one that is too long, ends the connection at once."""
    tcp, _ = balanced(site)
    balancer = await site.tcpPeer(tcp)
    balancer.send(header + OPTIONS)
    await balancer.lost
    assert not site.users["w1"].requests.items


@ensureDeferred
async def test_stranger(site: Site, log: list[str]) -> None:
    """Nobody else may say whose a connection is, nor do without saying it."""
    tcp, _ = balanced(site, balancers=Networks(["192.0.2.0/24"]))
    for data in (LINE + OPTIONS, OPTIONS):
        stranger = await site.tcpPeer(tcp)
        stranger.send(data)
        await stranger.lost
    assert not site.users["w1"].requests.items
    assert "127.0.0.1: not a load balancer, refused" in log[0]


@ensureDeferred
async def test_headerWithoutBalancers(site: Site) -> None:
    """Where there is no balancer, a header is no SIP."""
    tcp = site.bind("TCP")
    site.worker("w1", [0])
    phone = await site.tcpPeer(tcp)
    phone.send(LINE + OPTIONS)
    await phone.lost
    assert not site.users["w1"].requests.items


@ensureDeferred
async def test_slowHeader(site: Site, log: list[str]) -> None:
    """A header has the time of a message, however many of its bytes come."""
    tcp, worker = balanced(site, served=StreamLimits(messageTimeout=0.1))
    silent, slow = await site.tcpPeer(tcp), await site.tcpPeer(tcp)
    left = bytearray(LINE)

    def send() -> None:
        if slow.open and left:
            slow.send(bytes((left.pop(0),)))

    calling = LoopingCall(send)
    calling.start(0.02)
    site.after(calling.stop)
    await silent.lost
    await slow.lost
    assert left
    assert worker.driver.streams.limitLog.counts == {"proxyProtocol": 2}
    assert "in time, closed" in log[0]


@ensureDeferred
async def test_limitsAreTheClients(site: Site) -> None:
    """Connections are counted for the client's address, not the balancer's."""
    tcp, worker = balanced(site, served=StreamLimits(connections=3, connectionsPerAddress=1))
    first, second, third = [await site.tcpPeer(tcp) for _ in range(3)]
    first.send(LINE + OPTIONS)
    assert (await first.message()).status == 200
    second.send(LINE + OPTIONS)
    await second.lost
    third.send(BLOCK + OPTIONS)
    assert (await third.message()).status == 200
    assert worker.driver.streams.limitLog.counts == {"connectionsPerAddress": 1}


@ensureDeferred
async def test_waitingHasALimit(site: Site) -> None:
    """Nor may more connections wait for their header than there may be at all."""
    tcp, worker = balanced(site, served=StreamLimits(connections=2))
    waiting = [await site.tcpPeer(tcp) for _ in range(2)]
    refused = await site.tcpPeer(tcp)
    await refused.lost
    assert all(peer.open for peer in waiting)
    await waiting[0].close()
    (factory,) = worker.driver.streams._proxied
    await until(lambda: len(factory._waiting) == 1)
    again = await site.tcpPeer(tcp)
    again.send(LINE + OPTIONS)
    assert (await again.message()).status == 200


@ensureDeferred
async def test_sameClient(site: Site) -> None:
    """Two connections are told of as the same client's, as when one takes the place of the other
    before that has ended: the last one counts."""
    tcp, worker = balanced(site)
    old, new = await site.tcpPeer(tcp), await site.tcpPeer(tcp)
    for peer in (old, new):
        peer.send(LINE + OPTIONS)
        assert (await peer.message()).status == 200
    index = worker.driver.streams.index
    before, after = tuple(index.all.values())
    assert index.byRemote("TCP", "192.0.2.1", 51234) is after
    await old.close()
    await until(lambda: before.closed)
    assert index.byRemote("TCP", "192.0.2.1", 51234) is after
    await new.close()
    await until(lambda: after.closed)
    assert index.byRemote("TCP", "192.0.2.1", 51234) is None


@ensureDeferred
async def test_end(site: Site) -> None:
    """A worker that ends lets go of what still waits."""
    tcp, _ = balanced(site)
    waiting: TCPPeer = await site.tcpPeer(tcp)
    await site.leave("w1")
    await waiting.lost


@ensureDeferred
async def test_succession(site: Site) -> None:
    """A connection that moves to the next worker stays the client's."""
    tcp, _ = balanced(site)
    balancer = await site.tcpPeer(tcp)
    balancer.send(LINE + OPTIONS)
    assert (await balancer.message()).status == 200
    await site.follow(["w1"], ["w2"], [0])
    balancer.send(OPTIONS)
    assert (await balancer.message()).status == 200
    flow = (await site.users["w2"].requests.get()).request.flow
    assert flow.remote == ("192.0.2.1", 51234)

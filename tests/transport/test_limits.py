"""L{sipapp.transport.limits}: how large messages may be, and how long they may take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from sipapp.sip import MessageBounds
from sipapp.transport.limits import ConnectionCount, LimitLog, StreamLimits
from sipapp.transport.networks import Networks
from tests.transport.workers import (
    LOOPBACK,
    Outcome,
    Site,
    TCPPeer,
    hop,
    made,
    request,
    until,
)


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


def test_oneLine(log: list[str]) -> None:
    """One for each limit and endpoint in a while, with the number of those that got none; all are
    counted. What a peer has chosen is escaped."""
    now = 1000.0
    limits = LimitLog(lambda: now)
    for _ in range(3):
        limits.hit("backlog", "TCP a:1", "192.0.2.1", "aborted")
        limits.hit("backlog", "TCP a:2", "192.0.2.1", "aborted")
    assert len(log) == 2
    now += 11
    limits.hit("backlog", "TCP a:1", "192.0.2.2", "aborted")
    assert log[2] == (
        "Limit backlog of TCP a:1 hit by 192.0.2.2: aborted (2 more since the last line)"
    )
    assert limits.counts == {"backlog": 7}


def test_connectionsOfANetwork() -> None:
    """The addresses of one /64 count together, as those of one customer."""
    log = LimitLog(lambda: 1000.0)
    limits = StreamLimits(connectionsPerAddress=2, exempt=Networks(["2001:db8:0:1::5"]))
    count = ConnectionCount(limits, log, "TCP")
    here = ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1::3"]
    assert [count.admit(host) for host in here] == [True, True, False]
    assert count.admit("2001:db8:0:1::5")
    assert count.admit("2001:db8:0:2::1")
    assert [count.admit("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert count.admit("192.0.2.2")
    for host in (here[1], here[0], "2001:db8:0:1::5"):
        count.leave(host)
    assert count.admit(here[2])
    assert log.counts == {"connectionsPerAddress": 2}


@pytest.mark.parametrize(
    ("size", "status"),
    [
        ({"extra": "X: y\r\n" * 20}, 513),
        ({"extra": f"X: {'y' * 300}\r\n"}, 513),
        ({"extra": "X: y\r\n" + " y\r\n" * 80}, 513),
        ({"extra": f"X: {'y' * 200}\r\n" * 5}, 513),
        ({"uri": f"sip:{'a' * 300}@b"}, 414),
        ({"body": "x" * 501}, 413),
    ],
)
@ensureDeferred
async def test_largeDatagram(site: Site, log: list[str], size: dict[str, str], status: int) -> None:
    """A request that is too large gets an answer, which is no larger; it is not worked on."""
    udp = site.bind("UDP")
    bounds = MessageBounds(headSize=1000, bodySize=500, headers=20, headerSize=300)
    worker = site.worker("w1", [0], served=StreamLimits(message=bounds))
    phone = site.udpPeer()
    large = request("OPTIONS", **size)  # type: ignore[arg-type]
    for _ in range(3):
        phone.send(large, udp)
        response = await phone.message()
        assert response.status == status
        assert len(response.toBytes()) < len(large)
    assert not site.users["w1"].requests.items
    assert "UDP 127.0.0.1" in log[0]
    assert len(log) == 1
    assert worker.driver.receiver.counters.rejected == 3


@ensureDeferred
async def test_largestMessages(site: Site) -> None:
    """RFC 3261 §18.1.1: the largest datagram can be received, and as much over a connection."""
    udp, tcp = site.bind("UDP"), site.bind("TCP")
    site.worker("w1", [0, 1])
    datagram, stream = site.udpPeer(), await site.tcpPeer(tcp)
    headers = {"extra": f"X: {'y' * 8000}\r\n" * 3}
    room = 65_507 - len(request("MESSAGE", **headers)) - 4
    whole = request("MESSAGE", body="x" * room, **headers)
    assert len(whole) == 65_507
    datagram.send(whole, udp)
    assert (await datagram.message()).status == 200
    stream.send(request("MESSAGE", via="TCP a", body="x" * room, branch="z9hG4bK2", **headers))
    assert (await stream.message()).status == 200


@ensureDeferred
async def test_largeDatagramWithoutAnswer(site: Site) -> None:
    """Neither ACK nor a response gets one."""
    udp = site.bind("UDP")
    bounds = MessageBounds(bodySize=500)
    worker = site.worker("w1", [0], served=StreamLimits(message=bounds))
    phone = site.udpPeer()
    large = request("ACK", body="x" * 501)
    phone.send(large, udp)
    phone.send(large.replace(b"ACK sip:bob@127.0.0.1 SIP/2.0", b"SIP/2.0 200 OK", 1), udp)
    phone.send(request("OPTIONS"), udp)
    assert (await phone.message()).status == 200
    counters = worker.driver.receiver.counters
    assert (counters.badResponses, counters.rejected) == (1, 0)
    assert not site.users["w1"].acks.items
    assert worker.driver.streams.limitLog.counts == {"messageSize": 2}


@ensureDeferred
async def test_headTooLong(site: Site) -> None:
    """A head that does not end is answered from the lines that fit, if they say to whom."""
    tcp = site.bind("TCP")
    site.worker("w1", [0], served=StreamLimits(message=MessageBounds(2000)))
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via="TCP a")[:-2] + b"X: " + b"x" * 4000)
    response = await phone.message()
    assert (response.status, response.via.received) == (513, LOOPBACK)
    await phone.lost


@ensureDeferred
async def test_tooManyHeaders(site: Site, log: list[str]) -> None:
    """Header fields are counted, and each has a bound of its own."""
    tcp = site.bind("TCP")
    site.worker("w1", [0], served=StreamLimits(message=MessageBounds(headers=20, headerSize=300)))
    for extra, status in (("X: y\r\n" * 20, 513), (f"X: {'y' * 300}\r\n", 513)):
        phone = await site.tcpPeer(tcp)
        phone.send(request("OPTIONS", via="TCP a", extra=extra) + request("OPTIONS"))
        assert (await phone.message()).status == status
        await phone.lost
        assert not phone.received.items
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via="TCP a", uri=f"sip:{'a' * 300}@b"))
    assert (await phone.message()).status == 414
    await phone.lost
    assert not site.users["w1"].requests.items
    assert len(log) == 1


@ensureDeferred
async def test_exemptAddress(site: Site) -> None:
    """A trunk may have as many connections as the endpoint."""
    tcp = site.bind("TCP")
    limits = StreamLimits(connections=3, connectionsPerAddress=1, exempt=Networks(["127.0.0.0/30"]))
    worker = site.worker("w1", [0], served=limits)
    for _ in range(3):
        await site.tcpPeer(tcp)
    await until(lambda: len(worker.driver.streams.index.all) == 3)
    refused = await site.tcpPeer(tcp)
    await refused.lost
    assert worker.driver.streams.limitLog.counts == {"connections": 1}


def pieces(site: Site, peer: TCPPeer, data: bytes, interval: float, more: Any = None) -> None:
    """Send some bytes one by one, and C{more()} each time that they are through."""
    clock: Any = reactor
    left = bytearray(data)

    def send() -> None:
        if not peer.open:
            calling.stop()
            return
        if not left and more is not None:
            left.extend(more())
        if left:
            peer.send(bytes((left.pop(0),)))

    calling = LoopingCall(send)
    calling.clock = clock
    calling.start(interval)
    site.after(lambda: calling.stop() if calling.running else None)


@ensureDeferred
async def test_trickle(site: Site, log: list[str]) -> None:
    """The time for a message is that of the whole message: a byte now and then prolongs nothing."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0], served=StreamLimits(messageTimeout=0.2, idleTimeout=30))
    begun = reactor.seconds()  # type: ignore[attr-defined]
    phone = await site.tcpPeer(tcp)
    pieces(site, phone, request("OPTIONS", via="TCP a") * 10, 0.01)
    await phone.lost
    assert reactor.seconds() - begun < 2  # type: ignore[attr-defined]
    assert worker.driver.streams.limitLog.counts == {"messageTimeout": 1}
    assert not site.users["w1"].requests.items


@ensureDeferred
async def test_messagesWithoutAPause(site: Site) -> None:
    """Who sends one message after the other has the time for each of them."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0], served=StreamLimits(messageTimeout=0.2))
    phone = await site.tcpPeer(tcp)
    whole = request("OPTIONS", via="TCP a")
    # Each piece ends one message and begins the next.
    phone.send(whole[:100])
    clock: Any = reactor
    begun = clock.seconds()
    while clock.seconds() - begun < 0.5:
        phone.send(whole[100:] + whole[:100])
        assert (await phone.message()).status == 200
        await deferLater(clock, 0.02)
    phone.send(whole[100:])
    assert (await phone.message()).status == 200
    assert phone.open
    assert worker.driver.streams.limitLog.counts == {}


@ensureDeferred
async def test_singleLineEnds(site: Site) -> None:
    """A single CRLF now and then keeps a connection open; nothing is expected to follow it."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0], served=StreamLimits(messageTimeout=0.05))
    phone = await site.tcpPeer(tcp)
    phone.send(b"\r\n")
    streams = worker.driver.streams
    await until(lambda: streams.connections and streams.connections[0]._framer.unfinished)
    assert not any(len(group.unfinished) for group in streams.groups)
    phone.send(request("OPTIONS", via="TCP a"))
    assert (await phone.message()).status == 200


@ensureDeferred
async def test_outgoingConnections(site: Site, log: list[str]) -> None:
    """The idlest makes way for a new one, and is opened again when it is needed."""
    site.bind("TCP")
    worker = site.worker("w1", [0], limits=StreamLimits(connections=2))
    servers = [site.tcpServer() for _ in range(3)]
    uris = [f"sip:127.0.0.1:{server.port};transport=tcp" for server in servers]
    peers: list[TCPPeer] = []

    async def ask(number: int, peer: TCPPeer | None = None) -> None:
        outcome = Outcome()
        worker.sender.request(made("OPTIONS", uris[number]), hop(uris[number]), outcome)
        peer = peer or await servers[number].connection()
        peer.send((await peer.message()).respond(200).toBytes())
        await outcome.responses.get()
        peers.append(peer)

    await ask(0)
    await ask(1)
    await ask(0, peers[0])
    await ask(2)
    await peers[1].lost
    assert peers[0].open
    await ask(1)
    await peers[0].lost
    assert peers[3].open
    assert peers[4].open
    assert worker.driver.streams.limitLog.counts == {"connections": 2}
    assert len(log) == 1


@ensureDeferred
async def test_outgoingConnectionsThatDoNotOpen(site: Site) -> None:
    """Those that are being opened count as well; without room a request fails at once, and one that
    could not be opened makes room."""
    site.bind("TCP")
    site.bind("TLS")
    limits = StreamLimits(connections=1, messageTimeout=0.2)
    worker = site.worker("w1", [0], limits=limits)
    waiting, refused, last = Outcome(), Outcome(), Outcome()
    # Its handshake never ends.
    silent = f"sip:127.0.0.1:{site.tcpServer().port};transport=tls"
    worker.sender.request(made("OPTIONS", silent), hop(silent), waiting)
    server = site.tcpServer()
    uri = f"sip:127.0.0.1:{server.port};transport=tcp"
    worker.sender.request(made("OPTIONS", uri), hop(uri), refused)
    assert (await refused.failures.get())[0] == 503
    await waiting.failures.get()
    await until(lambda: not worker.driver.streams.connections)
    worker.sender.request(made("OPTIONS", uri), hop(uri), last)
    assert (await (await server.connection()).message()).method == "OPTIONS"

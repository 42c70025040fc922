"""L{sipapp.transport.streams}, L{sipapp.transport.connection}: connections and their limits."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from sipapp.sip import MessageBounds, parseMessage
from sipapp.transport.bus import Moved, Send
from sipapp.transport.limits import StreamLimits
from sipapp.transport.moving import giveAll
from sipapp.transport.networks import Networks
from sipapp.transport.target import Address, LocateError
from tests.transport.workers import LOOPBACK, Outcome, Site, hop, made, request, until


@pytest.fixture
def log() -> Iterator[list[LogEvent]]:
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


def limitLines(log: list[LogEvent]) -> list[str]:
    return [formatEvent(event) or "" for event in log if "limit" in event]


@ensureDeferred
async def test_pipelined(site: Site) -> None:
    """Messages are cut at their ends, however the bytes arrive."""
    tcp = site.bind("TCP")
    site.worker("w1", [0])
    phone = await site.tcpPeer(tcp)
    data = b"".join(
        request("MESSAGE", via="TCP a", branch=f"z9hG4bK{n}", body="x" * n) for n in range(20)
    )
    for at in range(0, len(data), 333):
        phone.send(data[at : at + 333])
    for number in range(20):
        assert (await phone.message()).via.branch == f"z9hG4bK{number}"


@ensureDeferred
async def test_everybodyHasHisTurn(site: Site) -> None:
    """However much one peer sends, little of it is read before another is."""
    tcp = site.bind("TCP")
    streams = site.worker("w1", [0]).driver.streams
    greedy, modest = [await site.tcpPeer(tcp) for _ in range(2)]
    await until(lambda: len(streams.connections) == 2)
    many = [request("OPTIONS", via="TCP a", branch=f"z9hG4bK{n}") for n in range(200)]
    greedy.send(b"".join(many))
    modest.send(request("OPTIONS", via="TCP a", branch="z9hG4bKmodest"))
    received = site.users["w1"].requests
    branches = [(await received.get()).request.via.branch for _ in range(201)]
    assert branches.index("z9hG4bKmodest") < 100


@ensureDeferred
async def test_framingError(site: Site) -> None:
    """What cannot be framed is answered if it was a request, and the connection is closed."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0])
    phone = await site.tcpPeer(tcp)
    bad = request("OPTIONS", via="TCP a").replace(b"Content-Length: 0", b"Content-Length: -1")
    phone.send(bad + request("OPTIONS", via="TCP a", branch="z9hG4bKsmuggled"))
    response = await phone.message()
    assert (response.status, response.via.received) == (400, LOOPBACK)
    await phone.lost
    assert not phone.received.items
    assert not site.users["w1"].requests.items
    assert not worker.driver.streams.index.all


@ensureDeferred
async def test_garbage(site: Site) -> None:
    """What is no SIP at all closes the connection without an answer."""
    tcp = site.bind("TCP")
    site.worker("w1", [0])
    phone = await site.tcpPeer(tcp)
    phone.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await phone.lost
    assert phone.raw == b""


@ensureDeferred
async def test_tooLong(site: Site, log: list[LogEvent]) -> None:
    """Too long a body is a 413, too long a head a 513 where it can be; and one line in the log."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0], served=StreamLimits(message=MessageBounds(2000, 500)))
    for _ in range(3):
        phone = await site.tcpPeer(tcp)
        phone.send(request("MESSAGE", via="TCP a", body="x" * 501))
        assert (await phone.message()).status == 413
        await phone.lost
    phone = await site.tcpPeer(tcp)
    phone.send(b"OPTIONS sip:a SIP/2.0\r\nVia: " + b"x" * 4000)
    await phone.lost
    (line,) = limitLines(log)
    assert "messageSize" in line
    assert "127.0.0.1" in line
    assert worker.driver.streams.limitLog.counts == {"messageSize": 4}


@ensureDeferred
async def test_connectionsOfAllEndpoints(site: Site, log: list[LogEvent]) -> None:
    """They are counted together as well."""
    endpoints = [site.bind("TCP"), site.bind("TCP")]
    streams = site.worker("w1", [0, 1], mostAccepted=3).driver.streams
    phones = [await site.tcpPeer(endpoint) for endpoint in endpoints]
    phones.append(await site.tcpPeer(endpoints[0]))
    await until(lambda: len(streams.index.all) == 3)
    for endpoint in endpoints:
        refused = await site.tcpPeer(endpoint)
        await refused.lost
    assert streams.limitLog.counts == {"tcpMaxConnections": 2}
    assert len(limitLines(log)) == 2
    await phones[0].close()
    await until(lambda: len(streams.index.all) == 2)
    another = await site.tcpPeer(endpoints[1])
    another.send(request("OPTIONS", via="TCP a"))
    assert (await another.message()).status == 200


@ensureDeferred
async def test_connectionLimits(site: Site, log: list[LogEvent]) -> None:
    """One connection too many is closed at once; one that ends makes room."""
    tcp = site.bind("TCP")
    limits = StreamLimits(connections=3, connectionsPerAddress=2)
    worker = site.worker("w1", [0], served=limits)
    first = await site.tcpPeer(tcp)
    await site.tcpPeer(tcp)
    await until(lambda: len(worker.driver.streams.index.all) == 2)
    for _ in range(2):
        refused = await site.tcpPeer(tcp)
        await refused.lost
    (line,) = limitLines(log)
    assert "connectionsPerAddress" in line
    await first.close()
    await until(lambda: len(worker.driver.streams.index.all) == 1)
    again = await site.tcpPeer(tcp)
    again.send(request("OPTIONS", via="TCP a"))
    assert (await again.message()).status == 200


@ensureDeferred
async def test_totalConnections(site: Site, log: list[LogEvent]) -> None:
    """The limit of the endpoint counts all addresses together."""
    tcp = site.bind("TCP")
    site.worker("w1", [0], served=StreamLimits(connections=1))
    await site.tcpPeer(tcp)
    refused = await site.tcpPeer(tcp)
    await refused.lost
    (line,) = limitLines(log)
    assert "Limit connections of TCP 127.0.0.1" in line


@ensureDeferred
async def test_slowSender(site: Site, log: list[LogEvent]) -> None:
    """A message that does not end in time ends the connection."""
    tcp = site.bind("TCP")
    site.worker("w1", [0], served=StreamLimits(messageTimeout=0.05))
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via="TCP a") + b"OPTIONS sip:a SIP/2.0\r\n")
    assert (await phone.message()).status == 200
    await phone.lost
    assert "messageTimeout" in limitLines(log)[0]


@ensureDeferred
async def test_idle(site: Site) -> None:
    """A silent connection is closed; every byte received gives it more time."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0], served=StreamLimits(idleTimeout=0.1))
    phone = await site.tcpPeer(tcp)
    await phone.lost
    assert worker.driver.streams.limitLog.counts == {"idleTimeout": 1}


@ensureDeferred
async def test_slowReader(site: Site, log: list[LogEvent]) -> None:
    """A peer that does not read is cut off before it takes much memory."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0], served=StreamLimits(backlog=1 << 20))
    phone = await site.tcpPeer(tcp)
    phone.send(request("REGISTER", via="TCP a"))
    flow = (await site.users["w1"].requests.get()).request.flow
    phone.transport.pauseProducing()  # type: ignore[union-attr]
    sent = 0
    while not flow.closed and sent < 1000:
        flow.send(b"x" * 65536)
        sent += 1
    assert sent < 1000
    assert "backlog" in limitLines(log)[0]
    phone.transport.resumeProducing()  # type: ignore[union-attr]
    await phone.lost
    await until(lambda: not worker.driver.streams.index.all)


@ensureDeferred
async def test_halfClose(site: Site) -> None:
    """A client that has said all it has to say still gets its response."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0], served=StreamLimits(messageTimeout=0.2))
    user = site.users["w1"]
    user.answer = None
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via="TCP a"))
    transaction = await user.requests.get()
    phone.transport.loseWriteConnection()  # type: ignore[union-attr]
    streams = worker.driver.streams
    await until(lambda: not streams.index.byRemote("TCP", LOOPBACK, phone.port))
    transaction.respond(transaction.request.respond(200, toTag="x"))
    assert (await phone.message()).status == 200
    await phone.lost


@ensureDeferred
async def test_responseAfterConnection(site: Site) -> None:
    """A response whose connection is gone goes to the sent-by over a new one (§18.2.2)."""
    tcp = site.bind("TCP")
    site.worker("w1", [0])
    user = site.users["w1"]
    user.answer = None
    listening = site.tcpServer()
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via=f"TCP 127.0.0.1:{listening.port}"))
    transaction = await user.requests.get()
    await phone.close()
    await until(lambda: transaction.request.flow.closed)
    transaction.respond(transaction.request.respond(200, toTag="x"))
    peer = await listening.connection()
    assert (await peer.message()).status == 200


@ensureDeferred
async def test_responseThatReachesNobody(site: Site) -> None:
    """Its connection is gone, and nobody listens where its Via leads: that is tried once."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0])
    user = site.users["w1"]
    user.answer = None
    # Bound, so that nobody else gets it, and refusing.
    closed = socket.socket()
    closed.bind((LOOPBACK, 0))
    site.after(closed.close)
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via=f"TCP 127.0.0.1:{closed.getsockname()[1]}"))
    transaction = await user.requests.get()
    await phone.close()
    await until(lambda: transaction.request.flow.closed)
    transaction.respond(transaction.request.respond(200, toTag="x"))
    streams = worker.driver.streams
    await until(lambda: streams.failed == 1)
    for _ in range(3):
        await deferLater(reactor, 0)
    assert streams.opened == 1


@ensureDeferred
async def test_responseWhoseConnectionNobodyHas(site: Site) -> None:
    """It was given to a worker that is gone as well: what is left is where the Via leads."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0])
    user = site.users["w1"]
    user.answer = None
    listening = site.tcpServer()
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via=f"TCP 127.0.0.1:{listening.port}"))
    transaction = await user.requests.get()

    def give(moved: Moved) -> bool:
        os.close(moved.fd)
        return True

    giveAll(worker.driver.streams, "gone", give)
    transaction.respond(transaction.request.respond(200, toTag="x"))
    peer = await listening.connection()
    assert (await peer.message()).status == 200


@ensureDeferred
async def test_statelessResponses(site: Site) -> None:
    """A response without a transaction finds the connection its Via came by, or the address."""
    tcp, udp = site.bind("TCP"), site.bind("UDP")
    worker = site.worker("w1", [0, 1])
    caller, phone = await site.tcpPeer(tcp), site.udpPeer()
    caller.send(request("OPTIONS", via="TCP nat.invalid"))
    transaction = await site.users["w1"].requests.get()
    assert (await caller.message()).status == 200
    worker.sender.respond(transaction.request.respond(404, toTag="x"))
    assert (await caller.message()).status == 404

    def stateless(via: str) -> None:
        data = request("OPTIONS", via=via, params="")
        worker.sender.respond(parseMessage(data).respond(404))  # type: ignore[union-attr]

    stateless(f"UDP 127.0.0.1:{phone.port}")
    assert (await phone.message()).status == 404
    stateless(f"UDP phone.invalid:1;received=127.0.0.1;rport={phone.port}")
    assert (await phone.message()).status == 404
    site.names.known["phone.test"] = []
    stateless("UDP phone.test")
    stateless("UDP nowhere.test")
    stateless("SCTP 127.0.0.1")
    assert worker.driver.neighbours.responses.unroutable == 3
    stateless(f"UDP phone.invalid:{phone.port};received=127.0.0.1;rport=x")
    assert (await phone.message()).status == 404
    slow: Deferred[list[Address]] = Deferred()
    site.names.waiting["slow.test"] = slow
    stateless("UDP slow.test")
    slow.callback([Address("UDP", "::1", 5060), Address("UDP", LOOPBACK, phone.port)])
    assert (await phone.message()).status == 404
    site.names.waiting["slow.test"] = Deferred()
    stateless("UDP slow.test")
    site.names.waiting["slow.test"].errback(LocateError("nothing"))
    response = parseMessage(request("OPTIONS")).respond(404)  # type: ignore[union-attr]
    response.set("Via", "nonsense")
    worker.sender.respond(response)
    assert worker.driver.neighbours.responses.unroutable == 5
    assert phone.sources == [(LOOPBACK, udp.port)] * 4


@ensureDeferred
async def test_alias(site: Site) -> None:
    """Only a connection whose peer asks for it carries requests to its port (RFC 5923)."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0])
    listening = site.tcpServer()
    uri = f"sip:127.0.0.1:{listening.port};transport=tcp"
    via = f"TCP 127.0.0.1:{listening.port}"
    plain, asking = await site.tcpPeer(tcp), await site.tcpPeer(tcp)
    plain.send(request("OPTIONS", via=via))
    assert (await plain.message()).status == 200
    asking.send(request("OPTIONS", via=via, branch="z9hG4bKalias", params=";alias"))
    assert (await asking.message()).status == 200
    worker.sender.request(made("OPTIONS", uri), hop(uri), Outcome())
    assert (await asking.message()).method == "OPTIONS"
    assert not listening.peers
    await asking.close()
    await until(lambda: len(worker.driver.streams.index.all) == 1)
    second = made("OPTIONS", uri)
    worker.sender.request(second, hop(uri), Outcome())
    assert (await (await listening.connection()).message()).method == "OPTIONS"


@ensureDeferred
async def test_aliasesAreBounded(site: Site) -> None:
    """A peer may ask for an alias, not for one of each port there is."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0])
    phone = await site.tcpPeer(tcp)
    for port in range(2000, 2100):
        via = f"TCP 127.0.0.1:{port}"
        phone.send(request("OPTIONS", via=via, branch=f"z9hG4bK{port}", params=";alias"))
        assert (await phone.message()).status == 200
    [flow] = worker.driver.streams.index.all.values()
    assert len(flow.targets) == 64
    await phone.close()
    await until(lambda: not worker.driver.streams.index.all)
    assert not worker.driver.streams.index._byTarget


@ensureDeferred
async def test_requestsOnOutgoingConnection(site: Site) -> None:
    """A connection that we opened is read like any other."""
    site.bind("TCP")
    worker = site.worker("w1", [0])
    server, outcome = site.tcpServer(), Outcome()
    uri = f"sip:127.0.0.1:{server.port};transport=tcp"
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    peer = await server.connection()
    await peer.message()
    peer.send(request("OPTIONS", via="TCP server.invalid"))
    assert (await peer.message()).status == 200
    flow = (await site.users["w1"].requests.get()).request.flow
    assert flow.listener == 0
    assert worker.driver.flows.fromToken(flow.token) is flow
    assert worker.driver.flows.fromRecord(flow.record()) is flow


@ensureDeferred
async def test_nothingLeft(site: Site) -> None:
    """Connections that came and went leave nothing behind."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0])
    for number in range(20):
        phone = await site.tcpPeer(tcp)
        phone.send(request("OPTIONS", via="TCP a;alias", branch=f"z9hG4bK{number}"))
        assert (await phone.message()).status == 200
        await phone.close()
    streams = worker.driver.streams
    await until(lambda: not streams.index.all)
    assert not streams._groups
    assert not streams.index._byTarget
    assert not streams.index._byRemote


@ensureDeferred
async def test_responseAfterFraming(site: Site) -> None:
    """A response that another worker has for a connection that is gone here is routed again, but
    nobody knows any more whose connection that was."""
    site.bind("TCP")
    driver = site.worker("w1", [0], trusted=Networks([LOOPBACK])).driver
    listening = site.tcpServer()
    data = request("OPTIONS", via=f"TCP 127.0.0.1:{listening.port}", params="")
    response = parseMessage(data).respond(200).toBytes()  # type: ignore[union-attr]
    driver.neighbours.frameReceived(Send("gone.1", response, "w1", ""))
    assert (await (await listening.connection()).message()).status == 200
    driver.neighbours.frameReceived(Send("gone.1", b"nonsense", "w1", ""))


def test_listeningSocketStaysOpen(site: Site) -> None:
    """To stop listening closes our copy of the socket, and not the one we were given."""
    site.bind("TCP")
    worker = site.worker("w1", [0])
    worker.driver.streams.stopListening()
    assert site.sockets[0][0].getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    worker.driver.stop()
    for group in (*site.sockets, list(site._inboxes.values())):
        for sock in group:
            sock.close()
    site.workers.clear()

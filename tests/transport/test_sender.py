"""L{sipapp.transport.sender}: requests out to real sockets, and from address to address."""

from __future__ import annotations

import re

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from sipapp.sip import Hop, Request, parseMessage
from sipapp.transport.steering import slotOf
from sipapp.transport.target import Address, LocateError
from tests.transport.workers import LOOPBACK, Outcome, Site, hop, made, request, until


def unused(site: Site) -> int:
    """A UDP port of loopback that nobody listens on."""
    peer = site.udpPeer()
    peer.close()
    return peer.port


@ensureDeferred
async def test_udp(site: Site) -> None:
    """A request over UDP has our Via with branch and rport; the response reaches the user."""
    endpoint = site.bind("UDP")
    worker = site.worker("w1", [0])
    server, outcome = site.udpPeer(), Outcome()
    uri = f"sip:bob@127.0.0.1:{server.port}"
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    received = await server.message()
    via = received.via
    assert (via.transport, via.host, via.port, via.rport) == ("UDP", LOOPBACK, endpoint.port, "")
    assert via.branch.startswith("z9hG4bKw1.")
    assert server.sources == [(LOOPBACK, endpoint.port)]
    assert [flow.remote for flow in outcome.flows] == [(LOOPBACK, server.port)]
    server.send(received.respond(200, toTag="x").toBytes(), endpoint)
    response = await outcome.responses.get()
    assert response.status == 200
    assert response.via.branch == via.branch


@ensureDeferred
async def test_givenBranch(site: Site) -> None:
    """A given branch is used as it is."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    server, uri = site.udpPeer(), "sip:server.test"
    site.names.known["server.test"] = [Address("UDP", LOOPBACK, server.port)]
    worker.sender.request(made("OPTIONS"), hop(uri), Outcome(), "z9hG4bKw1.given")
    assert (await server.message()).via.branch == "z9hG4bKw1.given"


@ensureDeferred
async def test_tcp(site: Site) -> None:
    """Over TCP one connection carries both requests, and both responses come back on it."""
    site.bind("TCP")
    worker = site.worker("w1", [0])
    server, outcome = site.tcpServer(), Outcome()
    uri = f"sip:bob@127.0.0.1:{server.port};transport=tcp"
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    peer = await server.connection()
    first = await peer.message()
    assert (first.via.transport, first.via.port) == ("TCP", site.endpoints[0].port)
    peer.send(first.respond(200).toBytes())
    assert (await outcome.responses.get()).status == 200
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    second = await peer.message()
    peer.send(second.respond(404).toBytes())
    assert (await outcome.responses.get()).status == 404
    assert (worker.driver.streams.opened, len(server.peers)) == (1, 1)


@ensureDeferred
async def test_idleConnectionThatClosed(site: Site) -> None:
    """A connection that the peer has closed is replaced by a new one."""
    worker = site.worker("w1", [])
    server, outcome = site.tcpServer(), Outcome()
    uri = f"sip:bob@127.0.0.1:{server.port};transport=tcp"
    for _ in range(2):
        worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
        peer = await server.connection()
        peer.send((await peer.message()).respond(200).toBytes())
        assert (await outcome.responses.get()).status == 200
        await peer.close()
        await until(lambda: not worker.driver.streams.index.all)


@ensureDeferred
async def test_connectionLostUnderRequest(site: Site) -> None:
    """A request on an old connection that breaks is sent again on a new one."""
    worker = site.worker("w1", [])
    server, outcome = site.tcpServer(), Outcome()
    uri = f"sip:bob@127.0.0.1:{server.port};transport=tcp"
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    peer = await server.connection()
    peer.send((await peer.message()).respond(200).toBytes())
    assert (await outcome.responses.get()).status == 200
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    lost = await peer.message()
    await peer.close()
    peer = await server.connection()
    again = await peer.message()
    assert again.via.branch == lost.via.branch + "-1"
    await peer.close()
    assert await outcome.failures.get() == (503, "the request could not be sent")


@ensureDeferred
async def test_failOver(site: Site) -> None:
    """A refused address, then a silent one, then a 503; the fourth one answers."""
    udp = site.bind("UDP")
    site.bind("TCP")
    worker = site.worker("w1", [0, 1])
    silent, busy, good = site.udpPeer(), site.udpPeer(), site.udpPeer()
    outcome = Outcome()
    site.names.known["pool.test"] = [
        Address("TCP", LOOPBACK, unused(site)),
        Address("UDP", LOOPBACK, silent.port),
        Address("UDP", LOOPBACK, busy.port),
        Address("UDP", LOOPBACK, good.port),
    ]
    worker.sender.request(made("INVITE"), hop("sip:pool.test"), outcome, "z9hG4bKw1.b")
    request = await silent.message()
    assert request.via.branch == "z9hG4bKw1.b-1"
    refused = await busy.message()
    busy.send(refused.respond(503, toTag="y").toBytes(), udp)
    request = await good.message()
    assert request.via.branch == "z9hG4bKw1.b-3"
    assert len(request.vias) == 1
    good.send(request.respond(200, toTag="x").toBytes(), udp)
    assert (await outcome.responses.get()).status == 200
    assert len(outcome.flows) == 4
    acks = [message.method for message in busy.received.items]
    assert "ACK" in acks
    assert not outcome.failures.items


@ensureDeferred
async def test_branchOfLaterAttempt(site: Site) -> None:
    """The response to a second attempt proves itself as that to a first one does (§16.11)."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    server = site.udpPeer()
    incoming = parseMessage(request("OPTIONS", branch="z9hG4bKupstream"))
    assert isinstance(incoming, Request)
    identifiers = worker.sender.identifiers
    branch = identifiers.branch(incoming, "target")
    site.names.known["pool.test"] = [
        Address("TCP", LOOPBACK, unused(site)),
        Address("UDP", LOOPBACK, server.port),
    ]
    worker.sender.request(incoming.copy(), hop("sip:pool.test"), Outcome(), branch)
    received = await server.message()
    assert received.via.branch == branch + "-1"
    assert identifiers.owner(received.via.branch) == "w1"
    assert identifiers.isOurs(received.respond(200))
    received.replaceFirst("via", str(received.via.withParams(branch=branch[:-1] + "-1")))
    assert not identifiers.isOurs(received.respond(200))


@ensureDeferred
async def test_icmp(site: Site) -> None:
    """A UDP port where nobody listens is a transport failure at once, not after Timer F."""
    site.bind("UDP")
    site.bind("UDP", "::1")
    worker = site.worker("w1", [0, 1])
    outcome = Outcome()
    uri = f"sip:127.0.0.1:{unused(site)}"
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    assert (await outcome.failures.get())[0] == 503
    peer = site.udpPeer("::1")
    peer.close()
    uri = f"sip:[::1]:{peer.port}"
    worker.sender.request(made("INVITE", uri), hop(uri), outcome)
    assert (await outcome.failures.get())[0] == 503


@ensureDeferred
async def test_icmpForAnotherWorker(site: Site) -> None:
    """The error may be read by the worker that serves the socket: it tells who sent."""
    site.bind("UDP")
    site.addWorkers("w1", "w2")
    site.worker("w1", [0])
    other = site.worker("w2", [])
    other.driver.flows.ports[0]._readErrors = lambda: None  # type: ignore[method-assign]
    outcome = Outcome()
    uri = f"sip:127.0.0.1:{unused(site)}"
    other.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    assert (await outcome.failures.get())[0] == 503


@ensureDeferred
async def test_timeout(site: Site) -> None:
    """Silence everywhere is a 408; after a provisional response no other address is tried."""
    udp = site.bind("UDP")
    worker = site.worker("w1", [0])
    silent, outcome = site.udpPeer(), Outcome()
    uri = f"sip:127.0.0.1:{silent.port}"
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    site.names.known["two.test"] = [
        Address("UDP", LOOPBACK, silent.port),
        Address("UDP", LOOPBACK, unused(site)),
    ]
    trying = Outcome()
    second = made("OPTIONS")
    second.set("Call-ID", "second")
    worker.sender.request(second, hop("sip:two.test"), trying)
    while True:
        message = await silent.message()
        if message.callID == "second":
            break
    silent.send(message.respond(100).toBytes(), udp)
    assert (await outcome.failures.get())[0] == 408
    assert (await trying.failures.get())[0] == 408
    assert len(trying.flows) == 1


@ensureDeferred
async def test_unknownName(site: Site) -> None:
    """A name without addresses is a 503, found at once or after a while."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    outcome = Outcome()
    worker.sender.request(made("OPTIONS"), hop("sip:nowhere.test"), outcome)
    assert (await outcome.failures.get())[0] == 503
    slow: Deferred[list[Address]] = Deferred()
    site.names.waiting["slow.test"] = slow
    worker.sender.request(made("OPTIONS"), hop("sip:slow.test"), outcome)
    slow.errback(LocateError("the DNS does not know"))
    assert await outcome.failures.get() == (503, "the DNS does not know")


@ensureDeferred
async def test_noSocket(site: Site) -> None:
    """An address family without a socket is passed over."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    outcome = Outcome()
    worker.sender.request(made("OPTIONS"), hop("sip:[::1]:5060"), outcome)
    assert (await outcome.failures.get())[0] == 503
    assert not outcome.flows


@ensureDeferred
async def test_slowName(site: Site) -> None:
    """The request is sent when the DNS has answered, and answered timers and all."""
    udp = site.bind("UDP")
    worker = site.worker("w1", [0])
    server, outcome = site.udpPeer(), Outcome()
    slow: Deferred[list[Address]] = Deferred()
    site.names.waiting["slow.test"] = slow
    worker.sender.request(made("OPTIONS"), hop("sip:slow.test"), outcome)
    slow.callback([Address("UDP", LOOPBACK, server.port)])
    first = await server.message()
    again = await server.message()
    assert first.toBytes() == again.toBytes()
    server.send(first.respond(200).toBytes(), udp)
    assert (await outcome.responses.get()).status == 200


@ensureDeferred
async def test_cancel(site: Site) -> None:
    """A cancelled INVITE sends CANCEL after the first provisional response."""
    udp = site.bind("UDP")
    worker = site.worker("w1", [0])
    server, outcome = site.udpPeer(), Outcome()
    uri = f"sip:127.0.0.1:{server.port}"
    sending = worker.sender.request(made("INVITE", uri), hop(uri), outcome)
    invite = await server.message()
    sending.cancel()
    server.send(invite.respond(180, toTag="x").toBytes(), udp)
    assert (await outcome.responses.get()).status == 180
    while True:
        cancel = await server.message()
        if cancel.method == "CANCEL":
            break
    assert cancel.via.branch == invite.via.branch
    server.send(cancel.respond(200).toBytes(), udp)
    server.send(invite.respond(487, toTag="x").toBytes(), udp)
    assert (await outcome.responses.get()).status == 487


@ensureDeferred
async def test_cancelBeforeSending(site: Site) -> None:
    """What is cancelled while the DNS is asked is never sent; the user hears 487."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    slow: Deferred[list[Address]] = Deferred()
    site.names.waiting["slow.test"] = slow
    outcome = Outcome()
    worker.sender.request(made("INVITE"), hop("sip:slow.test"), outcome).cancel()
    slow.callback([Address("UDP", LOOPBACK, 9)])
    assert (await outcome.failures.get())[0] == 487
    assert not outcome.flows


@ensureDeferred
async def test_cancelledDoesNotFailOver(site: Site) -> None:
    """After a CANCEL no further address is tried."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    silent, outcome = site.udpPeer(), Outcome()
    site.names.known["two.test"] = [Address("UDP", LOOPBACK, silent.port)] * 2
    worker.sender.request(made("INVITE"), hop("sip:two.test"), outcome).cancel()
    assert (await outcome.failures.get())[0] == 408
    assert len(outcome.flows) == 1


@pytest.mark.parametrize("listens", [True, False])
@ensureDeferred
async def test_overLong(site: Site, listens: bool) -> None:
    """A request over 1,300 bytes goes over TCP, and over UDP if TCP is refused (§18.1.1)."""
    site.bind("UDP")
    site.bind("TCP")
    worker = site.worker("w1", [0, 1])
    tcp = site.tcpServer()
    port = tcp.port
    if not listens:
        await tcp.stopListening()
        datagrams = site.udpPeer(port=port)
    uri = f"sip:bob@127.0.0.1:{port};transport=udp"
    worker.sender.request(made("OPTIONS", uri, b"x" * 1200), hop(uri), Outcome())
    if listens:
        message = await (await tcp.connection()).message()
        assert message.via.transport == "TCP"
    else:
        message = await datagrams.message()
        assert message.via.transport == "UDP"
    assert len(message.vias) == 1


@ensureDeferred
async def test_flowFirst(site: Site) -> None:
    """A hop's flow is used rather than its URI; when it is gone the URI is."""
    tcp = site.bind("TCP")
    site.bind("UDP")
    worker = site.worker("w1", [0, 1])
    phone, elsewhere = await site.tcpPeer(tcp), site.udpPeer()
    phone.send(request("REGISTER", via="TCP phone.invalid"))
    token = (await site.users["w1"].requests.get()).request.flow.token
    assert re.fullmatch(r"[\w-]+", token)
    assert (await phone.message()).status == 200
    uri = f"sip:bob@127.0.0.1:{elsewhere.port}"
    outcome = Outcome()
    worker.sender.request(made("OPTIONS", uri), hop(uri, token), outcome)
    received = await phone.message()
    assert received.via.transport == "TCP"
    phone.send(received.respond(200).toBytes())
    assert (await outcome.responses.get()).status == 200
    await phone.close()
    await until(lambda: not worker.driver.streams.index.all)
    worker.sender.request(made("OPTIONS", uri), hop(uri, token), outcome)
    assert (await elsewhere.message()).method == "OPTIONS"
    worker.sender.request(made("INVITE"), hop("sip:phone.invalid", token), outcome)
    assert (await outcome.failures.get())[0] == 430


@ensureDeferred
async def test_flowOnly(site: Site) -> None:
    """RFC 5626 §5.3: a phone that expects its requests over its flow gets them nowhere else."""
    tcp = site.bind("TCP")
    site.bind("UDP", slots=1)
    site.addWorkers("w1", "w2")
    holder = site.worker("w1", [0])
    phone, elsewhere = await site.tcpPeer(tcp), site.udpPeer()
    phone.send(request("REGISTER", via="TCP phone.invalid"))
    token = (await site.users["w1"].requests.get()).request.flow.token
    uri = f"sip:bob@127.0.0.1:{elsewhere.port}"
    only = Hop(hop(uri).uri, token, flowOnly=True)
    await phone.close()
    await until(lambda: not holder.driver.streams.index.all)
    # The holder knows; the other one learns it when it sends.
    for worker in (holder, site.worker("w2", [1])):
        outcome = Outcome()
        worker.sender.forward(made("ACK", uri), only, "z9hG4bKack")
        worker.sender.request(made("INVITE", uri), only, outcome)
        assert (await outcome.failures.get())[0] == 430
    worker.sender.forward(made("ACK", uri), hop(uri), "z9hG4bKlast")
    assert (await elsewhere.message()).via.branch == "z9hG4bKlast"


@ensureDeferred
async def test_flowOfAnotherWorker(site: Site) -> None:
    """A connection that another worker holds is used over the bus, both ways; when it is gone
    the sender learns it."""
    tcp = site.bind("TCP")
    site.bind("UDP", slots=1)
    site.addWorkers("w1", "w2")
    site.worker("w1", [0])
    sender = site.worker("w2", [1]).sender
    phone = await site.tcpPeer(tcp)
    phone.send(request("REGISTER", via="TCP phone.invalid"))
    token = (await site.users["w1"].requests.get()).request.flow.token
    assert (await phone.message()).status == 200
    outcome = Outcome()
    uri = "sip:bob@phone.invalid"
    sender.request(made("INVITE", uri), hop(uri, token), outcome)
    received = await phone.message()
    assert (received.via.transport, received.via.port) == ("TCP", tcp.port)
    (flow,) = outcome.flows
    assert (flow.remote, flow.listener, flow.family) == ((LOOPBACK, phone.port), 0, 4)
    assert (flow.token, flow.local, flow.closed) == (token, (LOOPBACK, tcp.port), False)
    phone.send(received.respond(200, toTag="x").toBytes())
    assert (await outcome.responses.get()).status == 200
    await phone.close()
    await until(lambda: not site.workers["w1"].driver.streams.index.all)
    second = made("INVITE", uri)
    sender.request(second, hop(uri, token), outcome)
    assert (await outcome.failures.get())[0] == 430


@ensureDeferred
async def test_forward(site: Site) -> None:
    """A stateless request goes out once, with the branch it was given."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    server, outcome = site.udpPeer(), Outcome()
    uri = f"sip:bob@127.0.0.1:{server.port}"
    worker.sender.forward(made("ACK", uri), hop(uri), "z9hG4bKw1.ack", outcome)
    ack = await server.message()
    assert (ack.method, ack.via.branch) == ("ACK", "z9hG4bKw1.ack")
    assert len(outcome.flows) == 1
    slow: Deferred[list[Address]] = Deferred()
    site.names.waiting["slow.test"] = slow
    worker.sender.forward(made("ACK"), hop("sip:slow.test"), "z9hG4bKw1.two")
    slow.callback([Address("UDP", "::1", 5060), Address("UDP", LOOPBACK, server.port)])
    assert (await server.message()).via.branch == "z9hG4bKw1.two"
    worker.sender.forward(made("ACK"), hop("sip:nowhere.test"), "z9hG4bKw1.three")
    token = outcome.flows[0].token
    worker.sender.forward(made("ACK"), hop("sip:nowhere.test", token), "z9hG4bKw1.four")
    assert (await server.message()).via.branch == "z9hG4bKw1.four"


@ensureDeferred
async def test_sendOnly(site: Site) -> None:
    """A TCP worker sends datagrams from the UDP endpoint; the response finds it over the bus."""
    udp = site.bind("UDP", slots=2)
    site.addWorkers("u0", "u1", "t0")
    for slot, code in enumerate(("u0", "u1")):
        site.worker(code, [0], slot, ("u0", "u1"))
    sender = site.worker("t0", []).sender
    server = site.udpPeer()
    uri = f"sip:bob@127.0.0.1:{server.port}"
    for number in range(8):
        outcome = Outcome()
        message = made("OPTIONS", uri)
        message.set("Call-ID", f"number-{number}")
        assert slotOf(message.callID.encode(), 2) in (0, 1)
        sender.request(message, hop(uri), outcome)
        received = await server.message()
        assert server.sources[-1] == (LOOPBACK, udp.port)
        server.send(received.respond(200).toBytes(), udp)
        assert (await outcome.responses.get()).status == 200

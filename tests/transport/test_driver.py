"""L{sipapp.transport.driver}: messages in from real sockets, to the right worker, and answers."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.error import ConnectionRefusedError
from twisted.logger import LogEvent, globalLogPublisher

from sipapp.sip import Request
from sipapp.transport.flows import Flow
from sipapp.transport.steering import slotOf
from tests.transport.workers import Outcome, Queue, Site, hop, made, request, until


@ensureDeferred
async def test_udpRequest(site: Site) -> None:
    """A request over UDP reaches the user with its flow; the answer has received and rport."""
    endpoint = site.bind("UDP")
    site.worker("w1", [0])
    phone = site.udpPeer()
    phone.send(request("OPTIONS", via="UDP phone.invalid:5060"), endpoint)
    response = await phone.message()
    assert response.status == 200
    assert (response.via.received, response.via.rport) == ("127.0.0.1", str(phone.port))
    transaction = await site.users["w1"].requests.get()
    flow = transaction.request.flow
    assert (flow.transport, flow.reliable, flow.secure, flow.closed) == ("UDP", False, False, False)
    assert flow.remote == ("127.0.0.1", phone.port)
    assert flow.local == ("127.0.0.1", endpoint.port)
    assert (flow.listener, flow.family) == (0, 4)


@ensureDeferred
async def test_tcpRequest(site: Site) -> None:
    """The same over TCP."""
    endpoint = site.bind("TCP")
    site.worker("w1", [0])
    phone = await site.tcpPeer(endpoint)
    phone.send(request("OPTIONS", via="TCP phone.invalid", params=""))
    response = await phone.message()
    assert response.status == 200
    assert (response.via.received, response.via.rport) == ("127.0.0.1", str(phone.port))
    flow = (await site.users["w1"].requests.get()).request.flow
    assert (flow.transport, flow.reliable, flow.listener) == ("TCP", True, 0)
    assert flow.remote == ("127.0.0.1", phone.port)
    assert flow.local == ("127.0.0.1", endpoint.port)


def callIDFor(slot: int, slots: int) -> str:
    return next(f"c{n}" for n in range(99) if slotOf(f"c{n}".encode(), slots) == slot)


@ensureDeferred
async def test_udpWithoutRport(site: Site) -> None:
    """Without rport the answer goes to the port of the sent-by (RFC 3261 §18.2.2)."""
    endpoint = site.bind("UDP")
    site.worker("w1", [0])
    sender, receiver = site.udpPeer(), site.udpPeer()
    sender.send(request("OPTIONS", via=f"UDP 127.0.0.1:{receiver.port}", params=""), endpoint)
    response = await receiver.message()
    assert response.status == 200
    flow = (await site.users["w1"].requests.get()).request.flow
    assert flow.remote == ("127.0.0.1", sender.port)


@ensureDeferred
async def test_receivedIsOurs(site: Site) -> None:
    """What a client writes into received is replaced, with and without rport (§18.2.1)."""
    endpoint = site.bind("UDP")
    site.worker("w1", [0])
    phone = site.udpPeer()
    via = f"UDP phone.invalid:{phone.port}"
    for number, params in enumerate((";received=192.0.2.9", ";received=192.0.2.9;rport=9", "")):
        phone.send(request("OPTIONS", via=via, branch=f"z9hG4bK{number}", params=params), endpoint)
        response = await phone.message()
        assert response.via.received == "127.0.0.1"
        assert response.via.rport == (str(phone.port) if "rport" in params else None)


@ensureDeferred
async def test_maddr(site: Site) -> None:
    """A maddr in the Via leads an answer nowhere: neither to an address nor to a name, which the
    operating system would have to be asked for."""
    endpoint = site.bind("UDP")
    site.worker("w1", [0])
    sender, receiver, victim = site.udpPeer(), site.udpPeer(), site.udpPeer("127.0.0.3")
    via = f"UDP 127.0.0.1:{receiver.port}"
    for number, maddr in enumerate(("127.0.0.3", "localhost", "224.0.1.75", "%00")):
        params, branch = f";maddr={maddr}", f"z9hG4bK{number}"
        sender.send(request("OPTIONS", via=via, branch=branch, params=params), endpoint)
        assert (await receiver.message()).status == 200
    params = ";rport;maddr=127.0.0.3"
    via = f"UDP 127.0.0.1:{victim.port}"
    sender.send(request("OPTIONS", via=via, branch="z9hG4bKboth", params=params), endpoint)
    assert (await sender.message()).status == 200
    assert victim.sources == []


@ensureDeferred
async def test_keepAlives(site: Site) -> None:
    """Datagrams of CRLFs or zeros are ignored; over TCP a double CRLF gets a single one."""
    udp, tcp = site.bind("UDP"), site.bind("TCP")
    worker = site.worker("w1", [0, 1])
    phone = site.udpPeer()
    for data in (b"\r\n\r\n", b"\0\0\0\0", b"", b"\0"):
        phone.send(data, udp)
    phone.send(request("OPTIONS"), udp)
    assert (await phone.message()).status == 200
    assert worker.driver.flows.ports[0].keepAlives == 4
    caller = await site.tcpPeer(tcp)
    caller.send(b"\r\n\r\n\r\n\r\n" + request("OPTIONS", via="TCP a", branch="z9hG4bKk"))
    # The pongs are in front of the response.
    transaction = await site.users["w1"].requests.get()
    transaction = await site.users["w1"].requests.get()
    assert transaction.request.via.transport == "TCP"
    await until(lambda: len(caller.raw) > 10)
    assert caller.raw.startswith(b"\r\n\r\nSIP/2.0 200 ")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("OPTIONS", cseq=-1), 400),
        (request("OPTIONS").replace(b"SIP/2.0\r\nVia", b"SIP/7.0\r\nVia"), 505),
        (request("OPTIONS", uri="soap:x"), 416),
        (request("OPTIONS").replace(b"From: <sip:alice", b"From: <sip:al ice"), 400),
        (request("OPTIONS").replace(b";branch", b"\x01;branch"), 400),
    ],
)
@ensureDeferred
async def test_rejected(site: Site, data: bytes, status: int) -> None:
    """A malformed request gets the status it deserves without a transaction, each time alike."""
    endpoint = site.bind("UDP")
    worker = site.worker("w1", [0])
    phone = site.udpPeer()
    phone.send(data, endpoint)
    first = await phone.message()
    assert first.status == status
    phone.send(data, endpoint)
    assert (await phone.message()).toBytes() == first.toBytes()
    assert worker.driver.layer.serverCount == 0
    assert worker.driver.receiver.counters.rejected == 2


@ensureDeferred
async def test_rejectedWithoutAnswer(site: Site) -> None:
    """Nothing answers a malformed ACK or response, or what is no SIP at all."""
    endpoint = site.bind("UDP")
    worker = site.worker("w1", [0])
    phone = site.udpPeer()
    phone.send(request("ACK", cseq=-1), endpoint)
    phone.send(b"SIP/2.0 200 OK\r\n\r\n", endpoint)
    phone.send(b"nonsense that goes on", endpoint)
    phone.send(request("OPTIONS"), endpoint)
    assert (await phone.message()).status == 200
    counters = worker.driver.receiver.counters
    assert (counters.malformed, counters.badResponses, counters.rejected) == (1, 1, 0)


@ensureDeferred
async def test_userThatFails(site: Site) -> None:
    """An exception is logged with the Call-ID, and the next message is read."""
    endpoint = site.bind("UDP")
    site.worker("w1", [0])
    user = site.users["w1"]
    phone = site.udpPeer()
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    user.failing = True
    phone.send(request("OPTIONS", callID="sad@call"), endpoint)
    await until(lambda: events)
    globalLogPublisher.removeObserver(events.append)
    assert events[0]["about"]["call_id"] == "sad@call"
    user.failing = False
    phone.send(request("OPTIONS", branch="z9hG4bKnext"), endpoint)
    assert (await phone.message()).status == 200


@ensureDeferred
async def test_steeringMiss(site: Site) -> None:
    """A datagram in the wrong slot is handed to its owner, who answers from the same port."""
    endpoint = site.bind("UDP", slots=2)
    site.addWorkers("w0", "w1")
    for slot, code in enumerate(("w0", "w1")):
        site.worker(code, [0], slot, ("w0", "w1"))
    phone = site.udpPeer()
    port = site.workers["w0"].driver.flows.ports[0]
    data = request("OPTIONS", callID=callIDFor(1, 2))
    site.workers["w0"].driver.receiver.datagramReceived(data, port, ("127.0.0.1", phone.port))
    assert (await phone.message()).status == 200
    assert phone.sources == [("127.0.0.1", endpoint.port)]
    transaction = await site.users["w1"].requests.get()
    assert transaction.request.flow.remote == ("127.0.0.1", phone.port)
    assert site.workers["w0"].driver.receiver.counters.handedOver == 1
    assert site.workers["w1"].driver.receiver.counters.deliveredHere == 1


@ensureDeferred
async def test_responseOfAnotherWorker(site: Site) -> None:
    """A response goes to the worker that its topmost Via names, who knows the transaction."""
    endpoint = site.bind("UDP", slots=2)
    site.addWorkers("w0", "w1")
    for slot, code in enumerate(("w0", "w1")):
        site.worker(code, [0], slot, ("w0", "w1"))
    server = site.udpPeer()
    outcome = Outcome()
    uri = f"sip:bob@127.0.0.1:{server.port}"
    site.workers["w0"].sender.request(made("OPTIONS", uri), hop(uri), outcome)
    received = await server.message()
    response = received.respond(200, toTag="x").toBytes()
    other = site.workers["w1"].driver
    other.receiver.datagramReceived(response, other.flows.ports[0], ("127.0.0.1", server.port))
    assert (await outcome.responses.get()).status == 200
    assert site.workers["w0"].driver.receiver.counters.deliveredHere in (0, 1)
    assert endpoint.port == received.via.port


@ensureDeferred
async def test_ackOverAnotherConnection(site: Site) -> None:
    """An ACK to our own response goes to the worker that its To tag names."""
    tcp = site.bind("TCP")
    site.addWorkers("w0", "w1")
    site.worker("w0", [])
    site.worker("w1", [0])
    phone = await site.tcpPeer(tcp)
    tag = "w0." + "0" * 16
    phone.send(request("ACK", via="TCP a", toTag=tag))
    ack = await site.users["w0"].acks.get()
    assert ack.flow.transport == "TCP"
    assert ack.flow.remote == ("127.0.0.1", phone.port)


@ensureDeferred
async def test_strayResponse(site: Site) -> None:
    """A response to nothing we know is given to who was composed to take it, or dropped."""
    endpoint = site.bind("UDP")
    driver = site.worker("w1", [0]).driver
    phone = site.udpPeer()
    data = b"\r\n".join(
        b"SIP/2.0 200 OK|Via: SIP/2.0/UDP h;branch=z9hG4bKw1.gone|From: <sip:a@b>;tag=1"
        b"|To: <sip:a@b>;tag=2|Call-ID: stray|CSeq: 1 INVITE||".split(b"|")
    )
    phone.send(data, endpoint)
    strays = Queue()
    driver.receiver.strayResponse = lambda response, flow: not strays.put((response, flow))
    phone.send(data, endpoint)
    response, flow = await strays.get()
    assert (response.status, flow.remote[1]) == (200, phone.port)
    assert driver.receiver.counters.strays in (1, 2)


@ensureDeferred
async def test_withoutATransaction(site: Site) -> None:
    """Who was composed to answer without a transaction is asked first, but not while draining."""
    endpoint = site.bind("UDP")
    receiver = site.worker("w1", [0]).driver.receiver
    phone = site.udpPeer()

    def answered(request: Request, flow: Flow) -> bool:
        if request.method != "OPTIONS":
            return False
        flow.send(request.respond(299, toTag="t").toBytes())
        return True

    receiver.answered = answered
    for method, status in ("OPTIONS", 299), ("MESSAGE", 200):
        phone.send(request(method, branch=f"z9hG4bK{method}"), endpoint)
        assert (await phone.message()).status == status
    assert site.workers["w1"].driver.layer.serversCreated == 1
    receiver.draining = True
    phone.send(request("OPTIONS", branch="z9hG4bKlate"), endpoint)
    assert (await phone.message()).status == 503


@ensureDeferred
async def test_timers(site: Site) -> None:
    """The layer's timers fire, also those that were started from outside the driver."""
    endpoint = site.bind("UDP")
    site.worker("w1", [0])
    user = site.users["w1"]
    user.answer = None
    phone = site.udpPeer()
    phone.send(request("INVITE"), endpoint)
    transaction = await user.requests.get()
    assert (await phone.message()).status == 100
    transaction.respond(transaction.request.respond(486, toTag="x"))
    assert [(await phone.message()).status for _ in range(3)] == [486, 486, 486]


@ensureDeferred
async def test_drain(site: Site) -> None:
    """A draining worker finishes what it has and refuses what is new."""
    udp, tcp = site.bind("UDP"), site.bind("TCP")
    driver = site.worker("w1", [0, 1]).driver
    user = site.users["w1"]
    user.answer = None
    phone = site.udpPeer()
    invite = request("INVITE")
    phone.send(invite, udp)
    transaction = await user.requests.get()
    drained = driver.drain(5)
    phone.send(request("OPTIONS", branch="z9hG4bKnew"), udp)
    statuses = [(await phone.message()).status]
    while 503 not in statuses:
        statuses.append((await phone.message()).status)
    assert not drained.called
    transaction.respond(transaction.request.respond(200, toTag="x"))
    assert await drained
    site.sockets[1][0].close()
    with pytest.raises(ConnectionRefusedError):
        await site.tcpPeer(tcp)


@ensureDeferred
async def test_drainTimeout(site: Site) -> None:
    """It does not wait forever; who has handed over leaves the datagrams alone."""
    endpoint = site.bind("UDP")
    driver = site.worker("w1", [0]).driver
    site.users["w1"].answer = None
    phone = site.udpPeer()
    phone.send(request("INVITE"), endpoint)
    await site.users["w1"].requests.get()
    await driver.handOver([])
    assert not await driver.drain(0.01)
    phone.send(request("OPTIONS", branch="z9hG4bKb"), endpoint)
    assert site.sockets[0][0].recv(4096).startswith(b"OPTIONS")


@ensureDeferred
async def test_drainServesTheOthers(site: Site) -> None:
    """A worker that has drained still carries the messages of others, until it is stopped."""
    tcp = site.bind("TCP")
    site.addWorkers("u0", "t0")
    carrier, busy = site.worker("t0", [0]), site.worker("u0", [])
    phone = await site.tcpPeer(tcp)
    phone.send(request("REGISTER", via="TCP phone.invalid"))
    token = (await site.users["t0"].requests.get()).request.flow.token
    assert (await phone.message()).status == 200
    assert await carrier.driver.drain(20)
    outcome = Outcome()
    uri = "sip:phone.invalid"
    busy.sender.request(made("INVITE", uri), hop(uri, token), outcome)
    invite = await phone.message()
    phone.send(invite.respond(200, toTag="x").toBytes())
    assert (await outcome.responses.get()).status == 200
    await carrier.driver.stop()
    await phone.lost


@ensureDeferred
async def test_drainSendsWhatWasWritten(site: Site) -> None:
    """The last response is sent before its connection is closed, however long it is; a peer that
    does not read it does not hold up the end."""
    tcp = site.bind("TCP")
    driver = site.worker("w1", [0]).driver
    user = site.users["w1"]
    user.answer = None
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via="TCP a"))
    transaction = await user.requests.get()
    drained = driver.drain(5)
    body = b"x" * 3_000_000
    transaction.respond(transaction.request.respond(200, toTag="x", body=body))
    assert await drained
    await driver.stop()
    assert (await phone.message()).body == body
    await phone.lost

"""One generation of workers takes the place of another: nothing is lost, and everything reaches
the worker that it belongs to."""

from __future__ import annotations

import socket
from itertools import pairwise
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from sipapp.sip import Request, Response
from sipapp.transaction import TimerSettings
from sipapp.transport import neighbours as neighboursModule
from sipapp.transport.tls import ServerTLS
from tests.support.certificates import CertificateAuthority
from tests.transport.workers import LOOPBACK, Outcome, Site, bound, hop, made, request, until

PHONE = "TCP phone.invalid"


def taken(site: Site, code: str) -> list[Any]:
    """The transactions that a worker's user was shown and the test has not looked at."""
    return site.users[code].requests.items


@ensureDeferred
async def test_callOverUDP(site: Site) -> None:
    """Retransmissions, the CANCEL and the ACK of a call reach the worker that has it."""
    endpoint = site.bind("UDP")
    site.worker("a0", [0])
    site.users["a0"].answer = None
    phone = site.udpPeer()
    phone.send(request("INVITE"), endpoint)
    invite = await site.users["a0"].requests.get()
    await site.follow(["a0"], ["a0x1"], [0])
    old, new = site.workers["a0"].driver, site.workers["a0x1"].driver
    phone.send(request("INVITE"), endpoint)
    await until(lambda: old.layer.absorbed)
    phone.send(request("CANCEL"), endpoint)
    cancel, cancelled = await site.users["a0"].cancels.get()
    assert cancelled is invite
    cancel.respond(cancel.request.respond(200, toTag="t"))
    invite.respond(invite.request.respond(487, toTag="t"))
    statuses = [(await phone.message()).status for _ in range(3)]
    assert sorted(statuses) in ([100, 200, 487], [200, 487, 487])
    phone.send(request("ACK", toTag="t"), endpoint)
    await until(lambda: new.receiver.counters.handedOver == 3)
    phone.send(request("ACK", toTag="t", branch="z9hG4bKacktwo"), endpoint)
    await site.users["a0x1"].acks.get()
    assert not taken(site, "a0x1")
    assert not site.users["a0"].acks.items
    phone.send(request("OPTIONS", branch="z9hG4bKnew"), endpoint)
    await site.users["a0x1"].requests.get()


@ensureDeferred
async def test_oldClient(site: Site) -> None:
    """A client of RFC 2543, whose branches identify nothing, is no exception; nor is one that
    writes bytes which are no text."""
    endpoint = site.bind("UDP")
    site.worker("a0", [0])
    site.users["a0"].answer = 486
    phone = site.udpPeer()
    plain = request("INVITE", branch="1")
    odd = request("OPTIONS", branch="z9hG4bK").replace(b"call-1", b"call-\xff\xe9")
    for data in (plain, odd):
        phone.send(data, endpoint)
        assert (await phone.message()).status == 486
    await site.follow(["a0"], ["a0x1"], [0])
    old, new = site.workers["a0"].driver, site.workers["a0x1"].driver
    for data in (plain, odd):
        phone.send(data, endpoint)
    await until(lambda: new.receiver.counters.handedOver == 2)
    await until(lambda: old.layer.absorbed == 2)
    phone.send(request("ACK", branch="1", toTag="t"), endpoint)
    await until(lambda: new.receiver.counters.handedOver == 3)
    assert not taken(site, "a0x1")
    assert not site.users["a0x1"].acks.items


@ensureDeferred
async def test_everyDatagramOnce(site: Site) -> None:
    """What arrives while the workers change is answered, once, by one of them."""
    endpoint = site.bind("UDP")
    site.worker("a0", [0])
    phone = site.udpPeer()
    for number in range(120):
        if number == 60:
            await site.users["a0"].requests.get()
            await site.follow(["a0"], ["a0x1"], [0])
        phone.send(request("OPTIONS", branch=f"z9hG4bKn{number}", cseq=number + 1), endpoint)
    numbers = [(await phone.message()).cseq.number for _ in range(120)]
    assert sorted(numbers) == list(range(1, 121))
    assert len(taken(site, "a0")) + len(taken(site, "a0x1")) == 119
    assert site.workers["a0x1"].driver.receiver.counters.handedOver == 0


@ensureDeferred
async def test_connectionMoves(site: Site) -> None:
    """A connection goes on in the successor with the half of a message that has come; what the
    old worker still has to answer is answered over it."""
    endpoint = site.bind("TCP")
    site.worker("a0", [0])
    site.users["a0"].answer = None
    phone = await site.tcpPeer(endpoint)
    phone.send(request("INVITE", via=PHONE))
    invite = await site.users["a0"].requests.get()
    options = request("OPTIONS", via=PHONE, branch="z9hG4bKhalf", body="x" * 1000)
    phone.send(options[:300])
    flow = invite.flow
    await until(lambda: flow.connection._framer.unfinished)
    await site.follow(["a0"], ["a0x1"], [0])
    assert not taken(site, "a0x1")
    phone.send(options[300:])
    transaction = await site.users["a0x1"].requests.get()
    assert transaction.request.body == b"x" * 1000
    assert (await phone.message()).cseq.method == "OPTIONS"
    moved = transaction.flow
    assert (moved.identifier, moved.remote, moved.listener) == (flow.identifier, flow.remote, 0)
    assert moved.owed == 1
    phone.send(request("CANCEL", via=PHONE))
    cancel, cancelled = await site.users["a0"].cancels.get()
    assert cancelled is invite
    cancel.respond(cancel.request.respond(200, toTag="t"))
    assert (await phone.message()).cseq.method == "CANCEL"
    invite.respond(invite.request.respond(487, toTag="t"))
    assert (await phone.message()).status == 487
    assert moved.owed == 0
    assert phone.open


@ensureDeferred
async def test_messagesKeepTheirOrder(site: Site) -> None:
    """What comes over a connection while it moves is read once, in order."""
    endpoint = site.bind("TCP")
    site.worker("a0", [0])
    phone = await site.tcpPeer(endpoint)
    for number in range(400):
        if number == 200:
            await site.users["a0"].requests.get()
            await site.follow(["a0"], ["a0x1"], [0])
        phone.send(
            request("OPTIONS", via=PHONE, branch=f"z9hG4bKn{number}", cseq=number + 1, body="b")
        )
    for number in range(400):
        assert (await phone.message()).cseq.number == number + 1
    shown = [*taken(site, "a0"), *taken(site, "a0x1")]
    assert [one.request.cseq.number for one in shown] == list(range(2, 401))
    assert taken(site, "a0x1")


@ensureDeferred
async def test_unwrittenMoves(site: Site) -> None:
    """What a slow peer has not taken yet is written by the successor, or, if that is much, by the
    old worker, which keeps the connection then."""
    endpoint = site.bind("TCP")
    site.worker("a0", [0])
    little, much = await site.tcpPeer(endpoint), await site.tcpPeer(endpoint)
    sizes = {little: 0, much: 0}
    for phone, wanted in ((little, 50_000), (much, 500_000)):
        phone.transport.pauseProducing()  # type: ignore[union-attr]
        phone.send(request("OPTIONS", via=PHONE, branch=f"z9hG4bK{phone.port}"))
        flow = (await site.users["a0"].requests.get()).flow
        line = made("MESSAGE", body=b"m" * 5000).toBytes()

        def waiting(flow: Any = flow) -> int:
            transport = flow.connection.transport
            return len(transport.dataBuffer) - transport.offset + transport._tempDataLen

        while waiting() < wanted:
            flow.send(line)
            sizes[phone] += 1
            flow.connection.transport.doWrite()
    await site.follow(["a0"], ["a0x1"], [0])
    held = [flow.holder for flow in site.workers["a0"].driver.streams.index.all.values()]
    assert held == ["a0x1", ""]
    assert site.workers["a0"].driver.streams.lingers
    for phone, count in sizes.items():
        phone.transport.resumeProducing()  # type: ignore[union-attr]
        assert isinstance(await phone.message(), Response)
        for _ in range(count):
            assert isinstance(await phone.message(), Request)


@ensureDeferred
async def test_flowToken(site: Site) -> None:
    """A phone that has registered over a connection is called by the token it got: by workers
    of both generations and by others, and after the old worker has left."""
    endpoint = site.bind("TCP")
    site.worker("u0", [])
    site.worker("a0", [0])
    phone = await site.tcpPeer(endpoint)
    phone.send(request("REGISTER", via=PHONE))
    token = (await site.users["a0"].requests.get()).flow.token
    await phone.message()
    await site.follow(["a0"], ["a0x1"], [0])

    async def call(code: str) -> None:
        outcome = Outcome()
        site.workers[code].sender.request(made("MESSAGE"), hop("sip:bob@x.invalid", token), outcome)
        received = await phone.message()
        phone.send(received.respond(200, toTag="t").toBytes())
        assert (await outcome.responses.get()).status == 200

    for code in ("a0", "a0x1", "u0"):
        await call(code)
    await site.leave("a0", heir="a0x1")
    await call("u0")
    await call("a0x1")
    await phone.close()
    outcome = Outcome()
    await until(lambda: not site.workers["a0x1"].driver.streams.index.all)
    site.workers["u0"].sender.request(made("MESSAGE"), hop("sip:bob@x.invalid", token), outcome)
    assert (await outcome.failures.get())[0] in (430, 503)


@ensureDeferred
async def test_sentBeforeTheMove(site: Site) -> None:
    """If a moved connection breaks, who has sent a request over it in the old worker is told."""
    endpoint = site.bind("TCP")
    site.worker("a0", [0])
    phone = await site.tcpPeer(endpoint)
    phone.send(request("REGISTER", via=PHONE))
    token = (await site.users["a0"].requests.get()).flow.token
    await phone.message()
    before, after = Outcome(), Outcome()
    sender = site.workers["a0"].sender
    sender.request(made("MESSAGE"), hop("sip:bob@x.invalid", token), before)
    await phone.message()
    await site.follow(["a0"], ["a0x1"], [0])
    sender.request(made("INFO"), hop("sip:bob@x.invalid", token), after)
    await phone.message()
    await phone.close()
    for outcome in (before, after):
        assert (await outcome.failures.get())[0] in (430, 503)


@ensureDeferred
async def test_outgoingConnection(site: Site) -> None:
    """A connection to a server moves, and is used on instead of another one."""
    site.bind("TCP")
    site.worker("a0", [0])
    server = site.tcpServer()
    uri = f"sip:{LOOPBACK}:{server.port};transport=tcp"
    first, second = Outcome(), Outcome()
    site.workers["a0"].sender.request(made("OPTIONS"), hop(uri), first)
    peer = await server.connection()
    asked = await peer.message()
    await site.follow(["a0"], ["a0x1"], [0])
    peer.send(asked.respond(200, toTag="t").toBytes())
    assert (await first.responses.get()).status == 200
    site.workers["a0x1"].sender.request(made("INFO"), hop(uri), second)
    peer.send((await peer.message()).respond(202, toTag="t").toBytes())
    assert (await second.responses.get()).status == 202
    assert len(server.peers) == 1


@ensureDeferred
async def test_threeGenerations(site: Site) -> None:
    """A worker takes the place of one that has just taken that of another: what is at the first
    is reached from the third."""
    udp, tcp = site.bind("UDP"), site.bind("TCP")
    # With these, no 100 comes in between on a slow machine.
    site.worker("a0", [0, 1], timers=TimerSettings())
    site.users["a0"].answer = None
    phone, other = await site.tcpPeer(tcp), site.udpPeer()
    phone.send(request("INVITE", via=PHONE))
    first = await site.users["a0"].requests.get()
    token = first.flow.token
    other.send(request("MESSAGE", branch="z9hG4bKudp"), udp)
    second = await site.users["a0"].requests.get()
    generations = ["a0", "a0x1", "a0x2", "a0x3"]
    for old, new in pairwise(generations):
        await site.follow([old], [new], [0, 1])
    other.send(request("MESSAGE", branch="z9hG4bKudp"), udp)
    await until(lambda: site.workers["a0"].driver.layer.absorbed)
    second.respond(second.request.respond(200, toTag="t"))
    assert (await other.message()).status == 200
    phone.send(request("CANCEL", via=PHONE))
    cancel, cancelled = await site.users["a0"].cancels.get()
    assert cancelled is first
    cancel.respond(cancel.request.respond(200, toTag="t"))
    assert (await phone.message()).cseq.method == "CANCEL"
    first.respond(first.request.respond(487, toTag="t"))
    assert (await phone.message()).status == 487
    for old, new in pairwise(generations):
        await site.leave(old, heir=new)
    site.worker("u0", [])
    outcome = Outcome()
    site.workers["u0"].sender.request(made("INFO"), hop("sip:bob@x.invalid", token), outcome)
    phone.send((await phone.message()).respond(200, toTag="t").toBytes())
    assert (await outcome.responses.get()).status == 200
    driver = site.workers["a0x3"].driver
    assert driver.neighbours.predecessors is not None
    await until(lambda: driver.neighbours.predecessors is None)
    other.send(request("MESSAGE", branch="z9hG4bKudp"), udp)
    await site.users["a0x3"].requests.get()


@ensureDeferred
async def test_moreSlots(site: Site) -> None:
    """What waits in a socket when the number of slots changes goes to who owns it now."""
    endpoint = site.bind("UDP")
    site.worker("a0", [0])
    phone = site.udpPeer()
    site.sockets[0].append(bound(socket.SOCK_DGRAM, LOOPBACK, endpoint.port))
    for number in range(40):
        branch, callID = f"z9hG4bKn{number}", f"call-{number}@client"
        phone.send(request("OPTIONS", branch=branch, callID=callID), endpoint)
    await site.follow(["a0"], ["a0x1", "a1x1"], [0])
    calls = {(await phone.message()).callID for _ in range(40)}
    assert len(calls) == 40
    sent = {one.request.callID for code in ("a0x1", "a1x1") for one in taken(site, code)}
    for number in range(40):
        branch, callID = f"z9hG4bKm{number}", f"call-{number}@client"
        phone.send(request("INFO", branch=branch, callID=callID), endpoint)
    for _ in range(40):
        await phone.message()
    for code in ("a0x1", "a1x1"):
        one = [each.request for each in taken(site, code)]
        asked = {each.callID for each in one if each.method == "OPTIONS"}
        assert asked <= {each.callID for each in one if each.method == "INFO"}
    assert sent


@ensureDeferred
async def test_fewerSlots(site: Site) -> None:
    """The connections of a slot that is no more go to one that is."""
    endpoint = site.bind("TCP", slots=2)
    for slot, code in enumerate(("a0", "a1")):
        site.worker(code, [0], slot, ("a0", "a1"))
    phones = [await site.tcpPeer(endpoint) for _ in range(12)]
    for number, phone in enumerate(phones):
        phone.send(request("OPTIONS", via=PHONE, branch=f"z9hG4bKn{number}"))
        await phone.message()
    counts = [site.workers[code].driver.streams.accepted for code in ("a0", "a1")]
    assert sum(counts) == 12
    await site.follow(["a0", "a1"], ["a0x1"], [0])
    site.sockets[0].pop().close()
    await site.leave("a0", heir="a0x1")
    await site.leave("a1", heir="a0x1")
    for number, phone in enumerate(phones):
        phone.send(request("OPTIONS", via=PHONE, branch=f"z9hG4bKm{number}"))
        assert (await phone.message()).status == 200
    assert len(site.workers["a0x1"].driver.streams.index.all) == 12


@ensureDeferred
async def test_deadPredecessor(site: Site) -> None:
    """What belonged to a worker that is gone is new to the one that follows."""
    endpoint = site.bind("UDP")
    site.worker("a0", [0])
    site.users["a0"].answer = None
    phone = site.udpPeer()
    phone.send(request("OPTIONS"), endpoint)
    await site.users["a0"].requests.get()
    await site.follow(["a0"], ["a0x1"], [0])
    await site.leave("a0")
    phone.send(request("OPTIONS"), endpoint)
    await site.users["a0x1"].requests.get()
    assert (await phone.message()).status == 200
    driver = site.workers["a0x1"].driver
    await until(lambda: driver.neighbours.predecessors is None)


@ensureDeferred
async def test_deadSuccessor(site: Site) -> None:
    """A worker that takes the place of one that has died learns whose the transactions are from
    those of earlier generations that are still there, before it reads anything else."""
    endpoint = site.bind("UDP")
    site.worker("a0", [0])
    site.users["a0"].answer = None
    phone = site.udpPeer()
    phone.send(request("INVITE", branch="z9hG4bKold"), endpoint)
    oldest = await site.users["a0"].requests.get()
    await site.follow(["a0"], ["a0x1"], [0])
    site.users["a0x1"].answer = None
    phone.send(request("INVITE", branch="z9hG4bKlater"), endpoint)
    later = await site.users["a0x1"].requests.get()
    await site.follow(["a0x1"], ["a0x2"], [0])
    await site.leave("a0x2")
    phone.send(request("INVITE", branch="z9hG4bKold"), endpoint)
    phone.send(request("INVITE", branch="z9hG4bKlater"), endpoint)
    phone.send(request("INVITE", branch="z9hG4bKnew"), endpoint)
    driver = site.worker("a0x2", [0], siblings=["a0x2"]).driver
    new = await site.users["a0x2"].requests.get()
    assert new.request.via.branch == "z9hG4bKnew"
    for code in ("a0", "a0x1"):
        await until(lambda code=code: site.workers[code].driver.layer.absorbed)
    assert not taken(site, "a0x2")
    for transaction in (oldest, later):
        transaction.respond(transaction.request.respond(486, toTag="t"))
    for code in ("a0x1", "a0"):
        await site.leave(code, heir="a0x2")
    await until(lambda: driver.neighbours.predecessors is None)


@ensureDeferred
async def test_silentPredecessor(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not answer does not keep the others waiting for long; one that has handed
    nothing over is none."""
    monkeypatch.setattr(neighboursModule, "_ANSWER_TIME", 0.05)
    endpoint = site.bind("UDP")
    site.addWorkers("a0", "dead")
    site.worker("b0", [])
    driver = site.worker("a0", [0], siblings=["a0"]).driver
    assert driver.neighbours.predecessors is not None
    phone = site.udpPeer()
    phone.send(request("OPTIONS"), endpoint)
    assert (await phone.message()).status == 200
    assert driver.neighbours.predecessors is None


@ensureDeferred
async def test_noSuccessorThere(site: Site) -> None:
    """A worker whose successors are dead keeps nobody waiting: its connections are closed."""
    endpoint = site.bind("TCP")
    site.worker("a0", [0])
    phone = await site.tcpPeer(endpoint)
    phone.send(request("OPTIONS", via=PHONE))
    await phone.message()
    await site.workers["a0"].driver.handOver(["a0x1"])
    await phone.lost
    assert not site.workers["a0"].driver.streams.index.all


@ensureDeferred
async def test_secureConnectionStays(site: Site, authority: CertificateAuthority) -> None:
    """A TLS connection stays where it is; what is new on it is the successors', until the peer
    closes it or the time is over."""
    certificate, key = map(str, authority.issue("sip.example.test", LOOPBACK))
    root = Certificate.loadPEM(authority.file.read_bytes())
    client = optionsForClientTLS("sip.example.test", trustRootFromCertificates([root]))
    endpoint = site.bind("TLS")
    site.worker("a0", [0], tls=ServerTLS([(certificate, key)]))
    phone = await site.tcpPeer(endpoint, client)
    phone.send(request("REGISTER", via="TLS phone.invalid"))
    await phone.message()
    await site.follow(["a0"], ["a0x1"], [])
    phone.send(request("OPTIONS", via="TLS phone.invalid", branch="z9hG4bKlater"))
    transaction = await site.users["a0x1"].requests.get()
    assert (transaction.flow.transport, transaction.flow.listener) == ("TLS", 0)
    assert (await phone.message()).status == 200
    driver = site.workers["a0"].driver
    drained = driver.drain(20)
    await until(lambda: driver.streams.lingers)
    assert not drained.called
    await phone.close()
    assert await drained

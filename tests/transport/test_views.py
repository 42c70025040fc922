"""What a worker tells of its transactions and connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sipapp.transport.limits import StreamLimits
from sipapp.transport.listing import find, place, shown
from sipapp.transport.webviews import answerAboutWebConnections
from tests.transport.webstage import GET, Late, Web
from tests.transport.workers import LOOPBACK, Outcome, Site, hop, made, request, until


class Asked:
    """Takes what answers questions, and asks.

    @ivar answers: by question.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Callable[..., Any]] = {}

    def add(self, question: str, answer: Callable[..., Any]) -> None:
        self.answers[question] = answer

    async def connections(self, **wanted: Any) -> Any:
        return await self.answers["connections"](limit=wanted.pop("limit", 10), **wanted)

    async def transactions(self, **wanted: Any) -> Any:
        return await self.answers["transactions"](limit=wanted.pop("limit", 10), **wanted)


def asking(transport: Any) -> Asked:
    asked = Asked()
    transport.addTo(asked)
    return asked


# Looking through many.


def test_aFewAtATime() -> None:
    """What comes meanwhile does not wait until all have been looked at."""
    clock = Clock()
    looked: list[int] = []

    def isOdd(number: int) -> bool:
        looked.append(number)
        return number % 2 == 1

    found: list[Any] = []
    finding = Deferred.fromCoroutine(find(clock, range(1000), isOdd, str, 3))
    finding.addCallback(found.append)
    meanwhile: list[int] = []
    clock.callLater(0, lambda: meanwhile.append(len(looked)))
    clock.advance(0)
    assert meanwhile == [200]
    assert (found[0].rows, found[0].matching) == (["1", "3", "5"], 500)


def test_nothing() -> None:
    finding = Deferred.fromCoroutine(find(Clock(), (), bool, str, 3))
    found: list[Any] = []
    finding.addCallback(found.append)
    assert (found[0].rows, found[0].matching) == ([], 0)


def test_shown() -> None:
    assert shown("sip:alice@example.com") == "sip:alice@example.com"
    assert shown("é\udcff") == "é\\xff"
    assert len(shown("x" * 500)) == 200
    assert (place("192.0.2.1", 5060), place("2001:db8::1", 1)) == (
        "192.0.2.1:5060",
        "[2001:db8::1]:1",
    )


# Transactions.


@ensureDeferred
async def test_transactions(site: Site) -> None:
    udp = site.bind("UDP")
    worker = site.worker("w1", [0])
    asked = asking(worker)
    site.users["w1"].answer = None
    phone = site.udpPeer()
    for number, method in enumerate(("INVITE", "MESSAGE", "MESSAGE")):
        phone.send(request(method, via="UDP a", branch=f"z9hG4bK{number}"), udp)
    received = site.users["w1"].requests
    invite, *_ = [await received.get() for _ in range(3)]
    invite.respond(invite.request.respond(180, toTag="t"))
    server = site.udpPeer()
    worker.sender.request(made("OPTIONS"), hop(f"sip:{LOOPBACK}:{server.port}"), Outcome())
    await server.message()

    found = await asked.transactions()
    assert found.matching == 4
    assert [(row.side, row.method, row.state) for row in found.rows] == [
        ("server", "INVITE", "Proceeding"),
        ("server", "MESSAGE", "Trying"),
        ("server", "MESSAGE", "Trying"),
        ("client", "OPTIONS", "Trying"),
    ]
    ringing, *_, sent = found.rows
    assert (ringing.status, ringing.transport) == (180, "UDP")
    assert ringing.peer == f"{LOOPBACK}:{phone.port}"
    assert ringing.callID == invite.request.callID
    assert ringing.caller == str(invite.request.fromHeader.uri)
    assert ringing.callee == str(invite.request.to.uri)
    assert 0 <= ringing.seconds < 60
    assert sent.peer == f"{LOOPBACK}:{server.port}"
    assert 0 <= sent.seconds < 60

    for wanted, count in (
        ({"method": "message"}, 2),
        ({"state": "proceeding"}, 1),
        ({"method": "MESSAGE", "state": "Proceeding"}, 0),
        ({"callID": invite.request.callID, "method": "INVITE"}, 1),
        ({"callID": invite.request.callID.upper() + "x"}, 0),
    ):
        assert (await asked.transactions(**wanted)).matching == count, wanted
    few = await asked.transactions(limit=1)
    assert (len(few.rows), few.matching) == (1, 4)


@ensureDeferred
async def test_malformedFields(site: Site) -> None:
    """What cannot be read is not shown, and the rest is."""
    udp = site.bind("UDP")
    worker = site.worker("w1", [0])
    site.users["w1"].answer = None
    phone = site.udpPeer()
    phone.send(request("MESSAGE", via="UDP a", branch="z9hG4bK1"), udp)
    transaction = await site.users["w1"].requests.get()
    transaction.request.set("From", "<<nobody")
    (row,) = (await asking(worker).transactions()).rows
    assert (row.caller, row.method) == ("", "MESSAGE")


# Connections.


@ensureDeferred
async def test_connections(site: Site) -> None:
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0])
    asked = asking(worker)
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via="TCP a"))
    await phone.message()
    server = site.tcpServer()
    to = hop(f"sip:{LOOPBACK}:{server.port};transport=tcp")
    worker.sender.request(made("OPTIONS"), to, Outcome())
    await server.connection()
    flows = worker.driver.streams.index.all
    await until(lambda: len(flows) == 2 and all(each.connection for each in flows.values()))

    found = await asked.connections()
    assert found.matching == 2
    inbound = next(row for row in found.rows if not row.outgoing)
    outgoing = next(row for row in found.rows if row.outgoing)
    assert inbound.listener == f"tcp:{LOOPBACK}:{tcp.port}"
    assert outgoing.peer == f"{LOOPBACK}:{server.port}"
    for row in found.rows:
        assert (row.transport, row.state, row.owed) == ("TCP", "open", 0)
        assert 0 <= row.idle < 60
        assert row.domains == ()

    for wanted, count in (
        ({"transport": "tcp"}, 2),
        ({"transport": "tls"}, 0),
        ({"address": "127.0.0.0/8"}, 2),
        ({"address": "192.0.2.1"}, 0),
        ({"state": "Open"}, 2),
        ({"state": "ending"}, 0),
    ):
        assert (await asked.connections(**wanted)).matching == count, wanted

    close = asked.answers["closeConnection"]
    assert close(connection=inbound.connection, atOnce=False)
    await phone.lost
    await until(lambda: len(worker.driver.streams.index.all) == 1)
    assert not close(connection=inbound.connection, atOnce=False)
    assert close(connection=outgoing.connection, atOnce=True)
    await until(lambda: not worker.driver.streams.index.all)
    assert (await asked.connections()).matching == 0


@ensureDeferred
async def test_opening(site: Site) -> None:
    """One that the peer has not accepted yet."""
    site.bind("TCP")
    worker = site.worker("w1", [0])
    streams = worker.driver.streams
    asked = asking(worker)
    server = site.tcpServer()
    flow = streams.connect("TCP", LOOPBACK, server.port)
    (row,) = (await asked.connections()).rows
    assert (row.state, row.outgoing, row.idle) == ("opening", True, None)
    assert not asked.answers["closeConnection"](connection=row.connection, atOnce=True)
    await until(lambda: flow.connection is not None)
    (row,) = (await asked.connections()).rows
    assert row.state == "open"


@ensureDeferred
async def test_ending(site: Site) -> None:
    """One whose peer sends no more, but waits for an answer."""
    tcp = site.bind("TCP")
    worker = site.worker("w1", [0])
    site.users["w1"].answer = None
    phone = await site.tcpPeer(tcp)
    phone.send(request("MESSAGE", via="TCP a"))
    await site.users["w1"].requests.get()
    transport: Any = phone.transport
    transport.loseWriteConnection()
    streams = worker.driver.streams
    await until(lambda: any(each.ending for each in streams.connections))
    (row,) = (await asking(worker).connections(state="ending")).rows
    assert (row.owed, row.state) == (1, "ending")


# HTTP.


@ensureDeferred
async def test_webConnections(web: Web) -> None:
    late = Late()
    endpoint = web.serve(StreamLimits(), late)
    busy, quiet = [await web.client(endpoint) for _ in range(2)]
    busy.peer.send(GET)
    await until(lambda: late.waiting and len(web.site.channels) == 2)
    asked = Asked()
    answerAboutWebConnections(asked, web.site.reactor, {"http:127.0.0.1:80": web.site}, "h0")
    found = await asked.connections()
    assert found.matching == 2
    assert {(row.transport, row.listener) for row in found.rows} == {("HTTP", "http:127.0.0.1:80")}
    assert {row.state for row in found.rows} == {"open"}
    assert sorted(row.owed for row in found.rows) == [0, 1]
    assert len({row.peer for row in found.rows}) == 2
    assert (await asked.connections(transport="https")).matching == 0
    close = asked.answers["closeConnection"]
    for row in found.rows:
        assert close(connection=row.connection, atOnce=False)
    for client in (busy, quiet):
        await client.peer.lost
    assert not close(connection=found.rows[0].connection, atOnce=False)
    assert not close(connection="h0.http.ffffff", atOnce=True)


@pytest.mark.parametrize("address", ["somewhere", "192.0.2.1/40"])
@ensureDeferred
async def test_noNetwork(site: Site, address: str) -> None:
    site.bind("TCP")
    with pytest.raises(ValueError, match=address.partition("/")[0]):
        await asking(site.worker("w1", [0])).connections(address=address)

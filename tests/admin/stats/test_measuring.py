"""What workers tell: a real transport and a real site, and every number by a name that is known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from pytest_twisted import async_yield_fixture, ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, execute, fail
from zope.interface import implementer

from sipapp.admin.stats.catalogue import METRICS, WORKER
from sipapp.admin.stats.measuring import Measuring
from sipapp.admin.stats.workerstats import Labels, WorkerStats
from sipapp.config import ResolvedListener
from sipapp.interfaces import ICallRecords
from sipapp.pool import Unanswered
from sipapp.resources.calls import CallRecord, CallRecords
from sipapp.resources.sip import Dispatch, SIPResource
from sipapp.transaction import Identifiers, ServerTransaction
from sipapp.transport.locate import makeLocator
from tests.admin.stats.stage import plan
from tests.transport.webstage import GET, Web
from tests.transport.workers import Site, request, until


class Refusing(SIPResource):
    """Takes a MESSAGE, fails on an INFO, and counts what it is offered."""

    methods = frozenset({"MESSAGE", "INFO"})

    def __init__(self) -> None:
        self.offered = 0

    @property
    def tallies(self) -> dict[str, int]:
        return {"offered": self.offered, "never": 0}

    def offer(self, transaction: ServerTransaction) -> Any:
        self.offered += 1
        if transaction.request.method == "MESSAGE":
            return transaction.request.respond(603)
        if transaction.request.method == "INFO":
            raise LookupError("the drawer is empty")
        return None


@implementer(ICallRecords)
class Ledger:
    """Has room for everything."""

    def start(self) -> None:
        pass

    def write(self, records: Sequence[CallRecord]) -> None:
        pass

    def stop(self) -> None:
        pass


class Measured:
    """A worker of both kinds, which there is not in a server, and what it tells."""

    def __init__(self, directory: Path) -> None:
        self.site = Site(directory)
        self.web = Web()
        self.udp, self.http = plan().listeners
        self.measuring = Measuring(reactor, lambda: 0.0, (self.udp, self.http))
        self.measuring.start()

    def serveSIP(self) -> None:
        self.endpoint = self.site.bind("UDP")
        self.transport = self.site.worker("w0", [0])
        resource = Refusing()
        dispatch = Dispatch({0: [resource]}, Identifiers(b"secret", "w0"))
        self.transport.driver.layer.user = dispatch
        locator, client = makeLocator(reactor, ["127.0.0.1"])
        self.site.after(client.stop)
        self.measuring.readSIP(self.transport, dispatch, locator)
        self.measuring.addResource(self.udp, "refusing", resource)

    def serveWeb(self) -> Any:
        endpoint = self.web.serve()
        self.web.site.counters.names = {b"page": "page"}
        self.measuring.readWeb({self.http.name: self.web.site}, self.web.log)
        return endpoint

    def told(self) -> WorkerStats:
        """All of it, over the wire."""
        return msgspec.json.decode(msgspec.json.encode(self.measuring.stats()), type=WorkerStats)


@async_yield_fixture
async def measured(tmp_path: Path) -> AsyncIterator[Measured]:
    made = Measured(tmp_path)
    yield made
    await made.measuring.end(lambda subject, body: fail(Unanswered("has gone")))
    await made.web.stop()
    await made.site.stop()


def values(stats: WorkerStats, name: str) -> dict[Labels, float]:
    return dict(stats.numbers.get(name, ()))


def assertKnown(stats: WorkerStats) -> set[str]:
    """Every number has a name and labels that are in the catalogue: others would be left out.

    @return: the names.
    """
    lengths = {name: len(labels) for name, [(labels, _), *_] in stats.numbers.items()}
    lengths |= {name: len(labels) for name, [(labels, _), *_] in stats.spreads.items()}
    assert lengths == {name: len(METRICS[name].labels) - 2 for name in lengths}
    assert all(METRICS[name].kind == "histogram" for name in stats.spreads)
    assert all(METRICS[name].kind != "histogram" for name in stats.numbers)
    return set(lengths)


@ensureDeferred
async def test_sip(measured: Measured) -> None:
    measured.serveSIP()
    phone = measured.site.udpPeer()
    for number, (method, status) in enumerate((("MESSAGE", 603), ("INFO", 500), ("JUMP", 405))):
        phone.send(request(method, branch=f"z9hG4bK{number}"), measured.endpoint)
        assert (await phone.message()).status == status
    phone.send(b"\r\n\r\n", measured.endpoint)
    phone.send(request("MESSAGE", branch="z9hG4bK0"), measured.endpoint)
    assert (await phone.message()).status == 603
    name = measured.udp.name
    stats = measured.told()
    assert values(stats, "requests_received") == {
        (name, "MESSAGE"): 2,
        (name, "INFO"): 1,
        (name, "other"): 1,
    }
    assert values(stats, "responses_sent") == {
        ("MESSAGE", "603"): 1,
        ("INFO", "500"): 1,
        ("other", "405"): 1,
    }
    assert values(stats, "requests_taken") == {(name, "refusing"): 1}
    assert values(stats, "requests_failed") == {(name, "refusing"): 1}
    # What has not happened is left out.
    assert values(stats, "resource_events") == {(name, "refusing", "offered"): 3}
    assert values(stats, "keep_alives") == {(name,): 1}
    assert values(stats, "retransmissions_received") == {(): 1}
    assert values(stats, "retransmissions_sent") == {(): 1}
    assert {labels for labels, _ in stats.spreads["answer_seconds"]} == {
        ("MESSAGE",),
        ("INFO",),
        ("other",),
    }
    assertKnown(stats)


@ensureDeferred
async def test_web(measured: Measured) -> None:
    client = await measured.web.client(measured.serveWeb())
    client.peer.send(GET)
    assert (await client.answer()).status == 200
    client.peer.send(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.answer()).status == 200
    name = measured.http.name
    stats = measured.told()
    assert values(stats, "connections") == {(name,): 1}
    client.peer.send(b"nonsense\r\n\r\n")
    assert (await client.answer()).status == 400
    stats = measured.told()
    assert values(stats, "web_requests") == {
        (name, "page", "GET", "200"): 1,
        (name, "", "GET", "200"): 1,
        (name, "", "other", "400"): 1,
    }
    assert values(stats, "connections_accepted") == {(name,): 1}
    assert {labels for labels, _ in stats.spreads["web_answer_seconds"]} == {
        (name, "page"),
        (name, ""),
    }
    assertKnown(stats)


@ensureDeferred
async def test_everyMetric(measured: Measured) -> None:
    """Nothing is in the catalogue that nobody tells."""
    measured.serveSIP()
    measured.serveWeb()
    stream = measured.site.bind("TCP")
    worker = measured.site.worker("w1", [1])
    worker.driver.streams.handshakes[1] += 1
    worker.driver.receiver.limitLog.count("backlog")
    worker.driver.receiver.counters.responseCame(200, 7)
    worker.driver.layer.requestsSent["BYE"] += 1
    await measured.site.tcpPeer(stream)
    await until(lambda: len(worker.driver.streams.inbound[1]) == 1)
    phone = measured.site.udpPeer()
    for method in ("MESSAGE", "INFO"):
        phone.send(request(method, branch=f"z9hG4bK{method}"), measured.endpoint)
        await phone.message()
    client = await measured.web.client(measured.serveWeb())
    client.peer.send(GET)
    await client.answer()
    records = CallRecords({"ledger": Ledger()}, reactor, execute)
    measured.measuring.readCalls(records)
    records.note(CallRecord(callID="a", tags=("", "")))
    await records.stop()
    first = measured.told()
    assert values(first, "call_records") == {("ledger", "kept"): 1}
    locator, resolver = makeLocator(reactor, ["127.0.0.1"])
    measured.site.after(resolver.stop)
    idle: Any = SimpleNamespace(answers={}, taken={}, failed={})
    measured.measuring.readSIP(worker, idle, locator)
    second = measured.told()
    assert values(second, "connections")[("outgoing",)] == 0
    # Of an endpoint that is not there, as of connections that were opened here.
    assert values(second, "responses_received") == {("outgoing", "200"): 1}
    assert assertKnown(first) | assertKnown(second) == {metric.name for metric in WORKER}


@ensureDeferred
async def test_lastWords(measured: Measured) -> None:
    """At its end a worker tells the parent, and looks no more."""
    told: list[tuple[str, bytes]] = []

    def tell(subject: str, body: bytes) -> Deferred[None]:
        told.append((subject, body))
        heard: Deferred[None] = Deferred()
        heard.callback(None)
        return heard

    await measured.measuring.end(tell)
    ((subject, body),) = told
    assert subject == "stats"
    assert "cpu_seconds" in msgspec.json.decode(body, type=WorkerStats).numbers


def test_listeners() -> None:
    """The stage has what these tests take from it."""
    assert [isinstance(each, ResolvedListener) for each in plan().listeners] == [True, True]

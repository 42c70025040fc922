"""Who is shown each message, and what."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from sipapp.sip import about
from sipapp.transport.assembly import Transport
from tests.transport.workers import LOOPBACK, Outcome, Site, hop, made, request, until


class Tap:
    """Remembers what it is shown."""

    def __init__(self) -> None:
        self.seen_: list[tuple[bytes, bool, str, tuple[str, int], tuple[str, int]]] = []

    def seen(
        self,
        data: bytes,
        isSent: bool,
        transport: str,
        local: tuple[str, int],
        remote: tuple[str, int],
    ) -> None:
        self.seen_.append((data, isSent, transport, local, remote))


def tapped(worker: Transport) -> Tap:
    tap = Tap()
    worker.driver.tap(tap)
    return tap


@pytest.mark.parametrize("params", [";rport", ""])
@ensureDeferred
async def test_datagrams(site: Site, params: str) -> None:
    """Those that come and those that go, wherever the answer goes."""
    endpoint = site.bind("UDP")
    worker = site.worker("w1", [0])
    tap = tapped(worker)
    peer = site.udpPeer()
    data = request("OPTIONS", params=params)
    worker.driver.receiver.answered = lambda one, flow: (
        not flow.send(one.respond(200, toTag="t").toBytes())
    )
    peer.send(b"\r\n\r\n", endpoint)
    peer.send(data, endpoint)
    await until(lambda: len(tap.seen_) == 2)
    local = (LOOPBACK, endpoint.port)
    assert tap.seen_[0] == (data, False, "UDP", local, (LOOPBACK, peer.port))
    sent, *how = tap.seen_[1]
    assert sent.startswith(b"SIP/2.0 200 ")
    assert how[:3] == [True, "UDP", local]


@ensureDeferred
async def test_nobodyWantsToSee(site: Site) -> None:
    endpoint = site.bind("UDP")
    worker = site.worker("w1", [0])
    tap = tapped(worker)
    worker.driver.tap(None)
    peer = site.udpPeer()
    peer.send(request("OPTIONS"), endpoint)
    await until(lambda: worker.driver.receiver.counters.requests == 1)
    assert tap.seen_ == []


@ensureDeferred
async def test_everyAddress(site: Site) -> None:
    """The address that the peer sees."""
    site.bind("UDP", "0.0.0.0")
    worker = site.worker("w1", [0])
    tap = tapped(worker)
    port = worker.driver.flows.ports[0]
    peer = site.udpPeer()
    port.send(request("OPTIONS"), (LOOPBACK, peer.port))
    assert tap.seen_[0][1:4] == (True, "UDP", (LOOPBACK, port.endpoint.port))


@ensureDeferred
async def test_connections(site: Site) -> None:
    """Messages one by one, however they come; no keep-alives."""
    endpoint = site.bind("TCP")
    worker = site.worker("w1", [0])
    tap = tapped(worker)
    peer = await site.tcpPeer(endpoint)
    data = request("OPTIONS", via="TCP 127.0.0.1:5060")
    peer.send(b"\r\n\r\n" + data + data[:50])
    await until(lambda: len(tap.seen_) >= 1)
    peer.send(data[50:])
    # There is an answer to each.
    await until(lambda: len(tap.seen_) == 4)
    [flow] = worker.driver.streams.index.all.values()
    local, remote = (LOOPBACK, endpoint.port), flow.remote
    received = [each for each in tap.seen_ if not each[1]]
    assert received == [(data, False, "TCP", local, remote)] * 2
    sent = [each for each in tap.seen_ if each[1]]
    assert {each[1:] for each in sent} == {(True, "TCP", local, remote)}
    assert all(each[0].startswith(b"SIP/2.0 200 ") for each in sent)


@ensureDeferred
async def test_whatWaitsForAConnection(site: Site) -> None:
    """It is shown when it leaves, with the port that it leaves from."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    tap = tapped(worker)
    server, outcome = site.tcpServer(), Outcome()
    uri = f"sip:{LOOPBACK}:{server.port};transport=tcp"
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    assert tap.seen_ == []
    await server.connection()
    await until(lambda: len(tap.seen_) == 1)
    [(_, isSent, transport, local, remote)] = tap.seen_
    [flow] = worker.driver.streams.index.all.values()
    connection: Any = flow.connection
    ours = connection.transport.getHost()
    assert (isSent, transport, remote) == (True, "TCP", (LOOPBACK, server.port))
    assert local == (ours.host, ours.port)


@ensureDeferred
async def test_seenOnce(site: Site) -> None:
    """By the worker that has the connection, whoever it is for."""
    tcp = site.bind("TCP")
    site.addWorkers("w1", "w2")
    holder, other = site.worker("w1", [0]), site.worker("w2", [])
    atHolder, atOther = tapped(holder), tapped(other)
    peer = await site.tcpPeer(tcp)
    peer.send(request("OPTIONS", via="TCP 127.0.0.1:5060"))
    await until(lambda: len(atHolder.seen_) == 2)
    [flow] = holder.driver.streams.index.all.values()
    remote = other.driver.flows.fromToken(flow.token)
    assert remote is not None
    remote.send(b"SIP/2.0 603 Decline\r\nContent-Length: 0\r\n\r\n")
    await until(lambda: len(atHolder.seen_) == 3)
    data, isSent, *_ = atHolder.seen_[2]
    assert isSent
    assert data.startswith(b"SIP/2.0 603 ")
    assert atOther.seen_ == []


@ensureDeferred
async def test_whatIsHandled(site: Site) -> None:
    """While a message is handled, the log knows it; not before, and not after."""
    endpoint = site.bind("UDP")
    driver = site.worker("w1", [0]).driver
    known: list[dict[str, str]] = []

    def answered(message: Any, flow: Any) -> bool:
        known.append(driver.turns.about())
        assert known[-1] == about(message)
        return True

    driver.receiver.answered = answered
    peer = site.udpPeer()
    driver.turns.atEnd(lambda: known.append(driver.turns.about()))
    peer.send(request("OPTIONS"), endpoint)
    await until(lambda: len(known) == 2)
    found = next(filter(None, known))
    assert found["method"] == "OPTIONS"
    assert found["source"] == f"{LOOPBACK}:{peer.port}"
    assert driver.turns.about() == {}

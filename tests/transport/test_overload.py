"""Tests of C{sipapp.transport.overload}."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from sipapp.sip import Request
from sipapp.transport.overload import Overload, OverloadRules, queueFill
from tests.transport.workers import LOOPBACK, Site, request, until


class Layer:
    """Says how much is unfinished."""

    pending = 0


class Watch:
    """An overload, and what it watches."""

    def __init__(self, *sockets: socket.socket, rules: OverloadRules | None = None) -> None:
        self.clock = Clock()
        self.layer = Layer()
        layer: Any = self.layer
        self.overload = Overload(
            self.clock, layer, sockets, OverloadRules(transactions=100) if rules is None else rules
        )
        self.overload.start()

    def look(self, times: int = 1, late: float = 0.0) -> bool:
        for _ in range(times):
            self.clock.advance(0.25 + late)
        return self.overload.isActive


def test_transactions() -> None:
    """It takes two looks, and ends when half of it is done."""
    watch = Watch()
    assert not watch.look(10)
    watch.layer.pending = 101
    assert not watch.look()
    watch.layer.pending = 99
    assert not watch.look()
    watch.layer.pending = 101
    assert watch.look(2)
    assert not watch.overload.isSevere
    watch.layer.pending = 51
    assert watch.look(10)
    watch.layer.pending = 50
    assert watch.look()
    assert not watch.look()


def test_inSpiteOfAll() -> None:
    watch = Watch()
    watch.layer.pending = 200
    assert watch.look(2)
    assert watch.overload.isSevere
    watch.layer.pending = 199
    assert watch.look()
    assert not watch.overload.isSevere


def test_lag() -> None:
    watch = Watch()
    assert not watch.look(10, late=0.4)
    assert not watch.look(late=5.0)
    assert not watch.look()
    assert watch.look(2, late=0.6)
    assert watch.look(5, late=0.3)
    assert not watch.look(2, late=0.2)


def fill(sock: socket.socket, part: float) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while queueFill(sock) < part:
            sender.sendto(b"x" * 500, sock.getsockname())


def test_queue() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        watch = Watch(sock)
        assert not watch.look(2)
        fill(sock, 0.3)
        assert not watch.look(2)
        fill(sock, 0.6)
        assert watch.look(2)
        while queueFill(sock):
            sock.recv(500)
        assert not watch.look(2)
    # It is not read any more.
    assert queueFill(sock) == 0.0


def test_nothingIsTooMuch() -> None:
    clock = Clock()
    layer: Any = Layer()
    overload = Overload(clock, layer, (), None)
    overload.start()
    assert not clock.getDelayedCalls()
    overload.stop()


def test_itEnds() -> None:
    watch = Watch()
    watch.overload.start()
    assert len(watch.clock.getDelayedCalls()) == 1
    watch.overload.stop()
    watch.overload.stop()
    assert not watch.clock.getDelayedCalls()


def test_itIsSaidOnce() -> None:
    watch = Watch()
    watch.layer.pending = 150
    with capturedLogs() as logs:
        watch.look(100)
        assert watch.overload.refuse("a") == watch.overload.refuse("a")
        watch.layer.pending = 0
        watch.look(100)
    assert list(map(formatEvent, logs)) == [
        "Falls behind: transactions at 150% of what may be;"
        " new calls and registrations are answered with 503",
        "Has caught up; 2 requests were refused",
    ]
    assert (watch.overload.refused, watch.overload.refusedBefore) == (0, 2)


def test_notEverybodyComesBackAtOnce() -> None:
    watch = Watch(rules=OverloadRules(retryAfter=5))
    assert {watch.overload.refuse(f"call-{number}") for number in range(200)} == set(range(5, 11))


@pytest.fixture
def busy(site: Site) -> Site:
    """A server whose worker has ten transactions too many."""
    site.bind("UDP")
    worker = site.worker("w1", [0], overloadRules=OverloadRules(transactions=10))
    site.users["w1"].answer = None
    worker.driver.receiver.overload.isActive = True
    return site


@ensureDeferred
async def test_whatIsNewIsForAnotherTime(busy: Site) -> None:
    phone = busy.udpPeer()
    for method in ("INVITE", "REGISTER", "OPTIONS", "CANCEL"):
        phone.send(request(method), busy.endpoints[0])
        answer = await phone.message()
        assert answer.status == 503
        assert 5 <= int(answer.get("retry-after")) <= 10
    layer = busy.workers["w1"].driver.layer
    assert (layer.pending, layer.serverCount) == (0, 0)


@ensureDeferred
async def test_weAreThere(busy: Site) -> None:
    """What is answered without a transaction is refused as well, but for OPTIONS: a client that is
    asked for a password now would come again for nothing."""
    phone, receiver = busy.udpPeer(), busy.workers["w1"].driver.receiver

    def answered(request: Request, flow: Any) -> bool:
        flow.send(request.respond(200, toTag="t").toBytes())
        return True

    receiver.answered = answered
    for method, status in (("OPTIONS", 200), ("REGISTER", 503)):
        phone.send(request(method), busy.endpoints[0])
        assert (await phone.message()).status == status


@ensureDeferred
async def test_whatHasBegunGoesOn(busy: Site) -> None:
    phone, user = busy.udpPeer(), busy.users["w1"]
    overload = busy.workers["w1"].driver.receiver.overload
    overload.isActive = False
    phone.send(request("INVITE"), busy.endpoints[0])
    transaction = await user.requests.get()
    transaction.respond(transaction.request.respond(180, toTag="t"))
    assert (await phone.message()).status == 180
    overload.isActive = True
    # The same again, an end to it, something within a dialog, and what ends without an answer.
    phone.send(request("INVITE"), busy.endpoints[0])
    assert (await phone.message()).status == 180
    phone.send(request("CANCEL"), busy.endpoints[0])
    await user.cancels.get()
    phone.send(request("BYE", branch="z9hG4bKbye", toTag="t"), busy.endpoints[0])
    assert (await user.requests.get()).request.method == "BYE"
    phone.send(request("ACK", branch="z9hG4bKack", toTag="t"), busy.endpoints[0])
    assert (await user.acks.get()).method == "ACK"


@ensureDeferred
async def test_claimsAreNotBelievedAtTheWorstOfTimes(busy: Site) -> None:
    phone = busy.udpPeer()
    busy.workers["w1"].driver.receiver.overload.isSevere = True
    phone.send(request("BYE", toTag="made-up"), busy.endpoints[0])
    assert (await phone.message()).status == 503


@ensureDeferred
async def test_memoryIsBounded(site: Site) -> None:
    """Ten times as much as may be: what is too much leaves nothing behind."""
    site.bind("UDP")
    worker = site.worker("w1", [0], overloadRules=OverloadRules(transactions=10))
    site.users["w1"].answer = None
    phone = site.udpPeer()
    layer, overload = worker.driver.layer, worker.driver.receiver.overload
    for number in range(12):
        phone.send(request("INVITE", branch=f"z9hG4bK{number}"), site.endpoints[0])
    await until(lambda: overload.isActive)
    for number in range(100):
        phone.send(request("INVITE", branch=f"z9hG4bKmore{number}"), site.endpoints[0])
    await until(lambda: overload.refused == 100)
    assert layer.pending == layer.serverCount == 12

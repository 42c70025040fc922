"""Tests of C{sipapp.transport.admission} and C{sipapp.transport.scanners}."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.ssl import CertificateOptions
from twisted.logger import capturedLogs, formatEvent

from sipapp.sip import parseMessage
from sipapp.transport import admission as admissionModule
from sipapp.transport.admission import (
    DROP,
    EXPEL,
    LOOK,
    REFUSE,
    WELCOME,
    Admission,
    SourceRules,
)
from sipapp.transport.limits import LimitLog
from sipapp.transport.networks import Networks
from sipapp.transport.scanners import Scanners
from sipapp.transport.tls import ServerTLS
from sipapp.transport.trust import TrustedPeers
from tests.support.certificates import CertificateAuthority
from tests.transport.workers import LOOPBACK, Site, made, request, until

HERE = "192.0.2.1"


class Bans:
    """A ban list to write on."""

    def __init__(self) -> None:
        self.generation = 0
        self.banned: set[str] = set()
        self.muted: set[str] = set()
        self.offences: list[tuple[str, str, bool]] = []
        self.asked = 0

    def isBanned(self, address: str, datagram: bool) -> bool:
        self.asked += 1
        return address in self.banned or (datagram and address in self.muted)

    def offence(self, address: str, kind: str, proven: bool) -> None:
        self.offences.append((address, kind, proven))

    def ban(self, address: str) -> None:
        self.banned.add(address)
        self.generation += 1


class Door:
    """An admission, and the time."""

    def __init__(self, **rules: Any) -> None:
        self.bans = Bans()
        self.now = 1000.0
        self.log = LimitLog(lambda: self.now)
        self.admission = Admission(SourceRules(**rules), self.bans, self.log)

    def judge(self, address: str = HERE, datagram: bool = True, request: bool = True) -> int:
        return self.admission.judge(address, datagram, request, self.now)


def admitted(verdict: int) -> bool:
    return verdict in (WELCOME, LOOK)


def test_rate() -> None:
    door = Door(rate=10.0, burst=5)
    assert [admitted(door.judge()) for _ in range(7)] == [True] * 5 + [False] * 2
    door.now += 0.1
    assert [admitted(door.judge()) for _ in range(2)] == [True, False]
    door.now += 100.0
    assert [admitted(door.judge()) for _ in range(7)] == [True] * 5 + [False] * 2
    assert admitted(door.judge("192.0.2.2"))


def test_noRate() -> None:
    door = Door()
    assert all(admitted(door.judge()) for _ in range(10_000))


def test_oneAnswerInASecond() -> None:
    door = Door(rate=1.0, burst=1)
    door.judge()
    seen = []
    for _ in range(100):
        door.now += 0.005
        seen.append(door.judge())
    assert seen == [REFUSE] + [DROP] * 99
    assert door.admission.pause == 1
    assert Door(rate=0.01, burst=100).admission.pause == 60


def test_responses() -> None:
    """They cost nothing, unless nobody waits for them; but a source that sends too many of those
    is not listened to."""
    door = Door(rate=10.0, burst=5)
    assert [door.judge(request=False) for _ in range(20)] == [WELCOME] * 20
    for _ in range(5):
        door.admission.charge(HERE, door.now)
    assert door.judge(request=False) == DROP
    assert not admitted(door.judge())
    door.now += 0.1
    assert door.judge(request=False) == WELCOME


def test_logging() -> None:
    door = Door(rate=1.0, burst=1)
    with capturedLogs() as logs:
        for _ in range(500):
            door.judge()
    assert [formatEvent(each).split(":")[0] for each in logs] == [
        "Limit requestsPerSecond of this server hit by 192.0.2.1"
    ]
    assert door.log.counts["requestsPerSecond"] == 499


def test_bans() -> None:
    door = Door()
    assert admitted(door.judge())
    door.bans.ban(HERE)
    assert door.judge() == door.judge(datagram=False) == EXPEL
    assert not door.admission.accepts(HERE)
    assert door.admission.accepts("192.0.2.2")
    assert door.log.counts["bans"] == 3
    door.bans.banned.clear()
    door.bans.generation += 1
    assert admitted(door.judge())


def test_bansOfDatagrams() -> None:
    door = Door()
    door.bans.muted.add(HERE)
    assert door.judge() == EXPEL
    assert admitted(door.judge(datagram=False))
    assert door.admission.accepts(HERE)


def test_theBanListIsAskedOnce() -> None:
    door = Door()
    for _ in range(100):
        door.judge()
    assert door.bans.asked == 1


def test_exempt() -> None:
    door = Door(rate=1.0, burst=1, exempt=Networks(["192.0.2.0/24", "2001:db8::5"]))
    for address in (HERE, "2001:db8::5"):
        assert [door.judge(address) for _ in range(50)] == [WELCOME] * 50
    # The neighbour is not.
    assert [admitted(door.judge("2001:db8::6")) for _ in range(2)] == [True, False]
    # An operator can ban whom he likes.
    door.bans.ban(HERE)
    assert door.judge() == EXPEL


def test_oneCustomerIsOneSource() -> None:
    door = Door(rate=1.0, burst=10)
    assert sum(admitted(door.judge(f"2001:db8::{number:x}")) for number in range(100)) == 10
    assert admitted(door.judge("2001:db8:0:1::1"))
    assert all(admitted(door.judge(f"::ffff:192.0.2.{number}")) for number in range(100))
    assert admitted(door.judge("fe80::1%lo"))


def test_memoryIsBounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood from everywhere drives out who is silent, and not who is there."""
    monkeypatch.setattr(admissionModule, "_REMEMBERED", 100)
    door = Door(rate=1.0, burst=1)
    assert admitted(door.judge())
    for number in range(5000):
        door.judge(f"10.0.{number >> 8}.{number & 255}")
        if number % 50 == 0:
            assert not admitted(door.judge())
    known = door.admission._new, door.admission._old
    assert sum(map(len, known)) <= 200


def test_strangersAreLookedAtClosely() -> None:
    door = Door()
    seen = [door.judge() for _ in range(20)]
    assert seen == [LOOK] * 16 + [WELCOME] * 4
    assert door.judge("192.0.2.2", request=False) == WELCOME
    assert door.judge("192.0.2.2") == LOOK


NAMES = ("friendly-scanner", "sipvicious")


@pytest.mark.parametrize(
    ("agent", "caller", "found"),
    [
        ("friendly-scanner", "<sip:a@x>;tag=1", True),
        ("Friendly-Scanner 0.3.4", "<sip:a@x>;tag=1", True),
        ("phone", '"SIPVicious" <sip:100@1.1.1.1>;tag=1', True),
        ("phone", "sipvicious <sip:100@1.1.1.1>;tag=1", True),
        ("phone", "<sip:sipvicious@x>;tag=1", False),
        ("phone", "sip:sipvicious@x;tag=1", False),
        ("phone", '"Alice" <sip:a@x>;tag=1', False),
    ],
)
def test_scanners(agent: str, caller: str, found: bool) -> None:
    message = made("OPTIONS")
    message.set("User-Agent", agent)
    message.set("From", caller)
    assert Scanners(NAMES).sent(message) is found
    assert not Scanners().sent(message)


# With sockets.

SCAN = request("OPTIONS", extra="User-Agent: friendly-scanner\r\n")
RULES = SourceRules(scanners=Scanners(NAMES))


@ensureDeferred
async def test_scannersGetNoAnswer(site: Site) -> None:
    udp, tcp = site.bind("UDP"), site.bind("TCP")
    bans = Bans()
    site.worker("w1", [0, 1], admission=partial(Admission, RULES, bans))
    scanner, phone = await site.tcpPeer(tcp), site.udpPeer()
    scanner.send(request("OPTIONS", branch="z9hG4bKgood", via="TCP x"))
    assert (await scanner.message()).status == 200
    scanner.send(SCAN)
    await scanner.lost
    phone.send(SCAN, udp)
    phone.send(request("OPTIONS", branch="z9hG4bKnext"), udp)
    assert (await phone.message()).via.branch == "z9hG4bKnext"
    assert bans.offences == [(LOOPBACK, "scanner", True), (LOOPBACK, "scanner", False)]


@ensureDeferred
async def test_whoIsBannedIsNotHeard(site: Site) -> None:
    udp, tcp = site.bind("UDP"), site.bind("TCP")
    bans = Bans()
    worker = site.worker("w1", [0, 1], admission=partial(Admission, RULES, bans))
    peer, phone = await site.tcpPeer(tcp), site.udpPeer()
    bans.ban(LOOPBACK)
    peer.send(request("OPTIONS"))
    await peer.lost
    await (await site.tcpPeer(tcp)).lost
    phone.send(request("OPTIONS"), udp)
    counts = worker.driver.receiver.limitLog.counts
    await until(lambda: counts["bans"] == 3)
    assert worker.driver.receiver.counters.requests == 0
    assert worker.driver.streams.accepted == 1


@ensureDeferred
async def test_tooManyRequests(site: Site) -> None:
    """One is answered, the others are dropped; the connection stays, and comes to its end."""
    udp, tcp = site.bind("UDP"), site.bind("TCP")
    rules = SourceRules(rate=0.01, burst=2)
    worker = site.worker("w1", [0, 1], admission=partial(Admission, rules, Bans()))
    phone = site.udpPeer()
    many = [request("OPTIONS", branch=f"z9hG4bK{number}") for number in range(20)]
    for data in many:
        phone.send(data, udp)
    answers = [await phone.message() for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 503]
    assert answers[2].get("retry-after") == "60"
    assert len(answers[2].toBytes()) < 1.5 * len(many[0])
    counts = worker.driver.receiver.limitLog.counts
    await until(lambda: counts["requestsPerSecond"] == 18)
    peer = await site.tcpPeer(tcp)
    peer.send(b"".join(many))
    await until(lambda: counts["requestsPerSecond"] == 38)
    (connection,) = worker.driver.streams.connections
    assert connection.flow.owed == 0
    assert not phone.received.items
    assert worker.driver.receiver.counters.requests == 2


@pytest.mark.parametrize("transport", ["TCP", "TLS"])
@ensureDeferred
async def test_tooMuchIsNotRead(
    site: Site, authority: CertificateAuthority, transport: str
) -> None:
    """What is over the rate would take all of the time if it were read as fast as it comes."""
    isTLS = transport == "TLS"
    certificate, key = authority.issue(LOOPBACK)
    tls = ServerTLS([(str(certificate), str(key))]) if isTLS else None
    endpoint = site.bind(transport)
    rules = SourceRules(rate=0.01, burst=2)
    admission = partial(Admission, rules, Bans())
    worker = site.worker("w1", [0], admission=admission, tls=tls)
    peer = await site.tcpPeer(endpoint, CertificateOptions() if isTLS else None)
    some = b"".join(request("OPTIONS", branch=f"z9hG4bK{number}") for number in range(5))
    peer.send(some)
    counts = worker.driver.receiver.limitLog.counts
    await until(lambda: counts.get("requestsPerSecond") == 3)
    (connection,) = worker.driver.streams.connections
    sock: Any = connection.transport
    if isTLS:
        sock = sock.transport
    every: Any = reactor
    assert sock not in every.getReaders()
    peer.send(some)
    await until(lambda: sock in every.getReaders())
    await until(lambda: counts["requestsPerSecond"] == 8)


@ensureDeferred
async def test_floodsOfKeepAlives(site: Site) -> None:
    """They count as requests do: of those that are too many, none is answered or read."""
    tcp = site.bind("TCP")
    rules, bans = SourceRules(rate=0.01, burst=5), Bans()
    worker = site.worker("w1", [0], admission=partial(Admission, rules, bans))
    peer = await site.tcpPeer(tcp)
    peer.send(b"\r\n\r\n" * 100)
    counts = worker.driver.receiver.limitLog.counts
    await until(lambda: counts.get("requestsPerSecond") == 95)
    (connection,) = worker.driver.streams.connections
    transport: Any = connection.transport
    every: Any = reactor
    assert transport not in every.getReaders()
    await until(lambda: transport in every.getReaders())
    bans.ban(LOOPBACK)
    peer.send(b"\r\n\r\n")
    await peer.lost
    assert peer.raw == b"\r\n" * 5


@ensureDeferred
async def test_floodsOfACK(site: Site) -> None:
    udp = site.bind("UDP")
    rules = SourceRules(rate=0.01, burst=5)
    worker = site.worker("w1", [0], admission=partial(Admission, rules, Bans()))
    phone = site.udpPeer()
    for number in range(100):
        phone.send(request("ACK", branch=f"z9hG4bK{number}", toTag="x"), udp)
    counts = worker.driver.receiver.limitLog.counts
    await until(lambda: counts.get("requestsPerSecond") == 95)
    assert len(site.users["w1"].acks.items) == 5
    assert not phone.received.items


@ensureDeferred
async def test_floodsOfResponses(site: Site) -> None:
    udp = site.bind("UDP")
    rules = SourceRules(rate=0.01, burst=5)
    worker = site.worker("w1", [0], admission=partial(Admission, rules, Bans()))
    phone = site.udpPeer()
    response = parseMessage(request("OPTIONS")).respond(200, toTag="x")  # type: ignore[union-attr]
    for _ in range(100):
        phone.send(response.toBytes(), udp)
    counts = worker.driver.receiver.limitLog.counts
    await until(lambda: counts.get("requestsPerSecond") == 95)
    assert worker.driver.receiver.counters.strays == 5


@ensureDeferred
async def test_responsesThatSomebodyTakes(site: Site) -> None:
    """What was sent without a transaction is answered all the same (RFC 3261 §16.11)."""
    udp = site.bind("UDP")
    rules = SourceRules(rate=0.01, burst=5)
    worker = site.worker("w1", [0], admission=partial(Admission, rules, Bans()))
    receiver = worker.driver.receiver
    receiver.strayResponse = lambda response, flow: True
    phone = site.udpPeer()
    response = parseMessage(request("OPTIONS")).respond(200, toTag="x")  # type: ignore[union-attr]
    for _ in range(100):
        phone.send(response.toBytes(), udp)
    await until(lambda: receiver.counters.strays == 100)
    assert not receiver.limitLog.counts


@ensureDeferred
async def test_trustedPeersMayDoEverything(site: Site) -> None:
    tcp = site.bind("TCP")
    rules = SourceRules(
        rate=0.01, burst=1, scanners=Scanners(NAMES), trusted=TrustedPeers([LOOPBACK])
    )
    site.worker("w1", [0], admission=partial(Admission, rules, Bans()))
    peer = await site.tcpPeer(tcp)
    for number in range(20):
        peer.send(SCAN.replace(b"client1", b"%d" % number))
    assert [(await peer.message()).status for _ in range(20)] == [200] * 20

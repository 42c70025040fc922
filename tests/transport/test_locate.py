"""The whole of it against name servers on the loopback."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.names import dns
from twisted.names.authority import FileAuthority
from twisted.names.server import DNSServerFactory

from sipapp.transport.dnscache import DNSCache
from sipapp.transport.dnsclient import DNSClient, parseNameserver, systemNameservers
from sipapp.transport.hosts import HostsFile
from sipapp.transport.locate import Locator, makeLocator
from sipapp.transport.records import NAPTR, SRV, DNSFailure, Question
from sipapp.transport.target import Address, LocateError, Target

ALL = frozenset({"UDP", "TCP", "TLS"})
LONG = [f"192.0.2.{number}" for number in range(1, 81)]


class Zone(FileAuthority):
    """The authority for example.com."""

    def __init__(self) -> None:
        super().__init__(None)

    def loadFile(self, filename: None) -> None:
        self.soa = (b"example.com", dns.Record_SOA(minimum=11, expire=40, ttl=20))
        self.records = {
            b"example.com": [
                self.soa[1],
                dns.Record_NAPTR(
                    10, 1, b"s", b"SIP+D2T", replacement=b"_sip._tcp.Example.com", ttl=60
                ),
            ],
            b"_sip._tcp.example.com": [
                dns.Record_SRV(2, 0, 5064, b"backup.example.com", ttl=60),
                dns.Record_SRV(1, 0, 5062, b"main.example.com", ttl=60),
            ],
            b"main.example.com": [
                dns.Record_A("192.0.2.1", ttl=30),
                dns.Record_AAAA("2001:db8::1", ttl=30),
            ],
            b"backup.example.com": [dns.Record_A("192.0.2.9", ttl=30)],
            b"alias.example.com": [dns.Record_CNAME(b"main.example.com", ttl=5)],
            b"round.example.com": [dns.Record_CNAME(b"about.example.com", ttl=5)],
            b"about.example.com": [dns.Record_CNAME(b"round.example.com", ttl=5)],
            b"long.example.com": [dns.Record_A(host, ttl=30) for host in LONG],
            b"endless.example.com": [
                dns.Record_A(f"192.0.{number >> 8}.{number & 255}", ttl=30)
                for number in range(1000)
            ],
        }


class Datagrams(dns.DNSDatagramProtocol):
    """Counts the questions, and truncates answers that are too long, as RFC 1035 §4.2.1 asks."""

    def datagramReceived(self, data: bytes, addr: Any) -> None:
        self.controller.asked += 1
        super().datagramReceived(data, addr)

    def writeMessage(self, message: Any, address: Any) -> None:
        message.maxSize = 512
        super().writeMessage(message, address)


class Silent(DatagramProtocol):
    asked = 0

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.asked += 1


class Broken(DatagramProtocol):
    """Answers every question with a server failure."""

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        message = dns.Message()
        message.fromStr(datagram)
        message.answer = 1
        message.rCode = dns.ESERVER
        assert self.transport is not None
        self.transport.write(message.toStr(), addr)


class Surroundings:
    """Name servers, and locators that ask them."""

    def __init__(self) -> None:
        self.cleanUp: list[Callable[[], Any]] = []
        self.now = 1000.0

    def serveUDP(self, protocol: Any) -> int:
        port = reactor.listenUDP(0, protocol, interface="127.0.0.1")
        self.cleanUp.append(port.stopListening)
        return port.getHost().port

    def serve(self) -> tuple[DNSServerFactory, int]:
        """A server on UDP and TCP at the same port."""
        factory = DNSServerFactory(authorities=[Zone()])
        factory.noisy = False
        factory.asked = 0
        while True:
            datagrams = reactor.listenUDP(0, Datagrams(factory), interface="127.0.0.1")
            number = datagrams.getHost().port
            try:
                streams = reactor.listenTCP(number, factory, interface="127.0.0.1")
            except CannotListenError:
                datagrams.stopListening()
            else:
                break
        self.cleanUp += [datagrams.stopListening, streams.stopListening]
        self.cleanUp.append(
            lambda: [each.transport.abortConnection() for each in factory.connections]
        )
        return factory, number

    def client(self, *ports: int, timeout: float = 5.0) -> DNSClient:
        client = DNSClient(reactor, [("127.0.0.1", port) for port in ports], timeout)
        self.cleanUp.append(client.stop)
        return client

    def locator(self, *ports: int, timeout: float = 5.0) -> Locator:
        cache = DNSCache(self.client(*ports, timeout=timeout).ask, lambda: self.now)
        return Locator(cache, HostsFile(lambda: self.now), random=lambda low, high: low)

    async def clean(self) -> None:
        for each in reversed(self.cleanUp):
            await maybeDeferred(each)


def surrounded(
    test: Callable[[Surroundings], Coroutine[Any, Any, None]],
) -> Callable[[], Deferred[None]]:
    @wraps(test)
    def run() -> Deferred[None]:
        async def inside() -> None:
            surroundings = Surroundings()
            try:
                await test(surroundings)
            finally:
                await surroundings.clean()

        return ensureDeferred(inside())

    del run.__wrapped__  # pytest would take its argument for a fixture
    return run


@surrounded
async def test_naptr_srv_and_addresses(world: Surroundings) -> None:
    factory, port = world.serve()
    locator = world.locator(port)
    found = locator.locate(Target("Example.com"), ALL)
    assert isinstance(found, Deferred)
    expected = [
        Address("TCP", "192.0.2.1", 5062),
        Address("TCP", "2001:db8::1", 5062),
        Address("TCP", "192.0.2.9", 5064),
    ]
    assert await found == expected
    assert factory.asked == 6
    # And now from the cache, at once.
    assert locator.locate(Target("example.com"), ALL) == expected
    assert factory.asked == 6
    world.now += 31
    assert await locator.locate(Target("example.com"), ALL) == expected
    assert factory.asked > 6


@surrounded
async def test_questions_at_the_same_time_are_one(world: Surroundings) -> None:
    factory, port = world.serve()
    locator = world.locator(port)
    found = [locator.locate(Target("main.example.com", 5060), ALL) for _ in range(20)]
    for each in found:
        assert isinstance(each, Deferred)
        assert [address.host for address in await each] == ["192.0.2.1", "2001:db8::1"]
    assert factory.asked == 2


@surrounded
async def test_a_name_that_does_not_exist_is_remembered(world: Surroundings) -> None:
    factory, port = world.serve()
    locator = world.locator(port)
    target = Target("nobody.example.com", 5060)
    with pytest.raises(LocateError, match=r"no address found for nobody\.example\.com"):
        await locator.locate(target, ALL)
    assert factory.asked == 2
    with pytest.raises(LocateError):
        locator.locate(target, ALL)
    assert factory.asked == 2
    world.now += 31
    again = locator.locate(target, ALL)
    assert isinstance(again, Deferred)
    with pytest.raises(LocateError):
        await again
    assert factory.asked == 4


@surrounded
async def test_a_record_that_does_not_exist_is_remembered_as_the_soa_says(
    world: Surroundings,
) -> None:
    _, port = world.serve()
    found = await world.client(port).ask(Question("backup.example.com", "AAAA"))
    assert found == ((), 11)


@surrounded
async def test_records_as_values(world: Surroundings) -> None:
    _, port = world.serve()
    client = world.client(port)
    assert await client.ask(Question("example.com", "NAPTR")) == (
        [NAPTR(10, 1, "s", "SIP+D2T", "_sip._tcp.example.com")],
        60,
    )
    records, _ = await client.ask(Question("_sip._tcp.example.com", "SRV"))
    assert sorted(records) == [
        SRV(1, 0, 5062, "main.example.com"),
        SRV(2, 0, 5064, "backup.example.com"),
    ]


@surrounded
async def test_a_truncated_answer_comes_over_tcp(world: Surroundings) -> None:
    factory, port = world.serve()
    client = world.client(port)
    found = await client.ask(Question("long.example.com", "A"))
    assert sorted(found.records) == sorted(LONG)
    assert factory.asked == 1
    assert len(factory.connections) == 1


@surrounded
async def test_an_answer_without_end(world: Surroundings) -> None:
    """Who owns a domain does not fill the memory with its records."""
    _, port = world.serve()
    found = await world.client(port).ask(Question("endless.example.com", "A"))
    assert len(found.records) == 100


@surrounded
async def test_an_alias_is_followed(world: Surroundings) -> None:
    """An authority gives the alias alone; its lifetime counts for the whole."""
    _, port = world.serve()
    client = world.client(port)
    assert await client.ask(Question("alias.example.com", "A")) == (["192.0.2.1"], 5)
    assert await client.ask(Question("alias.example.com", "SRV")) == ((), 5)
    with pytest.raises(DNSFailure, match="too many aliases"):
        await client.ask(Question("round.example.com", "A"))


@surrounded
async def test_a_silent_server(world: Surroundings) -> None:
    silent = Silent()
    locator = world.locator(world.serveUDP(silent), timeout=0.02)
    found = locator.locate(Target("example.com"), ALL)
    assert isinstance(found, Deferred)
    with pytest.raises(LocateError, match=r"no name server answered in time for NAPTR of example"):
        await found
    assert silent.asked == 2
    with pytest.raises(LocateError):  # it is left in peace for a moment
        locator.locate(Target("example.com"), ALL)
    assert silent.asked == 2


@surrounded
async def test_the_next_server_is_asked_when_one_is_silent(world: Surroundings) -> None:
    factory, port = world.serve()
    silent = Silent()
    client = world.client(world.serveUDP(silent), port, timeout=0.1)
    found = await client.ask(Question("backup.example.com", "A"))
    assert found.records == ["192.0.2.9"]
    assert silent.asked == 1
    assert factory.asked == 1


@surrounded
async def test_a_server_that_fails(world: Surroundings) -> None:
    locator = world.locator(world.serveUDP(Broken()))
    with pytest.raises(LocateError, match=r"refused to answer for A of example\.com \(code 2\)"):
        await locator.locate(Target("example.com"), ALL)


@surrounded
async def test_what_needs_no_name_server(world: Surroundings) -> None:
    silent = Silent()
    locator = world.locator(world.serveUDP(silent))
    assert locator.locate(Target("192.0.2.1"), ALL) == [Address("UDP", "192.0.2.1", 5060)]
    found = locator.locate(Target("localhost", transport="tcp"), ALL)
    assert isinstance(found, list)
    assert found[0] == Address("TCP", "127.0.0.1", 5060)
    with pytest.raises(LocateError, match=r"no address found for pc33\.invalid"):
        locator.locate(Target("pc33.invalid"), ALL)
    assert silent.asked == 0


@surrounded
async def test_what_is_no_domain_name(world: Surroundings) -> None:
    silent = Silent()
    client = world.client(world.serveUDP(silent))
    for name in ("a..b", "", "x" * 64 + ".example.com", "a." * 127 + "a", "ü.example.com"):
        with pytest.raises(DNSFailure, match="is no domain name"):
            await client.ask(Question(name, "A"))
    assert silent.asked == 0


def test_nameservers(tmp_path: Any) -> None:
    assert parseNameserver("192.0.2.1") == ("192.0.2.1", 53)
    assert parseNameserver("192.0.2.1:5353") == ("192.0.2.1", 5353)
    assert parseNameserver("2001:db8::1") == ("2001:db8::1", 53)
    assert parseNameserver("[2001:db8::1]") == ("2001:db8::1", 53)
    assert parseNameserver("[2001:db8::1]:5353") == ("2001:db8::1", 5353)
    for bad in (
        "",
        "dns.example.com",
        "192.0.2.1:",
        "192.0.2.1:x",
        "192.0.2.1:70000",
        "1.2.3.4:\u0665",
    ):
        with pytest.raises(ValueError, match="is not the address of a name server"):
            parseNameserver(bad)
    path = tmp_path / "resolv.conf"
    path.write_text("search example.com\n\nnameserver 192.0.2.1\nnameserver ::1\nnameserver x\n")
    assert systemNameservers(str(path)) == [("192.0.2.1", 53), ("::1", 53)]
    assert systemNameservers(str(tmp_path / "missing")) == [("127.0.0.1", 53)]


def test_made_from_settings() -> None:
    locator, client = makeLocator(reactor, ["127.0.0.1:5353"])
    assert locator.locate(Target("::1"), ALL) == [Address("UDP", "::1", 5060)]
    client.stop()
    with pytest.raises(ValueError, match="is not the address"):
        makeLocator(reactor, ["nonsense"])

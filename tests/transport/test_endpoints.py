"""L{sipapp.transport.endpoints}: which of our addresses suits a peer, and its name."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from sipapp.transport import endpoints as module
from sipapp.transport.endpoints import Endpoint, Endpoints, probeSource

PUBLIC = Endpoint(0, "UDP", "192.0.2.1", 5060)
MONITOR = Endpoint(1, "UDP", "127.0.0.1", 5060)
SIXTH = Endpoint(2, "UDP", "2001:db8::1", 5060)
NATTED = Endpoint(3, "TCP", "192.0.2.1", 5060, "sip.example.test", 5070)
ANY = Endpoint(4, "TLS", "0.0.0.0", 5061)
SECOND = Endpoint(5, "UDP", "192.0.2.2", 5062)


ALL = (PUBLIC, MONITOR, SIXTH, NATTED, ANY, SECOND)

ROUTES = {
    "198.51.100.7": "192.0.2.1",
    "192.0.2.1": "192.0.2.1",
    "127.0.0.1": "127.0.0.1",
    "2001:db8::9": "2001:db8::1",
}


@pytest.fixture
def every() -> Endpoints:
    return Endpoints(ALL, Clock().seconds, lambda remote: ROUTES.get(remote, ""))


@pytest.mark.parametrize(
    ("transport", "remote", "preferred", "expected"),
    [
        ("UDP", "198.51.100.7", -1, PUBLIC),
        ("UDP", "198.51.100.7", 5, SECOND),
        ("UDP", "198.51.100.7", 1, PUBLIC),
        ("UDP", "203.0.113.9", -1, PUBLIC),
        ("UDP", "127.0.0.1", 0, MONITOR),
        ("UDP", "127.0.0.1", -1, MONITOR),
        ("UDP", "2001:db8::9", 0, SIXTH),
        ("UDP", "::1", -1, SIXTH),
        ("TCP", "198.51.100.7", 0, NATTED),
        ("TLS", "127.0.0.1", 0, ANY),
        ("TLS", "198.51.100.7", 4, ANY),
        ("TCP", "2001:db8::9", -1, None),
        ("SCTP", "198.51.100.7", -1, None),
    ],
)
def test_choose(
    every: Endpoints, transport: str, remote: str, preferred: int, expected: Endpoint | None
) -> None:
    """The one a request came by, if family and loopback fit; otherwise one that does."""
    assert every.choose(transport, remote, preferred) == expected


def test_sentBy(every: Endpoints) -> None:
    """An endpoint is called by its advertised name, its address, or what the peer sees."""
    assert every.sentBy(PUBLIC, "198.51.100.7") == ("192.0.2.1", 5060)
    assert every.sentBy(NATTED, "198.51.100.7") == ("sip.example.test", 5070)
    assert every.sentBy(ANY, "127.0.0.1") == ("127.0.0.1", 5061)
    assert every.sentBy(ANY, "not an address") == ("0.0.0.0", 5061)


def test_isOurs(every: Endpoints) -> None:
    """Addresses and names of endpoints, and for a wildcard every address of the machine."""
    assert every.isOurs("192.0.2.1", 5060)
    assert every.isOurs("sip.example.test", 5070)
    assert every.isOurs("127.0.0.1", 5061)
    assert every.isOurs("192.0.2.1", 5061)
    assert not every.isOurs("192.0.2.1", 5070)
    assert not every.isOurs("sip.example.test", 5060)
    assert not every.isOurs("198.51.100.7", 5061)
    assert not every.isOurs("::1", 5061)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("::ffff:c000:201", 5060),
        ("0.0.0.0", 5060),
        ("0.0.0.0", 5061),
        ("::ffff:0:0", 5061),
        ("127.3.2.1", 5061),
        ("::ffff:7f03:201", 5061),
    ],
)
def test_otherNamesOfOurs(host: str, port: int) -> None:
    """What the kernel brings here is ours, however it is written."""
    every = Endpoints(ALL, Clock().seconds)
    assert every.isOurs(host, port)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("::ffff:c633:6407", 5061),
        ("::ffff:x", 5061),
        ("0.0.0.0", 5070),
        ("::", 5060),
        ("127.3.2.1", 5060),
        ("localhost", 5061),
    ],
)
def test_notOurs(host: str, port: int) -> None:
    """Not even a name that leads here: nobody waits for the DNS."""
    every = Endpoints(ALL, Clock().seconds)
    assert not every.isOurs(host, port)


def test_namesAreNotRemembered() -> None:
    """They may be as long as a message, and each another one."""
    probed: list[str] = []
    every = Endpoints(ALL, Clock().seconds, lambda remote: probed.append(remote) or "192.0.2.1")
    assert not every.isOurs("x" * 8000, 5061)
    assert probed == []
    assert every.isOurs("192.0.2.1", 5061)
    assert probed == ["192.0.2.1"]


def test_probe() -> None:
    """The routing table knows from where loopback is reached, and not from where nothing is. A
    name is not looked up: that would stop the worker until the DNS answers."""
    assert probeSource("127.0.0.1") == "127.0.0.1"
    assert probeSource("::1") == "::1"
    assert probeSource("not an address") == ""
    assert probeSource("localhost") == ""


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The routing table is asked once for a peer, and again after a while or when it is full."""
    asked: list[str] = []

    def probe(remote: str) -> str:
        asked.append(remote)
        return "192.0.2.1"

    monkeypatch.setattr(module, "_REMEMBERED", 3)
    clock = Clock()
    every = Endpoints((ANY,), clock.seconds, probe)
    for _ in range(3):
        assert every.source("198.51.100.7") == "192.0.2.1"
    assert len(asked) == 1
    clock.advance(61)
    every.source("198.51.100.7")
    assert len(asked) == 2
    for number in range(5):
        every.source(f"198.51.100.{number}")
    every.source("198.51.100.7")
    assert len(asked) == 8


def test_lookup(every: Endpoints) -> None:
    """Endpoints are found by index and by a key that depends on the address alone."""
    assert every.get(3) is NATTED
    assert every.get(9) is None
    assert every.byKey(Endpoint(7, "UDP", "192.0.2.1", 5060).key) is PUBLIC
    assert every.byKey("none") is None
    assert every.transports == {"UDP", "TCP", "TLS"}

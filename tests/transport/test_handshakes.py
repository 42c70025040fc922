"""L{sipapp.transport.handshakes}: a few at a time, the newest first."""

from __future__ import annotations

from collections.abc import Callable

from pytest_twisted import ensureDeferred
from twisted.internet.ssl import CertificateOptions

from sipapp.transport.handshakes import Handshakes
from sipapp.transport.tls import ServerTLS
from tests.support.certificates import CertificateAuthority
from tests.transport.workers import LOOPBACK, Site, request, until


class Iterations:
    """A reactor as far as it calls at once: what it is told meanwhile, it does the next time."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def callLater(self, seconds: float, call: Callable[[], object]) -> None:
        assert not seconds
        self.calls.append(call)

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class Connection:
    """One that notes when it is its turn."""

    def __init__(self, number: int, went: list[tuple[int, bytes]]) -> None:
        self.number = number
        self.went = went

    def goOn(self, data: bytes) -> None:
        self.went.append((self.number, data))


def test_inTurn() -> None:
    reactor = Iterations()
    handshakes = Handshakes(reactor)
    went: list[tuple[int, bytes]] = []
    connections = [Connection(number, went) for number in range(20)]
    assert [handshakes.mayGoOn() for _ in connections] == [True] * 4 + [False] * 16
    for connection in connections[4:]:
        handshakes.wait(connection, b"%d" % connection.number)
    reactor.turn()
    assert went == [(number, b"%d" % number) for number in (19, 18, 17, 16)]
    # Who comes now has to wait as well, but not for long.
    assert not handshakes.mayGoOn()
    handshakes.wait(connections[0], b"again")
    handshakes.forget(connections[14])
    handshakes.forget(connections[14])
    reactor.turn()
    assert [number for number, _ in went[4:]] == [0, 15, 13, 12]
    for _ in range(3):
        reactor.turn()
    assert len(went) == 16
    assert not reactor.calls
    assert handshakes.mayGoOn()


@ensureDeferred
async def test_manyAtOnce(site: Site, authority: CertificateAuthority) -> None:
    """All are served; of one that has hung up meanwhile nothing is left."""
    certificate, key = authority.issue(LOOPBACK)
    endpoint = site.bind("TLS")
    worker = site.worker("w1", [0], tls=ServerTLS([(str(certificate), str(key))]))
    peers = [await site.tcpPeer(endpoint, CertificateOptions()) for _ in range(20)]
    gone = [await site.tcpPeer(endpoint, CertificateOptions()) for _ in range(5)]
    for peer in gone:
        await peer.close()
    for number, peer in enumerate(peers):
        peer.send(request("OPTIONS", via="TLS a", branch=f"z9hG4bK{number}"))
    assert [(await peer.message()).status for peer in peers] == [200] * 20
    streams = worker.driver.streams
    await until(lambda: len(streams.connections) == 20)
    assert streams.handshakes[0] >= 20

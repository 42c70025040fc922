"""L{sipapp.transport.datagram}: what happens at a UDP socket besides messages."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from tests.transport.workers import LOOPBACK, Outcome, Site, hop, made, request, until


class Reluctant:
    """A socket whose next calls of sendto fail."""

    def __init__(self, sock: Any, *failures: int) -> None:
        self._sock = sock
        self._failures = list(failures)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendto(self, data: bytes, address: Any) -> int:
        if self._failures:
            number = self._failures.pop(0)
            raise OSError(number, "reluctant")
        sent: int = self._sock.sendto(data, address)
        return sent


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOBUFS])
@ensureDeferred
async def test_congestion(site: Site, number: int) -> None:
    """A full socket loses a datagram, as the network might; the transaction sends it again."""
    udp = site.bind("UDP")
    port = site.worker("w1", [0]).driver.flows.ports[0]
    port.socket = Reluctant(port.socket, number)
    server, outcome = site.udpPeer(), Outcome()
    uri = f"sip:127.0.0.1:{server.port}"
    site.workers["w1"].sender.request(made("OPTIONS", uri), hop(uri), outcome)
    server.send((await server.message()).respond(200).toBytes(), udp)
    assert (await outcome.responses.get()).status == 200
    assert (port.congested, port.failed) == (1, 0)


@ensureDeferred
async def test_errorOfAnotherPeer(site: Site) -> None:
    """An error that an earlier datagram has left behind does not stop the next one."""
    site.bind("UDP")
    port = site.worker("w1", [0]).driver.flows.ports[0]
    port.socket = Reluctant(port.socket, errno.ECONNREFUSED)
    server = site.udpPeer()
    port.send(request("OPTIONS"), (LOOPBACK, server.port), "OPTIONS z9hG4bKx")
    assert (await server.message()).method == "OPTIONS"
    assert port.failed == 0


@pytest.mark.parametrize(
    ("data", "address", "failures"),
    [
        (b"x" * 70_000, (LOOPBACK, 9), ()),
        (b"x", ("::1", 9), ()),
        (b"x", (LOOPBACK, 99_999), ()),
        (b"x", (LOOPBACK, 9), (errno.EHOSTUNREACH, errno.EHOSTUNREACH)),
        (b"x", (LOOPBACK, 9), (errno.ENETUNREACH, errno.EAGAIN)),
    ],
)
@ensureDeferred
async def test_unsendable(site: Site, data: bytes, address: Any, failures: Any) -> None:
    """What cannot be sent is reported, but never before send() has returned."""
    site.bind("UDP")
    driver = site.worker("w1", [0]).driver
    port = driver.flows.ports[0]
    reports: list[str] = []
    driver.neighbours.transportFailed = reports.append  # type: ignore[method-assign]
    port.socket = Reluctant(port.socket, *failures)
    port.send(data, address, "OPTIONS z9hG4bKw1.x")
    assert reports == []
    port.send(data, address)
    if errno.EAGAIN in failures:
        assert port.congested == 1
    else:
        await until(lambda: reports)
        assert reports == ["OPTIONS z9hG4bKw1.x"]
        assert port.failed >= 1


@ensureDeferred
async def test_errorsDoNotStopReading(site: Site) -> None:
    """After an ICMP message the socket is still read."""
    udp = site.bind("UDP")
    port = site.worker("w1", [0]).driver.flows.ports[0]
    gone = site.udpPeer()
    gone.close()
    phone = site.udpPeer()
    for number in range(5):
        port.send(request("OPTIONS"), (LOOPBACK, gone.port))
        port.send(b"SIP/2.0 200 OK\r\n\r\n", (LOOPBACK, gone.port))
        phone.send(request("OPTIONS", branch=f"z9hG4bK{number}"), udp)
        assert (await phone.message()).status == 200
    await until(lambda: port not in port._reactor.getWriters())
    assert port in port._reactor.getReaders()


@ensureDeferred
async def test_boundedTurn(site: Site) -> None:
    """One turn reads a bounded number of datagrams, and none after it was told to stop."""
    udp = site.bind("UDP")
    port = site.worker("w1", [0]).driver.flows.ports[0]
    port.stop()
    phone = site.udpPeer()
    for number in range(120):
        phone.send(request("OPTIONS", branch=f"z9hG4bK{number}", callID=f"c{number}"), udp)
    port.isReading = True
    port.doRead()
    assert len(site.users["w1"].requests.items) == 50
    port.isReading = False
    port.doRead()
    assert len(site.users["w1"].requests.items) == 51

"""L{sipapp.transport.confinement}: what comes from elsewhere is not sent inside this machine."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.task import Clock

from sipapp.sip import Response, parseMessage
from sipapp.transport.confinement import Confinement
from sipapp.transport.limits import LimitLog
from sipapp.transport.networks import Networks
from sipapp.transport.target import Address
from tests.transport.workers import LOOPBACK, Outcome, Site, hop, made, request

OUTSIDE = "198.51.100.7"


@dataclass
class Origin:
    """What a message has come over, as far as it matters where it goes."""

    remote: tuple[str, int] = (OUTSIDE, 5060)
    listener: int = 0


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "169.254.169.254"),
        *("fe80::1", "fe80::1%eth0", "224.0.1.75", "ff02::1", "255.255.255.255"),
    ],
)
def test_confined(host: str) -> None:
    log = LimitLog(Clock().seconds)
    confinement = Confinement(log)
    assert confinement.bars(host, OUTSIDE)
    assert confinement.bars(host, "")
    assert log.counts == {"confinement": 2}
    assert not confinement.bars(host, "127.0.0.1")
    assert not confinement.bars(host, "fe80::2%eth1")
    plain = host.partition("%")[0].removeprefix("::ffff:")
    assert not Confinement(log, Networks([plain])).bars(host, OUTSIDE)


@pytest.mark.parametrize("host", [OUTSIDE, "10.0.0.1", "192.168.1.1", "fd00::1", "2001:db8::1"])
def test_notConfined(host: str) -> None:
    """Phones may well be in a private network."""
    assert not Confinement(LimitLog(Clock().seconds)).bars(host, OUTSIDE)


@pytest.mark.parametrize("where", ["127.0.0.1:{}", "inside.test", "127.0.0.1:{};transport=tcp"])
@ensureDeferred
async def test_requests(site: Site, where: str) -> None:
    """Neither to an address nor to a name for one, whichever way it would go."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    service, server = site.udpPeer(), site.tcpServer()
    port = server.port if "tcp" in where else service.port
    site.names.known["inside.test"] = [Address("UDP", LOOPBACK, port)]
    uri = f"sip:x@{where.format(port)}"
    outcome = Outcome()
    hostile = made("MESSAGE", uri, b"SET a b\r\n")
    hostile.flow = Origin()
    worker.sender.request(hostile.copy(), hop(uri), outcome)
    assert await outcome.failures.get() == (403, "nothing from outside is sent there")
    worker.sender.forward(hostile.copy(), hop(uri), "z9hG4bKw1.b")
    assert worker.driver.streams.opened == 0
    # What comes from inside gets there.
    hostile.flow = Origin((LOOPBACK, 5060))
    worker.sender.request(hostile, hop(uri), outcome)
    peer = await server.connection() if "tcp" in where else service
    assert (await peer.message()).via.branch != "z9hG4bKw1.b"


@ensureDeferred
async def test_trustedAddresses(site: Site) -> None:
    """A PBX on the same machine, say."""
    site.bind("UDP")
    worker = site.worker("w1", [0], trusted=Networks([LOOPBACK]))
    service = site.udpPeer()
    uri = f"sip:x@{LOOPBACK}:{service.port}"
    call = made("MESSAGE", uri)
    call.flow = Origin()
    worker.sender.request(call, hop(uri), Outcome())
    assert (await service.message()).method == "MESSAGE"


@ensureDeferred
async def test_flows(site: Site) -> None:
    """Who has sent something from inside is reached over the flow that it came over."""
    endpoint = site.bind("UDP")
    worker = site.worker("w1", [0])
    phone = site.udpPeer()
    phone.send(request("OPTIONS"), endpoint)
    transaction = await site.users["w1"].requests.get()
    assert (await phone.message()).status == 200
    call = made("MESSAGE")
    call.flow = Origin()
    worker.sender.request(call, hop("sip:x@h.invalid", transaction.request.flow.token), Outcome())
    assert (await phone.message()).method == "MESSAGE"


@ensureDeferred
async def test_responses(site: Site) -> None:
    """Whoever answers a request can write into the Vias that are below its own."""
    site.bind("UDP")
    worker = site.worker("w1", [0])
    service, server = site.udpPeer(), site.tcpServer()
    responses = worker.driver.neighbours.responses

    def changed(via: str) -> Response:
        call = parseMessage(request("MESSAGE", via=via, params=f";received={LOOPBACK}"))
        answer = call.respond(200)  # type: ignore[union-attr]
        answer.flow = Origin()
        return answer

    worker.sender.respond(changed(f"TCP far.test:{server.port}"))
    worker.sender.respond(changed(f"UDP far.test:{service.port}"))
    responses.sendAgain(changed(f"TCP far.test:{server.port}").toBytes(), OUTSIDE)
    responses.sendAgain(changed(f"TCP far.test:{server.port}").toBytes(), "")
    assert (responses.unroutable, worker.driver.streams.opened) == (4, 0)
    answer = changed(f"UDP far.test:{service.port}")
    answer.flow = Origin((LOOPBACK, 5060))
    worker.sender.respond(answer)
    assert (await service.message()).status == 200
    assert len(service.sources) == 1

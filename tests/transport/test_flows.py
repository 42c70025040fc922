"""L{sipapp.transport.flows}: tokens that any worker can read and nobody can make."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred

from sipapp.transaction import Identifiers
from sipapp.transport import datagram as datagramModule
from sipapp.transport import flowfinder as flowsModule
from sipapp.transport.bus import FlowRecord
from sipapp.transport.flows import DatagramFlow
from tests.transport.workers import SECRET, Site, hop, request


@ensureDeferred
async def test_datagramToken(site: Site) -> None:
    """A UDP flow is found by its token in the worker of another pool, which can send over it."""
    udp = site.bind("UDP")
    site.addWorkers("u0", "t0")
    site.worker("u0", [0])
    other = site.worker("t0", []).driver
    phone = site.udpPeer()
    phone.send(request("OPTIONS"), udp)
    flow = (await site.users["u0"].requests.get()).request.flow
    assert (await phone.message()).status == 200
    found = other.flows.fromToken(flow.token)
    assert found is not None
    assert (found.remote, found.listener, found.token) == (flow.remote, 0, flow.token)
    found.send(request("OPTIONS", callID="pushed"))
    assert (await phone.message()).callID == "pushed"
    assert phone.sources[-1] == ("127.0.0.1", udp.port)
    assert repr(found) == f"<UDP flow to {('127.0.0.1', phone.port)}>"


@ensureDeferred
async def test_ipv6(site: Site) -> None:
    """IPv6 flows have two-part addresses, and their tokens work too."""
    udp = site.bind("UDP", "::1")
    worker = site.worker("u0", [0])
    phone = site.udpPeer("::1")
    phone.send(request("OPTIONS", via="UDP [::1]:5060"), udp)
    response = await phone.message()
    assert (response.status, response.via.received) == (200, "::1")
    flow = (await site.users["u0"].requests.get()).request.flow
    assert (flow.remote, flow.family, flow.local) == (("::1", phone.port), 6, ("::1", udp.port))
    found = worker.driver.flows.fromToken(flow.token)
    assert found is not None
    found.send(request("OPTIONS", callID="six"))
    assert (await phone.message()).callID == "six"


@ensureDeferred
async def test_worthlessTokens(site: Site) -> None:
    """What we have not minted, or what stands for something that is gone, gives no flow."""
    udp = site.bind("UDP")
    worker = site.worker("w1", [0])
    flows, identifiers = worker.driver.flows, Identifiers(SECRET, "w1")
    good = DatagramFlow(flows.ports[0], ("127.0.0.1", 5060)).token
    assert flows.fromToken(good) is not None
    assert flows.fromToken(good[:-1] + "x") is None
    assert flows.fromToken("") is None
    assert Identifiers(b"another secret", "w1").readFlowToken(good) is None
    for payload in (
        "u|nokey|127.0.0.1|5060",
        f"u|{udp.key}|127.0.0.1",
        "x|1",
        "c|w1|gone.1|TCP||127.0.0.1|5060",
        "c|nobody|gone.1|TCP||127.0.0.1|5060",
    ):
        assert flows.fromToken(identifiers.flowToken(payload)) is None
    assert flows.fromRecord(FlowRecord("UDP", "nokey", ("", 0), ("127.0.0.1", 5060))) is None


@ensureDeferred
async def test_remoteFlowWithoutEndpoint(site: Site) -> None:
    """A connection of a worker may belong to no endpoint; it is a flow nevertheless."""
    site.addWorkers("w1", "w2")
    worker = site.worker("w1", [])
    record = FlowRecord("TLS", "", ("192.0.2.1", 0), ("2001:db8::1", 5061), "w2", "w2.ab.1")
    flow = worker.driver.flows.fromRecord(record)
    assert flow is not None
    assert (flow.secure, flow.reliable, flow.family, flow.listener) == (True, True, 6, -1)
    found = worker.driver.flows.fromToken(flow.token)
    assert found is not None
    assert found.remote == record.remote
    assert flow.record() is record
    assert repr(flow) == "<TLS flow to ('2001:db8::1', 5061) held by w2>"


@pytest.mark.parametrize(
    ("uri", "remote"),
    [
        ("sip:bob@127.0.0.1", ("127.0.0.1", 5060)),
        ("sip:bob@127.0.0.1:5070;lr", ("127.0.0.1", 5070)),
        ("sip:bob@127.0.0.1:5070;transport=UDP", ("127.0.0.1", 5070)),
        ("sip:bob@127.0.0.1;transport=tcp", None),
        ("sip:bob@127.0.0.1;maddr=127.0.0.2", None),
        ("sips:bob@127.0.0.1", None),
        ("sip:bob@[::1]", None),
        ("sip:bob@localhost", None),
    ],
)
@ensureDeferred
async def test_straight(site: Site, uri: str, remote: tuple[str, int] | None) -> None:
    """The flow to a numeric address over UDP is there at once, and nothing else is."""
    site.bind("UDP")
    flows = site.worker("w1", [0]).driver.flows
    target = hop(uri).uri
    flow = flows.straight(target, 0)
    assert (None if flow is None else flow.remote) == remote
    assert flows.straight(target, 0) is flow


@ensureDeferred
async def test_straightIsLookedForAgain(site: Site) -> None:
    """Routes change, so the choice of the socket is made again after a minute; and what is
    remembered is bounded."""
    site.bind("UDP")
    driver = site.worker("w1", [0]).driver
    flows, target = driver.flows, hop("sip:bob@127.0.0.1").uri
    first = flows.straight(target, 0)
    driver.turns.now += 59
    assert flows.straight(target, 0) is first
    driver.turns.now += 2
    again = flows.straight(target, 0)
    assert again is not None
    assert again is not first
    assert again.remote == ("127.0.0.1", 5060)


@ensureDeferred
async def test_rememberedTokens(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokens of UDP flows are minted and verified once, for a bounded number of peers."""
    monkeypatch.setattr(flowsModule, "_REMEMBERED", 3)
    monkeypatch.setattr(datagramModule, "_REMEMBERED", 3)
    site.bind("UDP")
    flows = site.worker("w1", [0]).driver.flows
    port = flows.ports[0]
    tokens = [port.tokenFor(("127.0.0.1", number)) for number in range(1, 9)]
    assert port.tokenFor(("127.0.0.1", 8)) is tokens[-1]
    assert port.tokenFor(("127.0.0.1", 1)) == tokens[0]
    found = [flows.fromToken(token) for token in tokens]
    assert [flow.remote[1] for flow in found if flow is not None] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert flows.fromToken(tokens[-1]) is found[-1]
    for number in range(1, 9):
        assert flows.straight(hop(f"sip:127.0.0.1:{number}").uri, 0) is not None
    assert max(map(len, (flows._straight, flows._byToken, port._tokens))) <= 3

"""Endpoints that take nothing new, while what has begun goes on."""

from __future__ import annotations

from pytest_twisted import ensureDeferred

from tests.transport.workers import Site, request


@ensureDeferred
async def test_requests(site: Site) -> None:
    """What would begin something is for others; what belongs to something is not."""
    udp, other = site.bind("UDP"), site.bind("UDP")
    driver = site.worker("w1", [0, 1]).driver
    user = site.users["w1"]
    user.answer = None
    phone = site.udpPeer()
    invite = request("INVITE", branch="z9hG4bKringing")
    phone.send(invite, udp)
    ringing = await user.requests.get()
    assert (await phone.message()).status == 100
    driver.pause([0])
    phone.send(request("INVITE", branch="z9hG4bKnew", callID="new"), udp)
    refused = await phone.message()
    assert (refused.status, refused.get("retry-after")) == (503, "10")
    # The ACK to that is nothing new, nor is one that comes again.
    phone.send(request("ACK", branch="z9hG4bKnew", callID="new", toTag="x"), udp)
    phone.send(invite, udp)
    assert (await phone.message()).status == 100
    ringing.respond(ringing.request.respond(200, toTag="x"))
    assert (await phone.message()).status == 200
    user.answer = 200
    phone.send(request("BYE", branch="z9hG4bKbye", toTag="x", cseq=2), udp)
    assert (await phone.message()).status == 200
    phone.send(request("OPTIONS", branch="z9hG4bKother", callID="other"), other)
    assert (await phone.message()).status == 200
    driver.pause([])
    phone.send(request("OPTIONS", branch="z9hG4bKagain", callID="again"), udp)
    assert (await phone.message()).status == 200


@ensureDeferred
async def test_cancel(site: Site) -> None:
    """A call that rings can be given up."""
    udp = site.bind("UDP")
    driver = site.worker("w1", [0]).driver
    user = site.users["w1"]
    user.answer = None
    phone = site.udpPeer()
    phone.send(request("INVITE"), udp)
    await user.requests.get()
    driver.pause([0])
    phone.send(request("CANCEL"), udp)
    _, invite = await user.cancels.get()
    assert invite is not None


@ensureDeferred
async def test_connections(site: Site) -> None:
    """Those that are there stay; others are closed at once."""
    tcp = site.bind("TCP")
    driver = site.worker("w1", [0]).driver
    phone = await site.tcpPeer(tcp)
    phone.send(request("OPTIONS", via="TCP phone.invalid"))
    assert (await phone.message()).status == 200
    driver.pause([0])
    late = await site.tcpPeer(tcp)
    await late.lost
    phone.send(request("OPTIONS", via="TCP phone.invalid", branch="z9hG4bK2", callID="c2"))
    assert (await phone.message()).status == 503
    phone.send(request("INFO", via="TCP phone.invalid", branch="z9hG4bK3", toTag="t"))
    assert (await phone.message()).status == 200
    driver.pause([])
    again = await site.tcpPeer(tcp)
    again.send(request("OPTIONS", via="TCP phone.invalid", branch="z9hG4bK4", callID="c4"))
    assert (await again.message()).status == 200

"""Requests and calls over IPv6, and between IPv6 and IPv4."""

from __future__ import annotations

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration
from tests.support.dialog import Call, Callee
from tests.support.server import Server
from tests.support.sipclient import SIPSocket, StreamSocket, UDPSocket
from tests.support.siptext import newToken, parameter

V4, V6 = "127.0.0.1", "::1"


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    for host in (V4, V6):
        sharedConfiguration.listen("udp", host)
        sharedConfiguration.listen("tcp", host)
    return startSharedServer(sharedConfiguration)


def connect(server: Server, transport: str, host: str) -> SIPSocket:
    address = server.endpoint(transport, host).address
    return UDPSocket(address) if transport == "udp" else StreamSocket(address)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_options(server: Server, transport: str) -> None:
    with connect(server, transport, V6) as client:
        port = server.endpoint(transport, V6).port
        answer = client.options(f"sip:[::1]:{port}")
        assert answer.status == 200
        via = answer.get("via")
        assert via.startswith(f"SIP/2.0/{client.transport} {client.sentBy};")
        # As an IPv6 address without brackets: RFC 3581 §4 with the grammar of RFC 3261 §25.1.
        assert parameter(via, "received") in ("::1", "[::1]", "")
        assert parameter(via, "rport") == str(client.local[1])


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_register(server: Server, transport: str) -> None:
    user = newToken("six-")
    with connect(server, transport, V6) as client:
        assert client.register(user).status == 200
        answer = client.register(user, contact="", cseq=2)
        assert f"sip:{user}@[::1]:{client.local[1]}" in answer.get("contact")


@pytest.mark.parametrize(
    ("caller", "callee"),
    [
        (("udp", V6), ("udp", V6)),
        (("tcp", V6), ("tcp", V6)),
        (("udp", V6), ("tcp", V6)),
        (("udp", V6), ("udp", V4)),
        (("udp", V4), ("udp", V6)),
        (("tcp", V4), ("udp", V6)),
        (("tcp", V6), ("tcp", V4)),
    ],
    ids=lambda end: f"{end[0]}{'6' if end[1] == V6 else '4'}",
)
def test_call(server: Server, caller: tuple[str, str], callee: tuple[str, str]) -> None:
    """INVITE to BYE, all of it through the server."""
    user = newToken("six-")
    with connect(server, *caller) as near, connect(server, *callee) as far:
        assert far.register(user).status == 200
        Call(near, f"sip:{user}@example.test").run(Callee(far, user))

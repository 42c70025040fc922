"""HAProxy in front of the server, which says in either version of the PROXY protocol whose each
connection is."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.ports import freePort
from tests.support.processes import Program
from tests.support.server import Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken

pytestmark = pytest.mark.peer("haproxy")

#: Where the phones are; the balancer connects from 127.0.0.1.
PHONE = "127.0.0.2"

#: What HAProxy is to say, and to which endpoint.
WAYS = {
    "line": ("tcp", "send-proxy"),
    "block": ("tcp", "send-proxy-v2"),
    "vectors": ("tcp", "send-proxy-v2 proxy-v2-options crc32c,unique-id"),
    "tls": ("tls", "send-proxy-v2"),
    "http": ("http", "send-proxy-v2"),
}

CONFIGURATION = """\
global
    maxconn 100
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    unique-id-format %ci-%cp
"""

LISTEN = """\
listen {way}
    bind 127.0.0.1:{port}
    server one 127.0.0.1:{target} {how} check inter 100ms rise 1
"""


@dataclass
class Balancer:
    """HAProxy, with a port for each way."""

    program: Program
    ports: dict[str, int]

    def connect(self, way: str, context: ssl.SSLContext | None = None) -> StreamSocket:
        return StreamSocket(("127.0.0.1", self.ports[way]), context, host=PHONE)


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp")
    for transport in ("tcp", "tls"):
        sharedConfiguration.listen(transport, proxy_protocol=["127.0.0.1"])
    sharedConfiguration.listen("http", proxy_protocol=["127.0.0.1"], resources=["health"])
    return startSharedServer(sharedConfiguration)


@pytest.fixture(scope="module")
def balancer(
    server: Server, program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Balancer]:
    directory: Path = tmp_path_factory.mktemp("haproxy")
    ports = {way: freePort() for way in WAYS}
    text = CONFIGURATION + "".join(
        LISTEN.format(way=way, port=ports[way], target=server.endpoint(to).port, how=how)
        for way, (to, how) in WAYS.items()
    )
    file = directory / "haproxy.cfg"
    file.write_text(text)
    running = Program([program("haproxy"), "-db", "-f", str(file)], directory / "haproxy.log")
    try:
        for port in ports.values():
            waitFor(lambda port=port: _isOpen(port), f"haproxy at {port}")  # type: ignore[misc]
        yield Balancer(running, ports)
    finally:
        running.kill()


def _isOpen(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("way", ["line", "block", "vectors"])
def test_call(server: Server, balancer: Balancer, way: str) -> None:
    """A phone behind the balancer registers, is called, and calls; the server knows its address."""
    with (
        balancer.connect(way) as far,
        UDPSocket(server.endpoint("udp").address) as near,
    ):
        answer = far.options(f"sip:{DOMAIN}")
        assert answer.status == 200
        assert f";received={PHONE}" in answer.get("via")
        assert f";rport={far.local[1]}" in answer.get("via")
        user, other = newToken("far-"), newToken("near-")
        assert far.register(user).status == 200
        assert near.register(other).status == 200
        Call(near, f"sip:{user}@{DOMAIN}").run(Callee(far, user))
        Call(far, f"sip:{other}@{DOMAIN}").run(Callee(near, other))


def test_tls(server: Server, balancer: Balancer, authority: CertificateAuthority) -> None:
    """The balancer passes TLS on; the certificate is the server's."""
    context = ssl.create_default_context(cafile=str(authority.file))
    with balancer.connect("tls", context) as phone:
        answer = phone.options(f"sip:{DOMAIN}")
        assert answer.status == 200
        assert f";received={PHONE}" in answer.get("via")


def test_http(server: Server, balancer: Balancer) -> None:
    with socket.create_connection(("127.0.0.1", balancer.ports["http"]), 30) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"ok\n")


def test_aroundIt(server: Server, balancer: Balancer) -> None:
    """Straight to the server there is no way: not without a header, and not with one's own."""
    header = b"PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n"
    for host, data in (("127.0.0.1", b""), (PHONE, b""), (PHONE, header)):
        # It is closed, before or after all of that is sent.
        with (
            StreamSocket(server.endpoint("tcp").address, host=host) as stranger,
            pytest.raises((ConnectionResetError, BrokenPipeError)),
        ):
            stranger.send(data)
            stranger.options(f"sip:{DOMAIN}")
    server.lineWith("Limit proxyProtocol of TCP", "closed")

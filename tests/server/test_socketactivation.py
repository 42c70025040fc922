"""A server whose sockets were bound before it was started."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import support
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.netsockets import datagramSockets, inodes, listeningSockets
from tests.support.ports import freePort
from tests.support.server import START, TWISTD, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import workerCode

LAUNCHER = Path(support.__file__).with_name("passsockets.py")

Starter = Callable[..., Server]


@pytest.fixture
def startWith(configuration: Configuration) -> Iterator[Starter]:
    """Starts a server with sockets for the named transports and ports."""
    servers: list[Server] = []

    def start(*sockets: str) -> Server:
        launcher = (sys.executable, str(LAUNCHER), *sockets, "--")
        server = Server(configuration, twistd=(*launcher, *TWISTD))
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.end()


def test_servesPassedSockets(configuration: Configuration, startWith: Starter) -> None:
    """Every worker takes its share of what arrives at them; other listeners are bound as ever."""
    udp = configuration.listen("udp")
    tcp = configuration.listen("tcp")
    other = configuration.listen("udp", host="127.0.0.2", workers=1)
    server = startWith(f"udp:127.0.0.1:{udp.port}", f"tcp:127.0.0.1:{tcp.port}").awaitReady()
    codes: dict[str, set[str]] = {"udp": set(), "tcp": set()}

    def ask(transport: str) -> bool:
        kind = UDPSocket if transport == "udp" else StreamSocket
        with kind(server.endpoint(transport).address) as client:
            answer = client.options("sip:example.test")
        assert answer.status == 200
        codes[transport].add(workerCode(answer.toTag))
        return len(codes[transport]) == 2

    waitFor(lambda: ask("udp"), "answers of both UDP workers")
    waitFor(lambda: ask("tcp"), "answers of both TCP workers")
    with UDPSocket(other.address) as client:
        assert client.options("sip:example.test").status == 200
    # The parent and one worker each hold a listening socket: the passed one is one of two.
    passed = {row.inode for row in listeningSockets(tcp.port)}
    assert len(passed) == 2
    assert passed <= inodes(server.pid)
    server.stop()


def test_anotherImageOfTheParent(configuration: Configuration, startWith: Starter) -> None:
    """SIGUSR2: the passed sockets are the new program's, which lets further workers join them."""
    udp, tcp = configuration.listen("udp", workers=1), configuration.listen("tcp", workers=1)
    server = startWith(f"udp:127.0.0.1:{udp.port}", f"tcp:127.0.0.1:{tcp.port}").awaitReady()

    def passed() -> list[int]:
        return [row.inode for row in [*datagramSockets(udp.port), *listeningSockets(tcp.port)]]

    before = passed()
    assert len(before) == 2
    server.program.signal(signal.SIGUSR2)
    server.lineWith("Reloaded in ", "generation 1")
    assert passed() == before
    assert set(before) <= inodes(server.pid)
    environment = Path(f"/proc/{server.pid}/environ").read_bytes()
    assert b"LISTEN_" not in environment
    for kind, address in ((UDPSocket, udp.address), (StreamSocket, tcp.address)):
        with kind(address) as client:
            assert client.options("sip:example.test").status == 200
    for block in configuration.blocks:
        block["socket_workers"] = 2
    configuration.write()
    server.program.signal(signal.SIGHUP)
    server.lineWith("Reloaded in ", "generation 2")
    after = set(passed())
    assert len(after) == 4
    assert set(before) < after <= inodes(server.pid)
    server.program.signal(signal.SIGUSR2)
    server.lineWith("Reloaded in ", "generation 3")
    assert set(passed()) == after <= inodes(server.pid)
    server.stop()


def test_socketOfNoListener(configuration: Configuration, startWith: Starter) -> None:
    """What came to it would never be read: the start fails, and says which it is."""
    configuration.listen("udp")
    stray = freePort()
    server = startWith(f"tcp:127.0.0.1:{stray}")
    assert server.program.join(START) != 0
    assert f"cannot bind tcp 127.0.0.1:{stray}: passed by the service manager as tcp" in (
        server.output()
    )

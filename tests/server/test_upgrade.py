"""SIGUSR2: another image of the parent goes on with the same sockets and calls."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.netsockets import datagramSockets, listeningSockets
from tests.support.processes import isAlive, sendSignal
from tests.support.server import START, TWISTD, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken, workerCode


def upgrade(server: Server) -> None:
    """Wait until new workers have taken over, and the old ones have gone."""
    before = server.children()
    server.program.signal(signal.SIGUSR2)
    waitFor(
        lambda: server.program.status is not None or not any(map(isAlive, before)),
        "the end of the workers of the old image",
        START,
    )
    assert server.program.status is None, "the server has ended: see its log"
    server.awaitReady()


def test_nothingIsLost(configuration: Configuration, startServer: ServerStarter) -> None:
    """A call rings and a connection is open while the program is replaced, twice: pid and sockets
    are the same, the call is answered, the connection serves."""
    configuration.table("server", drain_timeout=2.0)
    udp, tcp = configuration.listen("udp"), configuration.listen("tcp")
    server = startServer(configuration)
    sockets = {row.inode for row in [*datagramSockets(udp.port), *listeningSockets(tcp.port)]}
    with (
        UDPSocket(udp.address) as caller,
        UDPSocket(udp.address) as callee,
        StreamSocket(tcp.address) as client,
    ):
        assert client.options("sip:example.test").status == 200
        user = newToken("ringing-")
        assert callee.register(user).status == 200
        call, phone = Call(caller, f"sip:{user}@example.test"), Callee(callee, user)
        caller.send(call.invite())
        invite = phone.expect("INVITE", call.callID)
        phone.reply(invite, 180, "Ringing")
        upgrade(server)
        upgrade(server)
        after = {row.inode for row in [*datagramSockets(udp.port), *listeningSockets(tcp.port)]}
        assert after == sockets
        assert client.options("sip:example.test").status == 200
        phone.answer(invite)
        assert call.awaitFinal("INVITE").status == 200
    server.stop()


def test_connectionsOverTLS(
    configuration: Configuration, startServer: ServerStarter, authority: CertificateAuthority
) -> None:
    """A call whose both ends are behind TLS rings, is answered, and ends while their workers
    leave; the workers of the new program reach such a phone. When the time to leave is over the
    connections are closed as TLS wants it."""
    configuration.table("server", drain_timeout=6.0)
    tls, udp = configuration.listen("tls"), configuration.listen("udp")
    server = startServer(configuration)
    context = authority.clientContext()
    with (
        StreamSocket(tls.address, context) as caller,
        StreamSocket(tls.address, context) as callee,
        UDPSocket(udp.address) as other,
    ):
        user = newToken("secure-")
        assert callee.register(user).status == 200
        call, phone = Call(caller, f"sip:{user}@example.test"), Callee(callee, user)
        caller.send(call.invite())
        invite = phone.expect("INVITE", call.callID)
        phone.reply(invite, 180, "Ringing")
        old = server.children()
        server.program.signal(signal.SIGUSR2)
        server.lineWith("Generation 1 has taken over from generation 0")
        phone.answer(invite)
        assert call.awaitFinal("INVITE").status == 200
        caller.send(call.ack())
        phone.expect("ACK", call.callID)
        Call(other, f"sip:{user}@example.test").run(phone)
        caller.send(call.next("BYE"))
        phone.reply(phone.expect("BYE", call.callID), 200, "OK")
        assert call.awaitFinal("BYE").status == 200
        for client in (caller, callee):
            with pytest.raises(ConnectionResetError, match="the server has closed"):
                client.receive(START)
    waitFor(lambda: not any(map(isAlive, old)), "the end of the workers of the old image", START)
    with StreamSocket(tls.address, context) as client:
        assert client.options("sip:example.test").status == 200
    server.stop()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_aParkedSlot(
    configuration: Configuration, startServer: ServerStarter, transport: str
) -> None:
    """It stays parked under the new program, whose reload fills it again as any does."""
    configuration.children = configuration.tcpChildren = 3
    endpoint = configuration.listen(transport)
    server = startServer(configuration)
    names = list(server.workers())
    server.crashLoop(names[1])
    upgrade(server)
    waitFor(lambda: set(server.states().values()) == {"ready"}, "every slot filled", START)
    assert list(server.workers()) == names
    kind = UDPSocket if transport == "udp" else StreamSocket
    answered: set[int] = set()

    def allAnswer() -> bool:
        with kind(endpoint.address) as client:
            tag = client.options("sip:example.test").toTag
        answered.add(server.workerOf(workerCode(tag)))
        return answered == set(server.workers().values())

    waitFor(allAnswer, "an answer of every worker", START)
    server.stop()


def test_aParkedSlotAndARefusedReload(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    """The workers of the old program go on, with the calls of the parked slot."""
    udp = configuration.listen("udp", workers=2)
    server = startServer(configuration)
    server.crashLoop("udp-0/0")
    workers = server.workers()
    # What a fresh interpreter does not find out: the port is taken when the reload binds it.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        configuration.listen("udp", port=other.getsockname()[1])
        configuration.write()
        server.program.signal(signal.SIGUSR2)
        server.lineWith("Not reloaded, the server goes on as it was.", "in use")
    assert server.workers() == workers
    assert server.states() == {"udp-0/0": "parked", "udp-0/1": "ready"}
    with UDPSocket(udp.address) as client:
        for _ in range(20):
            assert client.options("sip:example.test").status == 200
    server.program.signal(signal.SIGHUP)
    waitFor(lambda: set(server.states().values()) == {"ready"}, "every slot filled", START)
    server.stop()


def test_brokenConfigurationIsRefused(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    """A fresh interpreter finds out; this one goes on with the same workers."""
    udp = configuration.listen("udp")
    server = startServer(configuration)
    before = server.children()
    file = Path(configuration.directory / "sipapp.toml")
    file.write_text(file.read_text().replace("[server]", "[serfer]"))
    server.program.signal(signal.SIGUSR2)
    waitFor(lambda: "Not upgraded" in server.output(), "the reason in the log", START)
    assert "serfer" in server.output()
    assert server.children() == before
    with UDPSocket(udp.address) as client:
        assert client.options("sip:example.test").status == 200
    server.stop()


def test_daemon(configuration: Configuration) -> None:
    """It is one already: the new program stays in its process, and writes the same pid file."""
    configuration.listen("udp", workers=1)
    file = configuration.write()
    directory = configuration.directory
    twistd = ("--pidfile=sipapp.pid", "--logfile=daemon.log", "sipapp", f"--config={file}")
    subprocess.run([*TWISTD, *twistd], cwd=directory, check=True, timeout=START)
    pidFile, log = directory / "sipapp.pid", directory / "daemon.log"

    def logged(text: str) -> bool:
        return log.exists() and text in log.read_text()

    try:
        waitFor(lambda: logged("sipapp ready"), "a server that is ready", START)
        pid = int(pidFile.read_text())
        sendSignal(pid, signal.SIGUSR2)
        waitFor(lambda: logged("generation 1"), "the next generation", START)
        assert int(pidFile.read_text()) == pid
        sendSignal(pid, signal.SIGTERM)
        waitFor(lambda: not isAlive(pid), "the end of the server", START)
        assert not pidFile.exists()
    finally:
        if pidFile.exists():
            sendSignal(int(pidFile.read_text()), signal.SIGKILL)

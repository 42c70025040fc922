"""SIGHUP: everything is read anew, all or nothing, and nobody who calls notices."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.ports import freePort
from tests.support.processes import isAlive
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import Received, newToken, workerCode

REFUSED = "Not reloaded, the server goes on as it was."

#: A plugin whose resource does what its text says.
PLUGIN = """
from sipapp.resources.maker import ResourceMaker, Settings

class Resource:
    def __init__(self, settings, worker):
        {make}
    def start(self):
        pass
    def stop(self):
        pass
    def offer(self, transaction):
        {offer}

maker = ResourceMaker("changing", "sip", Settings, Resource)
"""


def reload(server: Server, outcome: str = "Reloaded in ") -> str:
    """Reload and wait until the log has another line with the outcome.

    @return: what was logged from the reload on.
    """
    before = len(server.output())
    server.configuration.write()
    server.program.signal(signal.SIGHUP)
    waitFor(lambda: outcome in server.output()[before:], f"the log to say: {outcome}", START)
    return server.output()[before:]


def refuse(server: Server) -> str:
    """Reload, which must fail without a trace.

    @return: what was logged.
    """
    workers, children, files = server.workers(), server.children(), descriptors(server)
    codes = server.codes()
    log = reload(server, REFUSED)
    waitFor(lambda: server.children() == children, "the end of the new workers")
    assert server.workers() == workers
    assert server.codes() == codes
    # Those who look after things have a file open for a moment, then as now.
    waitFor(lambda: descriptors(server) <= files, "the end of what was opened")
    return log


def descriptors(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def awaitGone(pids: list[int]) -> None:
    waitFor(lambda: not any(map(isAlive, pids)), "the end of the old workers", START)


def answers(server: Server, transport: str = "udp") -> int:
    """
    @return: the pid of the worker that answers a new client.
    """
    address = server.endpoint(transport).address
    with UDPSocket(address) if transport == "udp" else StreamSocket(address) as client:
        return server.workerOf(workerCode(client.options(f"sip:{DOMAIN}").toTag))


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.table("server", drain_timeout=5.0)
    configuration.listen("udp")
    configuration.listen("tcp")
    return startServer(configuration)


def test_newProcesses(server: Server) -> None:
    """Nothing has changed in the file: all workers are new ones nevertheless, and the old ones
    leave."""
    old, files = server.children(), descriptors(server)
    log = reload(server)
    assert "the configuration is the same" in log
    assert "generation 1" in log
    awaitGone(old)
    assert set(server.workers()) == {"udp-0/0", "udp-0/1", "tcp/0", "tcp/1"}
    waitFor(
        lambda: sorted(server.workers().values()) == server.children(), "no children but workers"
    )
    for transport in ("udp", "tcp"):
        assert answers(server, transport) in server.children()
    waitFor(lambda: descriptors(server) <= files, "no more descriptors than before")
    server.stop()
    assert not os.listdir(server.configuration.runDirectory / "bus")


def test_poolSizes(server: Server) -> None:
    """2, 4, 1, 3: each time every slot is served, and in the end nothing is left over."""
    files = descriptors(server)
    for size in (4, 1, 3, 2, 2):
        old = server.children()
        server.configuration.children = server.configuration.tcpChildren = size
        reload(server)
        awaitGone(old)
        pools = {"udp-0": size, "tcp": size}
        waitFor(lambda pools=pools: server.pools() == pools, f"{size} workers in each pool")
        for transport in ("udp", "tcp"):
            expected = {
                pid
                for name, pid in server.workers().items()
                if name.startswith("udp" if transport == "udp" else "tcp")
            }
            seen: set[int] = set()

            def allSeen(
                seen: set[int] = seen, transport: str = transport, expected: set[int] = expected
            ) -> bool:
                seen.add(answers(server, transport))
                return seen == expected

            waitFor(allSeen, f"an answer of each of the {size} {transport} workers")
    waitFor(lambda: descriptors(server) <= files, "no more descriptors than before")


def test_listenersComeAndGo(server: Server) -> None:
    first = server.endpoint("udp")
    new = server.configuration.listen("udp")
    log = reload(server)
    assert "listen[2]" in log
    with UDPSocket(new.address) as client:
        assert client.options(f"sip:{DOMAIN}").status == 200
    # The first one goes: what is left keeps its sockets, whatever its place in the file.
    old = server.children()
    del server.configuration.blocks[0]
    del server.configuration.endpoints[0]
    reload(server)
    awaitGone(old)
    assert answers(server) in server.children()
    assert answers(server, "tcp") in server.children()
    # The parent lets go of the sockets when it has seen the workers end.
    waitFor(lambda: isFree(first.address), "the end of the sockets")


def isFree(address: tuple[str, int]) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        try:
            other.bind(address)
        except OSError:
            return False
    return True


def test_theSamePortSpeaksSomethingElse(server: Server) -> None:
    """TCP becomes TLS at the same address: the sockets are the same ones."""
    endpoint = server.endpoint("tcp")
    configuration = server.configuration
    del configuration.blocks[1]
    configuration.listen("tls", port=endpoint.port)
    old = server.children()
    reload(server)
    awaitGone(old)
    assert servedCertificate(endpoint.address)


def servedCertificate(address: tuple[str, int]) -> bytes:
    """
    @return: the certificate that a TLS endpoint shows.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(address, 10.0) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        shown = connection.getpeercert(binary_form=True)
        assert shown is not None
        return shown


def test_certificates(
    configuration: Configuration, startServer: ServerStarter, authority: CertificateAuthority
) -> None:
    """Renewed under the same name, as certificates are."""
    directory = configuration.directory
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    key.touch(mode=0o600)

    def renew() -> bytes:
        issued, itsKey = authority.issue("renewed.test", "127.0.0.1")
        certificate.write_bytes(issued.read_bytes())
        key.write_bytes(itsKey.read_bytes())
        return ssl.PEM_cert_to_DER_cert(issued.read_text())

    first = renew()
    configuration.certificate, configuration.key = certificate, key
    endpoint = configuration.listen("tls")
    server = startServer(configuration)
    assert servedCertificate(endpoint.address) == first
    second = renew()
    reload(server)
    assert servedCertificate(endpoint.address) == second != first
    # And without a reload, by every worker.
    third = renew()
    waitFor(
        lambda: {servedCertificate(endpoint.address) for _ in range(8)} == {third},
        "workers that look at the files",
    )
    key.write_text("nonsense")
    server.lineWith(
        "Renewed certificates cannot be used, those of before stay", f"{key}: not a key"
    )
    assert servedCertificate(endpoint.address) == third


def test_resourceSettings(server: Server) -> None:
    server.configuration.table("resource.registrar", min_expires=120)
    with UDPSocket(server.endpoint("udp").address) as client:
        assert client.register(newToken("brief-"), expires=100).status == 200
        log = reload(server)
        assert "resource.registrar.min_expires" in log
        assert client.register(newToken("brief-"), expires=100).status == 423


@pytest.mark.peer("ss")
def test_receiveBuffer(server: Server) -> None:
    """The sockets that are there get another one."""
    port = server.endpoint("udp").port

    def buffers() -> list[int]:
        """Of each UDP socket, in bytes; Linux tells twice what was asked for."""
        listing = subprocess.run(
            ["ss", "-Hulnm", f"sport = :{port}"], capture_output=True, text=True, check=True
        )
        return [int(size) // 2 for size in re.findall(r"skmem:\([^)]*rb(\d+)", listing.stdout)]

    server.configuration.table("sip", udp_receive_buffer=1 << 17)
    log = reload(server)
    assert "sip.udp_receive_buffer" in log
    assert buffers() == [1 << 17] * 2


@pytest.fixture
def changing(
    configuration: Configuration, startServer: ServerStarter, tmp_path: Path
) -> Iterator[tuple[Server, Callable[[str, str], None]]]:
    """A server with a resource of a third party, and what exchanges its code."""
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)

    def write(make: str, offer: str) -> None:
        (plugins / "changing_plugin.py").write_text(PLUGIN.format(make=make, offer=offer))

    write("pass", "return None")
    configuration.listen("udp", resources=["changing", "options"])
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    yield startServer(configuration, environment=environment), write


def test_code(changing: tuple[Server, Callable[[str, str], None]]) -> None:
    """What is installed is what runs after a reload."""
    server, write = changing
    with UDPSocket(server.endpoint("udp").address) as client:
        assert client.options(f"sip:{DOMAIN}").status == 200
        write("pass", "raise RuntimeError('this code is new')")
        assert client.options(f"sip:{DOMAIN}").status == 200
        reload(server)
        assert client.options(f"sip:{DOMAIN}").status == 500


def test_resourceThatRaises(changing: tuple[Server, Callable[[str, str], None]]) -> None:
    server, write = changing
    write("raise RuntimeError('the tape of answers is torn')", "return None")
    assert "the tape of answers is torn" in refuse(server).partition(REFUSED)[2]
    with UDPSocket(server.endpoint("udp").address) as client:
        assert client.options(f"sip:{DOMAIN}").status == 200
    write("pass", "return None")
    reload(server)


@pytest.mark.parametrize(
    ("preamble", "cause"),
    [
        ("this is no TOML", "sipapp.toml: line 1"),
        ("[sip]\nt1 = -1\n", "sipapp.toml: sip.t1: "),
        ("[sip]\nt11 = 1.0\n", "sipapp.toml: sip.t11: "),
    ],
)
def test_brokenFile(server: Server, preamble: str, cause: str) -> None:
    server.configuration.preamble = preamble
    assert cause in refuse(server).partition(REFUSED)[2]
    server.configuration.preamble = ""
    reload(server)


def test_missingFile(server: Server) -> None:
    file = server.configuration.directory / "sipapp.toml"
    before, workers = len(server.output()), server.workers()
    file.unlink()
    server.program.signal(signal.SIGHUP)
    waitFor(lambda: REFUSED in server.output()[before:], "the cause in the log")
    assert "No such file or directory" in server.output()[before:]
    assert server.workers() == workers


def test_missingCertificate(server: Server, tmp_path: Path) -> None:
    server.configuration.certificate = tmp_path / "missing.pem"
    server.configuration.listen("tls")
    log = refuse(server).partition(REFUSED)[2]
    assert "listen[2].tls.certificate" in log
    assert "missing.pem" in log


def test_uselessCertificate(server: Server, tmp_path: Path) -> None:
    """Only a worker finds that out."""
    server.configuration.certificate = tmp_path / "worthless.pem"
    server.configuration.certificate.write_text("-----BEGIN NOTHING-----\n")
    server.configuration.listen("tls", workers=1)
    assert "worthless.pem" in refuse(server).partition(REFUSED)[2]


def test_portInUse(server: Server) -> None:
    """What was bound before it is let go again."""
    free = freePort()
    server.configuration.listen("tcp", port=free)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        server.configuration.listen("udp", port=port)
        server.configuration.children = 4
        log = refuse(server).partition(REFUSED)[2]
        assert f"cannot bind udp 127.0.0.1:{port}" in log
        assert "in use" in log
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.bind(("127.0.0.1", free))
    reload(server)


def test_whatCannotChange(server: Server) -> None:
    server.configuration.table("server", state_directory=server.configuration.directory / "other")
    log = refuse(server).partition(REFUSED)[2]
    assert "server.state_directory: cannot be changed while the server runs" in log


def test_twoRequestsInQuickSuccession(server: Server) -> None:
    """The second is remembered: the file may have changed meanwhile. A third adds nothing."""
    old = server.children()
    before = len(server.output())
    server.program.signal(signal.SIGHUP)
    waitFor(lambda: len(server.children()) > len(old), "new workers")
    server.configuration.children = 3
    server.configuration.write()
    server.program.signal(signal.SIGHUP)
    server.program.signal(signal.SIGHUP)
    waitFor(
        lambda: server.output()[before:].count("Reloaded in ") == 2, "two reloads in the log", START
    )
    waitFor(lambda: server.pools() == {"udp-0": 3, "tcp": 2}, "the end of both old generations")
    assert server.output()[before:].count("Reloaded in ") == 2


def test_aReloadDuringTheStart(configuration: Configuration, startServer: ServerStarter) -> None:
    """It is done when the server is ready."""
    configuration.listen("udp")
    server = startServer(configuration, awaitReady=False)
    waitFor(server.children, "workers that start")
    server.program.signal(signal.SIGHUP)
    waitFor(lambda: "Reloaded in " in server.output(), "a reload", START)
    assert server.program.status is None


def test_stopDuringAReload(server: Server) -> None:
    """All generations leave."""
    server.configuration.write()
    server.program.signal(signal.SIGHUP)
    waitFor(lambda: len(server.children()) > 4, "new workers")
    server.stop()


def ring(near: UDPSocket, far: UDPSocket) -> tuple[Call, Callee, Received]:
    """Register one side, and let the other call it until it rings.

    @return: both sides of the call, and the INVITE as it came.
    """
    user = newToken("rings-")
    assert far.register(user).status == 200
    call, phone = Call(near, f"sip:{user}@{DOMAIN}"), Callee(far, user)
    near.send(call.invite())
    invite = phone.expect("INVITE", call.callID)
    phone.reply(invite, 180, "Ringing")
    return call, phone, invite


def test_aCallGoesOn(server: Server) -> None:
    """Reloads while it rings, when it is established, and then it ends; each message comes once."""
    address = server.endpoint("udp").address
    with UDPSocket(address) as near, UDPSocket(address) as far:
        call, phone, invite = ring(near, far)
        reload(server)
        phone.answer(invite)
        assert call.awaitFinal("INVITE").status == 200
        near.send(call.ack())
        phone.expect("ACK", call.callID)
        reload(server)
        near.send(call.next("BYE"))
        phone.reply(phone.expect("BYE", call.callID), 200, "OK")
        assert call.awaitFinal("BYE").status == 200


def test_aCallIsCancelledAfterAReload(server: Server) -> None:
    """The CANCEL and the ACK belong to a transaction that an old worker has."""
    address = server.endpoint("udp").address
    with UDPSocket(address) as near, UDPSocket(address) as far:
        call, phone, invite = ring(near, far)
        reload(server)
        # Sent again, it must not ring a second time: the next request there is the CANCEL.
        near.send(call.invite())
        near.send(call.cancel())
        cancel = phone.client.receive()
        assert (cancel.method, cancel.callID) == ("CANCEL", call.callID)
        phone.reply(cancel, 200, "OK")
        phone.reply(invite, 487, "Request Terminated")
        phone.expect("ACK", call.callID)
        finals = {}
        while len(finals) < 2:
            message = near.receive()
            if message.status >= 200:
                finals[message.method] = message
        assert finals["CANCEL"].status == 200
        assert finals["INVITE"].status == 487
        near.send(call.ackFailure(finals["INVITE"]))

"""Sockets are bound as root; everything that reads from them is not."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.netsockets import listeningSockets
from tests.support.processes import sendSignal
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")

USER = "nobody"

WITNESS = str(Path(__file__).with_name("witness"))


@pytest.fixture
def configuration(serverCertificate: tuple[Path, Path]) -> Iterator[Configuration]:
    """In a directory that another user may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="sipapp-") as directory:
        os.chmod(directory, 0o711)
        yield Configuration(Path(directory), *serverCertificate, children=1)


def ids(pid: int, which: str) -> list[int]:
    """
    @param which: C{Uid} or C{Gid}.
    @return: real, effective, saved and file system id of a process.
    """
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith(f"{which}:")]
    return [int(number) for number in line.split()[1:]]


def interpreter() -> tuple[str, dict[str, str]]:
    """
    @return: a Python that the other user may execute, with what it needs in its environment to
        find the packages of this one.
    """
    # Each has a standard library of its own.
    packages = [each for each in sys.path if each and not each.startswith(sys.base_prefix)]
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        environment = {"PYTHONPATH": os.pathsep.join(packages)}
        check = [python, "-c", "import sipapp.tap, sipapp.worker"]
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(check, user=USER, env=environment, cwd="/", check=True)
            return python, environment
    pytest.skip(f"no Python here that the user {USER} may execute")


def test_dropped(configuration: Configuration) -> None:
    """Parent and workers have given up root for good, and the server works: it registers phones,
    restarts its workers, and replaces its program."""
    entry = pwd.getpwnam(USER)
    python, environment = interpreter()
    configuration.table("server", user=USER)
    endpoint = configuration.listen("udp")
    run = "from twisted.scripts.twistd import run; run()"
    server = Server(configuration, environment, (python, "-c", run))
    try:
        server.awaitReady()
        for pid in (server.pid, *server.children()):
            assert set(ids(pid, "Uid")) == {entry.pw_uid}
            assert set(ids(pid, "Gid")) == {entry.pw_gid}
        assert "Runs as root" not in server.output()
        (before,) = server.children()
        sendSignal(before, signal.SIGKILL)
        waitFor(lambda: server.children() not in ([], [before]), "a new worker", START)
        with UDPSocket(endpoint.address) as client:
            assert client.register("alice").status == 200
        secret = (configuration.stateDirectory / "secret").stat()
        assert (secret.st_mode & 0o777, secret.st_uid) == (0o600, entry.pw_uid)
        server.program.signal(signal.SIGUSR2)
        waitFor(lambda: "Reloaded in" in server.output(), "a new program with new workers", START)
        server.stop()
    finally:
        server.end()


@pytest.fixture
def witness(configuration: Configuration) -> Path:
    """Where the processes of a server note who they are when they bind and read: see
    L{tests.server.witness.sitecustomize}."""
    directory = configuration.directory / "witness"
    directory.mkdir()
    directory.chmod(0o1777)
    return directory


def test_boundBeforeAndReadAfter(configuration: Configuration, witness: Path) -> None:
    """What comes meanwhile waits in the kernel: no byte of it is read, and no connection taken,
    by a process that is root or could become it again, or that is in a group of root's."""
    entry = pwd.getpwnam(USER)
    python, environment = interpreter()
    environment["PYTHONPATH"] = os.pathsep.join((WITNESS, environment["PYTHONPATH"]))
    environment["WITNESS"] = str(witness)
    configuration.table("server", user=USER)
    udp, tcp = configuration.listen("udp"), configuration.listen("tcp")
    run = "from twisted.scripts.twistd import run; run()"
    server = Server(configuration, environment, (python, "-c", run))
    try:
        # From the first moment at which they are bound.
        waitFor(lambda: listeningSockets(tcp.port), "an address to connect to", START)
        with StreamSocket(tcp.address) as connection, UDPSocket(udp.address) as datagrams:
            for each in (connection, datagrams):
                each.send(b"\r\n")
            server.awaitReady()
            assert datagrams.options(f"sip:{DOMAIN}").status == 200
            assert connection.options(f"sip:{DOMAIN}").status == 200
        server.stop()
    finally:
        server.end()
    did: dict[str, set[tuple[str, str]]] = {}
    for file in witness.iterdir():
        for line in file.read_text().splitlines():
            what, users, groups = line.split()
            did.setdefault(what, set()).add((users, groups))
    root, other = "0,0,0", ",".join([str(entry.pw_uid)] * 3)
    assert {users for users, _ in did.pop("bind")} >= {root}
    assert {"accept", "recv", "recvfrom"} <= did.keys()
    for what, whos in did.items():
        for users, groups in whos:
            assert users == other, what
            assert groups == str(entry.pw_gid), what


@pytest.mark.parametrize("name", ["secret", "accounts.db", "documents.db"])
def test_whatEverybodyCanReadIsNoSecret(
    configuration: Configuration, startServer: ServerStarter, name: str
) -> None:
    configuration.listen("udp")
    configuration.write()
    file = configuration.stateDirectory / name
    file.write_bytes(b"x" * 32 if name == "secret" else b"")
    file.chmod(0o644)
    server = startServer(configuration, awaitReady=False)
    waitFor(lambda: server.program.status is not None, "the server to give up", START)
    assert server.program.status == 1
    assert f"{file} is no secret: everybody can read it: chmod o= {file}" in server.output()


def test_keyOfTheUser(configuration: Configuration, authority: CertificateAuthority) -> None:
    """The workers read certificates and keys, as who the server has become."""
    python, environment = interpreter()
    configuration.table("server", user=USER)
    for name in ("certificate", "key"):
        file = configuration.directory / f"{name}.pem"
        file.touch(mode=0o600)
        file.write_bytes(getattr(configuration, name).read_bytes())
        os.chown(file, pwd.getpwnam(USER).pw_uid, -1)
        setattr(configuration, name, file)
    endpoint = configuration.listen("tls")
    run = "from twisted.scripts.twistd import run; run()"
    server = Server(configuration, environment, (python, "-c", run))
    try:
        server.awaitReady()
        with StreamSocket(endpoint.address, authority.clientContext()) as client:
            assert client.options(f"sip:{DOMAIN}").status == 200
        server.stop()
    finally:
        server.end()


def test_keyThatOnlyRootCanRead(configuration: Configuration, startServer: ServerStarter) -> None:
    """It is found out before anything is bound: no worker could read it."""
    configuration.table("server", user=USER)
    configuration.listen("tls")
    server = startServer(configuration, awaitReady=False)
    waitFor(lambda: server.program.status is not None, "the server to give up", START)
    assert server.program.status == 1
    key = configuration.key
    assert f"listen[0].tls.private_key: {key} cannot be read: the user {USER} may not" in (
        server.output()
    )


@pytest.mark.parametrize("name", ["secret", "accounts.db", "documents.db"])
def test_whatOnlyRootCanRead(configuration: Configuration, name: str) -> None:
    """It would be found out when a worker needs it, or the next program."""
    python, environment = interpreter()
    configuration.table("server", user=USER)
    configuration.listen("udp")
    configuration.write()
    file = configuration.stateDirectory / name
    file.write_bytes(b"x" * 32 if name == "secret" else b"")
    file.chmod(0o600)
    run = "from twisted.scripts.twistd import run; run()"
    server = Server(configuration, environment, (python, "-c", run))
    try:
        waitFor(lambda: server.program.status is not None, "the server to give up", START)
        assert server.program.status == 1
        line = server.lineWith("sipapp: as uid", str(file))
        assert "Permission denied" in line
    finally:
        server.end()


def test_linksAreNotFollowed(configuration: Configuration) -> None:
    """Whoever has taken the server over cannot have root, at the next start, give away or tidy up
    another directory."""
    python, environment = interpreter()
    configuration.table("server", user=USER)
    configuration.listen("udp")
    configuration.write()
    victim = configuration.directory / "victim"
    victim.mkdir(mode=0o755)
    (victim / "link").symlink_to("somewhere")
    os.chown(configuration.runDirectory, pwd.getpwnam(USER).pw_uid, -1)
    (configuration.runDirectory / "bus").symlink_to(victim)
    run = "from twisted.scripts.twistd import run; run()"
    server = Server(configuration, environment, (python, "-c", run))
    try:
        waitFor(lambda: server.program.status is not None, "the server to give up", START)
        assert server.program.status == 1
        assert "Permission denied" in server.lineWith("sipapp: ", "bus")
        assert victim.stat().st_uid == 0
        assert (victim / "link").is_symlink()
    finally:
        server.end()


def test_secretOutlivesARestart(configuration: Configuration, startServer: ServerStarter) -> None:
    """What was signed before a restart is understood after it."""
    configuration.listen("udp")
    first = startServer(configuration)
    assert "Runs as root" in first.output()
    secret = (configuration.stateDirectory / "secret").read_bytes()
    first.stop()
    startServer(configuration).stop()
    assert (configuration.stateDirectory / "secret").read_bytes() == secret
    assert len(secret) >= 32

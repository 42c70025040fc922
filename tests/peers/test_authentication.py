"""Phones and tools that others wrote prove who their users are.

All of them know MD5 only, and sipp 3.6 and baresip 1.0 give up where something else is offered
besides. So here nothing else is.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ServerStarter
from tests.peers.baresip import Baresip, connect
from tests.peers.sipprun import SIPp, userFile
from tests.support import netsockets
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import DOMAIN, Configuration, Endpoint
from tests.support.deadlines import waitFor
from tests.support.ports import freePort
from tests.support.server import Server
from tests.support.users import addUsers

USERS = [f"u{number}" for number in range(500)]
PHONES = [f"{name}-{transport}" for name in ("alice", "bob") for transport in ("udp", "tcp", "tls")]


def password(user: str) -> str:
    return f"secret-of-{user}"


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    """Four UDP workers, two for streams, and users who have to prove who they are."""
    chain = ["authenticate", "options", "registrar", "proxy"]
    sharedConfiguration.listen("udp", workers=4, resources=chain)
    for transport in ("tcp", "tls"):
        sharedConfiguration.listen(transport, resources=chain)
    # sipsak asks the resolver for every domain that is not an address.
    sharedConfiguration.table("server", domains=[DOMAIN, "127.0.0.1"])
    sharedConfiguration.table(
        "resource.authenticate", algorithms=["MD5"], realms={"127.0.0.1": DOMAIN}
    )
    addUsers(sharedConfiguration, {user: password(user) for user in [*USERS, *PHONES, "caller"]})
    return startSharedServer(sharedConfiguration)


@pytest.fixture
def sipp(program: Callable[[str], str], tmp_path: Path) -> Callable[..., SIPp]:
    def start(scenario: str, server: Endpoint | None = None, **arguments: Any) -> SIPp:
        arguments.setdefault("local", ("127.0.0.1", freePort()))
        address = server.address if server else None
        return SIPp(program("sipp"), tmp_path, scenario, server=address, **arguments)

    return start


def _credentials(user: str) -> str:
    return f"[authentication username={user} password={password(user)}]"


@pytest.mark.peer("sipp")
@pytest.mark.parametrize(("transport", "mode"), [("udp", "u1"), ("tcp", "tn")])
def test_sippRegistersAndCalls(
    server: Server, sipp: Callable[..., SIPp], tmp_path: Path, transport: str, mode: str
) -> None:
    """500 registrations, and 200 calls of a user who has to prove who he is for each."""
    endpoint = server.endpoint(transport)
    host, port = local = "127.0.0.1", freePort()
    users = userFile(
        tmp_path / "users.csv",
        [
            (user, f"sip:{user}@{host}:{port}", _credentials(user), _credentials("caller"))
            for user in USERS
        ],
    )
    registered = sipp("register-digest", endpoint, mode=mode, calls=500, rate=100, users=users)
    registered.finish().assertClean(500)
    callee = sipp("callee", local=local, mode="u1" if transport == "udp" else "t1", calls=200)
    table = netsockets.datagramSockets if transport == "udp" else netsockets.listeningSockets
    try:
        waitFor(lambda: table(port), "a sipp that waits for calls")
        caller = sipp("caller-digest", endpoint, mode=mode, calls=200, rate=50, users=users)
        try:
            caller.finish().assertClean(200)
        finally:
            caller.program.kill()
        callee.finish().assertClean(200)
    finally:
        callee.program.kill()


@pytest.mark.peer("baresip")
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_baresip(
    program: Callable[[str], str],
    tmp_path: Path,
    server: Server,
    authority: CertificateAuthority,
    transport: str,
) -> None:
    """Two phones with passwords call each other."""
    with ExitStack() as phones:
        alice, bob = (
            phones.enter_context(
                Baresip(
                    program("baresip"),
                    tmp_path / name,
                    f"{name}-{transport}",
                    server.endpoint(transport),
                    authority.file,
                    password(f"{name}-{transport}"),
                )
            )
            for name in ("alice", "bob")
        )
        for phone in (alice, bob):
            phone.awaitRegistered()
        for caller, callee in ((alice, bob), (bob, alice)):
            connect(caller, callee)
            caller.command("hangup")
            caller.expect("CALL_CLOSED")
            callee.expect("CALL_CLOSED")


@pytest.mark.peer("sipsak")
@pytest.mark.parametrize(("word", "status"), [(password("u3"), 0), ("guess", 1)])
def test_sipsak(
    program: Callable[[str], str], server: Server, tmp_path: Path, word: str, status: int
) -> None:
    port = server.endpoint("udp").port
    result = subprocess.run(
        [
            *(program("sipsak"), "-U", "-s", "sip:u3@127.0.0.1", "-p", f"127.0.0.1:{port}"),
            *("-C", "sip:u3@127.0.0.1:9", "-x", "300", "-u", "u3", "-a", word),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
        cwd=tmp_path,
        check=False,
    )
    assert (result.returncode != 0) == bool(status), result.stdout + result.stderr

"""Two telephones that others wrote register and call each other through the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.peers.baresip import Baresip, connect
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration
from tests.support.server import Server
from tests.support.siptext import newToken

pytestmark = pytest.mark.peer("baresip")

Phones = tuple[Baresip, Baresip]

#: The transports of the caller and of the callee.
PAIRS = [
    ("udp", "udp"),
    ("tcp", "tcp"),
    ("tls", "tls"),
    ("udp", "tcp"),
    ("tcp", "tls"),
    ("tls", "udp"),
]


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    for transport in ("udp", "tcp", "tls"):
        sharedConfiguration.listen(transport)
    sharedConfiguration.listen("udp", "::1")
    sharedConfiguration.listen("tcp", "::1")
    return startSharedServer(sharedConfiguration)


@pytest.fixture
def makePhone(
    program: Callable[[str], str],
    tmp_path: Path,
    server: Server,
    authority: CertificateAuthority,
) -> Iterator[Callable[..., Baresip]]:
    with ExitStack() as stack:

        def make(name: str, transport: str, host: str = "127.0.0.1") -> Baresip:
            # The server keeps its bindings from test to test: every phone is a user of its own.
            user = newToken(f"{name}-")
            endpoint = server.endpoint(transport, host)
            phone = Baresip(program("baresip"), tmp_path / user, user, endpoint, authority.file)
            stack.enter_context(phone)
            phone.awaitRegistered()
            return phone

        yield make


@pytest.mark.parametrize(("callerTransport", "calleeTransport"), PAIRS)
def test_callsBothWays(
    makePhone: Callable[..., Baresip], callerTransport: str, calleeTransport: str
) -> None:
    """A call from each phone, hung up by the caller and by the callee in turn."""
    alice = makePhone("alice", callerTransport)
    bob = makePhone("bob", calleeTransport)
    for caller, callee, quitter in ((alice, bob, alice), (bob, alice, alice)):
        connect(caller, callee)
        # Sound arrives: the phones have understood each other's session description.
        caller.expect("CALL_RTPESTAB")
        quitter.command("hangup")
        caller.expect("CALL_CLOSED")
        callee.expect("CALL_CLOSED")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_callsOverIPv6(makePhone: Callable[..., Baresip], transport: str) -> None:
    alice = makePhone("alice", transport, "::1")
    bob = makePhone("bob", transport, "::1")
    connect(alice, bob)
    bob.command("hangup")
    alice.expect("CALL_CLOSED")
    bob.expect("CALL_CLOSED")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_holdAndResume(makePhone: Callable[..., Baresip], transport: str) -> None:
    """Both are re-INVITEs along the route set of the dialog."""
    alice = makePhone("alice", transport)
    bob = makePhone("bob", transport)
    connect(alice, bob)
    bob.forget()
    alice.command("hold")
    bob.expect("CALL_REMOTE_SDP")
    alice.command("resume")
    bob.expect("CALL_REMOTE_SDP")
    alice.command("hangup")
    bob.expect("CALL_CLOSED")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_callerGivesUp(makePhone: Callable[..., Baresip], transport: str) -> None:
    """CANCEL while it rings: both phones are idle again."""
    alice = makePhone("alice", transport)
    bob = makePhone("bob", transport)
    alice.command("dial", bob.aor)
    bob.expect("CALL_INCOMING")
    alice.expect("CALL_RINGING")
    alice.command("hangup")
    bob.expect("CALL_CLOSED")


def test_calleeDeclines(makePhone: Callable[..., Baresip]) -> None:
    alice = makePhone("alice", "udp")
    bob = makePhone("bob", "tcp")
    alice.command("dial", bob.aor)
    bob.expect("CALL_INCOMING")
    bob.command("hangup")
    closed = alice.expect("CALL_CLOSED")
    assert "486" in closed["param"] or "603" in closed["param"], closed


def test_nobodyThere(makePhone: Callable[..., Baresip]) -> None:
    alice = makePhone("alice", "udp")
    alice.command("dial", "sip:nobody@example.test")
    # RFC 3261 §16.5: no target; a registrar that knows its users may know better (§21.4.5).
    why = alice.expect("CALL_CLOSED")["param"]
    assert "480" in why or "404" in why

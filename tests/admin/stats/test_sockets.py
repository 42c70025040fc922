"""What the kernel says of sockets: real ones, filled until something is lost."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sipapp.admin.stats.snapshot import Snapshot
from sipapp.admin.stats.sockets import readSockets
from tests.support.deadlines import waitFor

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other kernels do not tell"
)


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def read(name: str, sock: socket.socket) -> dict[str, float]:
    """The values of one socket, by the name of the metric."""
    snapshot = Snapshot()
    readSockets(snapshot, [(name, [sock])])
    return {metric: values[name, "0"] for metric, values in snapshot.numbers.items()}


def test_datagrams(sockets: ExitStack) -> None:
    """They wait until there is no room for more, and then they are dropped and counted."""
    receiver = sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    receiver.bind(("127.0.0.1", 0))
    empty = read("udp", receiver)
    assert (empty["socket_drops"], empty["receive_queue_bytes"]) == (0, 0)
    assert empty["receive_queue_limit_bytes"] == 16_384
    sender = sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    for _ in range(100):
        sender.sendto(bytes(1000), receiver.getsockname())
    waitFor(lambda: read("udp", receiver)["socket_drops"] > 50, "datagrams that were dropped")
    full = read("udp", receiver)
    assert full["receive_queue_bytes"] > 8192
    assert "accept_queue" not in full


def test_connections(sockets: ExitStack) -> None:
    """They wait to be accepted; when as many do as may, others are turned away."""
    listener = sockets.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(2)
    empty = read("tcp", listener)
    assert empty == {"socket_drops": 0, "accept_queue": 0, "accept_queue_limit": 2}
    for _ in range(10):
        client = sockets.enter_context(socket.socket())
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    waitFor(lambda: read("tcp", listener)["accept_queue"] >= 2, "connections that wait")
    waitFor(lambda: read("tcp", listener)["socket_drops"] > 0, "connections that are turned away")
    accepted = sockets.enter_context(listener.accept()[0])
    assert accepted.fileno() > 0


def test_slots(sockets: ExitStack) -> None:
    """Each has its own; one that several slots share is counted once."""
    first, second = (
        sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)
    )
    snapshot = Snapshot()
    readSockets(snapshot, [("a", [first, second]), ("b", [first, first])])
    assert set(snapshot.numbers["socket_drops"]) == {("a", "0"), ("a", "1"), ("b", "0")}


def test_others(sockets: ExitStack) -> None:
    """What does not tell is left out."""
    closed = socket.socket()
    closed.close()
    inbox = sockets.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    snapshot = Snapshot()
    readSockets(snapshot, [("closed", [closed]), ("unix", [inbox])])
    assert "accept_queue" not in snapshot.numbers

"""Sockets that were bound before the process was there."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sipapp.pool import BindError, PassedSockets, bindDatagram, bindStream

DATAGRAM, STREAM = socket.SOCK_DGRAM, socket.SOCK_STREAM
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
HOSTS = {4: "127.0.0.1", 6: "::1"}

Passer = Callable[..., PassedSockets]


@pytest.fixture
def owned() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def passed(owned: ExitStack) -> Passer:
    """Passes copies of sockets in a row of descriptors, as systemd does."""

    def passer(*sockets: socket.socket, **variables: str) -> PassedSockets:
        # A row that is free: above everything that is open.
        start = max(map(int, os.listdir("/proc/self/fd"))) + 1
        for place, each in enumerate(sockets):
            os.dup2(each.fileno(), start + place)
        environment = {"LISTEN_FDS": str(len(sockets)), "LISTEN_PID": str(os.getpid())}
        environment.update(variables)
        result = PassedSockets(environment, start)
        assert not environment
        return result

    return passer


def bound(owned: ExitStack, kind: socket.SocketKind, family: int = 4) -> socket.socket:
    each = owned.enter_context(socket.socket(FAMILIES[family], kind))
    if family == 6:
        each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    each.bind((HOSTS[family], 0))
    if kind == STREAM:
        each.listen()
    return each


def portOf(each: socket.socket) -> int:
    port = each.getsockname()[1]
    assert isinstance(port, int)
    return port


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("kind", [DATAGRAM, STREAM])
def test_takenByItsAddress(kind, family, passed, owned):
    ours, other = bound(owned, kind, family), bound(owned, kind, family)
    sockets = passed(other, ours)
    taken = sockets.take(kind, HOSTS[family], portOf(ours), family)
    owned.enter_context(taken)
    assert taken.getsockname() == ours.getsockname()
    assert not taken.getblocking()
    assert not taken.get_inheritable()
    assert sockets.take(kind, HOSTS[family], portOf(ours), family) is None
    with pytest.raises(BindError, match=f":{portOf(other)}: passed .* no listener has"):
        sockets.checkAllTaken()
    owned.enter_context(sockets.take(kind, HOSTS[family], portOf(other), family))
    sockets.checkAllTaken()


def test_transportMatters(passed, owned):
    ours = bound(owned, DATAGRAM)
    sockets = passed(ours, LISTEN_FDNAMES="phones")
    assert sockets.take(STREAM, "127.0.0.1", portOf(ours), 4) is None
    with pytest.raises(BindError) as raised:
        sockets.checkAllTaken()
    assert raised.value.address == f"udp 127.0.0.1:{portOf(ours)}"
    assert "as phones," in raised.value.cause
    owned.enter_context(sockets.take(DATAGRAM, "127.0.0.1", portOf(ours), 4))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "one", "LISTEN_PID": str(os.getpid())},
        {"LISTEN_FDS": "0", "LISTEN_PID": str(os.getpid())},
    ],
)
def test_nothingForUs(environment):
    sockets = PassedSockets(environment)
    sockets.checkAllTaken()
    assert sockets.take(DATAGRAM, "127.0.0.1", 5060, 4) is None


def test_notASocket(tmp_path: Path):
    with (tmp_path / "file").open("w") as file:
        environment = {
            "LISTEN_FDS": "1",
            "LISTEN_PID": str(os.getpid()),
            "LISTEN_FDNAMES": "log",
        }
        with pytest.raises(BindError, match="cannot bind log: passed, but no socket"):
            PassedSockets(environment, file.fileno())


def test_unixSocketIsLeft(tmp_path, passed, owned):
    local = owned.enter_context(socket.socket(socket.AF_UNIX, STREAM))
    local.bind(str(tmp_path / "control"))
    sockets = passed(local)
    assert sockets.take(STREAM, "127.0.0.1", 5060, 4) is None
    with pytest.raises(BindError, match=r"AF_UNIX '.*/control'"):
        sockets.checkAllTaken()


def test_connectionIsNoListener(passed, owned):
    """C{Accept=yes} passes connections."""
    each = owned.enter_context(socket.socket(socket.AF_INET, STREAM))
    each.bind(("127.0.0.1", 0))
    with pytest.raises(BindError, match="Accept=no"):
        passed(each).take(STREAM, "127.0.0.1", portOf(each), 4)


def test_bothFamiliesInOne(passed, owned):
    each = owned.enter_context(socket.socket(socket.AF_INET6, DATAGRAM))
    each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    each.bind(("::", 0))
    with pytest.raises(BindError, match="BindIPv6Only=ipv6-only"):
        passed(each).take(DATAGRAM, "::", portOf(each), 6)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(("kind", "bind"), [(DATAGRAM, bindDatagram), (STREAM, bindStream)])
def test_otherSlotsJoin(kind, bind, family, passed, owned):
    """Also if it was bound without SO_REUSEPORT; and every slot gets its share."""
    ours = bound(owned, kind, family)
    first = passed(ours).take(kind, HOSTS[family], portOf(ours), family)
    sockets = bind(HOSTS[family], portOf(ours), family, 3, first=first)
    for each in sockets:
        owned.enter_context(each)
    assert sockets[0] is first
    assert {each.getsockname() for each in sockets} == {ours.getsockname()}
    for _ in range(200):
        client = owned.enter_context(socket.socket(FAMILIES[family], kind))
        client.connect(ours.getsockname())
        if kind == DATAGRAM:
            client.send(b"here")
    for each in sockets:
        # Raises BlockingIOError if there is nothing.
        if kind == DATAGRAM:
            each.recv(10)
        else:
            owned.enter_context(each.accept()[0])


def inAnotherUser(work: Callable[[], None]) -> str:
    """Do something as a user without privileges.

    @return: what it has raised.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setuid(65534)
            work()
        except BaseException as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with open(reading, "rb") as pipe:
        return pipe.read().decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_socketOfAnotherUser(owned):
    """One worker can have it; a second one would need a socket that the kernel does not add."""
    ours = bound(owned, DATAGRAM)
    port = portOf(ours)

    assert not inAnotherUser(lambda: bindDatagram("127.0.0.1", port, 4, 1, first=ours).clear())
    told = inAnotherUser(lambda: bindDatagram("127.0.0.1", port, 4, 2, first=ours).clear())
    assert f"udp 127.0.0.1:{port}" in told
    assert "it belongs to uid 0" in told
    assert "CAP_CHOWN" in told

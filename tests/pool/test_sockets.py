"""The sockets of the slots: one group per address, ours alone."""

from __future__ import annotations

import os
import select
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from twisted.python.util import runAsEffectiveUser

from sipapp.pool import BindError, bindDatagram, bindInbox, bindStream, setReceiveBuffer

HOSTS = {4: "127.0.0.1", 6: "::1"}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


@pytest.fixture
def owned() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def hold(owned: ExitStack, sockets: list[socket.socket]) -> list[socket.socket]:
    for each in sockets:
        owned.enter_context(each)
    return sockets


def foreign(owned: ExitStack, kind: socket.SocketKind, host: str, *options: int) -> socket.socket:
    """A socket of another server."""
    other = owned.enter_context(socket.socket(socket.AF_INET, kind))
    for option in options:
        other.setsockopt(socket.SOL_SOCKET, option, 1)
    other.bind((host, 0))
    if kind == socket.SOCK_STREAM:
        other.listen()
    return other


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("bind", [bindDatagram, bindStream])
def test_everySlotHasASocketOnTheSamePort(bind, family, owned):
    sockets = hold(owned, bind(HOSTS[family], 0, family, 4))
    assert len(sockets) == 4
    assert len({each.getsockname()[:2] for each in sockets}) == 1
    for each in sockets:
        assert each.getsockname()[0] == HOSTS[family]
        assert each.family == FAMILIES[family]
        assert not each.getblocking()
        assert not each.get_inheritable()
        assert each.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) == 1


@pytest.mark.parametrize("bind", [bindDatagram, bindStream])
def test_theSameServerIsRefusedASecondTime(bind, owned):
    first = hold(owned, bind("127.0.0.1", 0, 4, 2))
    port = first[0].getsockname()[1]
    with pytest.raises(BindError) as raised:
        bind("127.0.0.1", port, 4, 2)
    transport = "udp" if bind is bindDatagram else "tcp"
    assert raised.value.address == f"{transport} 127.0.0.1:{port}"
    assert raised.value.cause == "Address already in use"
    assert str(raised.value) == f"cannot bind {raised.value.address}: Address already in use"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_theGroupOfAnotherServerIsNotJoined(kind, host, owned):
    options = [socket.SO_REUSEPORT]
    if kind == socket.SOCK_STREAM:
        options.append(socket.SO_REUSEADDR)
    port = foreign(owned, kind, host, *options).getsockname()[1]
    bind = bindDatagram if kind == socket.SOCK_DGRAM else bindStream
    with pytest.raises(BindError, match="Address already in use"):
        bind("127.0.0.1", port, 4, 2)


def test_aRefusedAddressLeavesNothingBound(owned):
    port = foreign(owned, socket.SOCK_DGRAM, "127.0.0.1").getsockname()[1]
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BindError):
        bindDatagram("127.0.0.1", port, 4, 4)
    assert len(os.listdir("/proc/self/fd")) == before


def test_ipv6DoesNotTakeIPv4(owned):
    port = hold(owned, bindDatagram("::", 0, 6, 2))[0].getsockname()[1]
    hold(owned, bindDatagram("0.0.0.0", port, 4, 2))


def test_datagramsReachOneSlotEach(owned):
    sockets = hold(owned, bindDatagram("127.0.0.1", 0, 4, 4))
    address = sockets[0].getsockname()
    for _ in range(64):
        owned.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).sendto(b"x", address)
    counts = [countDatagrams(each) for each in sockets]
    assert sum(counts) == 64
    assert all(counts), "the group has a member that gets nothing"


def countDatagrams(receiver: socket.socket) -> int:
    count = 0
    while select.select([receiver], [], [], 0)[0]:
        receiver.recv(100)
        count += 1
    return count


def test_connectionsReachEverySlot(owned):
    sockets = hold(owned, bindStream("127.0.0.1", 0, 4, 2, backlog=128))
    for _ in range(64):
        owned.enter_context(socket.create_connection(sockets[0].getsockname(), 5))
    for each in sockets:
        assert select.select([each], [], [], 5)[0]


def test_connectionsInTimeWaitDoNotStopARestart(owned):
    [listener] = bindStream("127.0.0.1", 0, 4, 1)
    address = listener.getsockname()
    with socket.create_connection(address, 5) as client:
        select.select([listener], [], [], 5)
        accepted, _ = listener.accept()
        accepted.close()  # the side that closes first keeps the port in TIME-WAIT
        assert client.recv(1) == b""
    listener.close()
    hold(owned, bindStream("127.0.0.1", address[1], 4, 2))


def test_receiveBuffer(owned):
    [small] = hold(owned, bindDatagram("127.0.0.1", 0, 4, 1, receiveBuffer=8192))
    [large] = hold(owned, bindDatagram("127.0.0.1", 0, 4, 1, receiveBuffer=65536))
    # The kernel doubles what is asked for, for its own bookkeeping.
    assert small.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * 8192
    assert large.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * 65536


def test_whatRootHasGivenStays(owned):
    """A server that has become another user does not take it away from its own sockets."""
    most = int(Path("/proc/sys/net/core/rmem_max").read_text())
    [each] = hold(owned, bindDatagram("127.0.0.1", 0, 4, 1, receiveBuffer=2 * most))
    if each.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) != 4 * most:
        pytest.skip("more than rmem_max takes CAP_NET_ADMIN, and another user root")
    runAsEffectiveUser(65534, 65534, setReceiveBuffer, each, 2 * most)
    assert each.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 4 * most
    runAsEffectiveUser(65534, 65534, setReceiveBuffer, each, most // 2)
    assert each.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == most


@pytest.mark.parametrize(
    ("host", "port", "family", "address", "cause"),
    [
        ("192.0.2.1", 5060, 4, "udp 192.0.2.1:5060", "Cannot assign requested address"),
        ("2001:db8::1", 5060, 6, r"udp [2001:db8::1]:5060", "Cannot assign requested address"),
        ("example.com", 5060, 4, "udp example.com:5060", "Name or service not known"),
        ("127.0.0.1", 65536, 4, "udp 127.0.0.1:65536", "a port is a number from 0 to 65535"),
    ],
)
def test_errorsNameAddressAndCause(host, port, family, address, cause):
    with pytest.raises(BindError) as raised:
        bindDatagram(host, port, family, 1)
    assert (raised.value.address, raised.value.cause) == (address, cause)


def test_anAddressOfTheOtherFamilyIsRefused():
    with pytest.raises(BindError, match=r"cannot bind tcp 127\.0\.0\.1:0"):
        bindStream("127.0.0.1", 0, 6, 1)


def test_aPoolWithoutSlotsIsAMistake():
    with pytest.raises(ValueError, match="at least one slot"):
        bindDatagram("127.0.0.1", 0, 4, 0)


def test_inboxTakesDatagramsAndKeepsThem(tmp_path, owned):
    path = tmp_path / "a1"
    inbox = owned.enter_context(bindInbox(str(path)))
    sender = owned.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    sender.sendto(b"for you", str(path))
    assert inbox.recv(100) == b"for you"
    assert not inbox.getblocking()
    assert not inbox.get_inheritable()


def test_inboxIsForThisUserOnly(tmp_path, owned):
    before = os.umask(0)
    try:
        owned.enter_context(bindInbox(str(tmp_path / "a1")))
        assert os.umask(0) == 0, "the umask of the process is left as it was"
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a1").stat().st_mode) == 0o600


def test_inboxReplacesWhatADeadProcessLeft(tmp_path, owned):
    path = str(tmp_path / "a1")
    bindInbox(path).close()
    owned.enter_context(bindInbox(path))


def test_inboxDoesNotReplaceAFile(tmp_path):
    path: Path = tmp_path / "a1"
    path.write_text("precious")
    with pytest.raises(BindError, match="not a socket"):
        bindInbox(str(path))
    assert path.read_text() == "precious"


def test_inboxErrors(tmp_path):
    with pytest.raises(BindError, match="No such file or directory"):
        bindInbox(str(tmp_path / "missing" / "a1"))
    with pytest.raises(BindError, match="path too long"):
        bindInbox(str(tmp_path / ("a" * 108)))

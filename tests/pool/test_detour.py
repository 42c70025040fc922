"""What is new goes around a socket that nobody reads, and what waits in it is let go."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from sipapp.pool import bindDatagram, bindStream
from sipapp.pool.detour import divert, throwAway, turnAway

#: Linux; the socket module does not name it.
_IP_RECVERR = 11


@pytest.fixture
def group() -> Iterator[list[socket.socket]]:
    sockets = bindStream("127.0.0.1", 0, 4, 4)
    yield sockets
    for each in sockets:
        each.close()


def accepted(group: list[socket.socket], connections: int) -> list[int]:
    """
    @return: how many of so many connections each socket has got.
    """
    clients = [socket.create_connection(group[0].getsockname()) for _ in range(connections)]
    counts = [0] * len(group)
    for slot, each in enumerate(group):
        while True:
            try:
                each.accept()[0].close()
            except BlockingIOError:
                break
            counts[slot] += 1
    for client in clients:
        client.close()
    return counts


@pytest.mark.parametrize("slots", [[0, 1, 2], [1, 3], [2]], ids=str)
def test_onlySomeSockets(group: list[socket.socket], slots: list[int]) -> None:
    """Each of them gets its share, and a second word takes the place of the first."""
    assert divert(group[0], [3])
    assert divert(group[0], slots)
    counts = accepted(group, 80)
    assert sum(counts) == 80
    assert {slot for slot, count in enumerate(counts) if count} == set(slots)
    assert divert(group[0], range(4))
    assert all(accepted(group, 80))


def test_whoWaitsIsTurnedAway(group: list[socket.socket]) -> None:
    divert(group[0], [1])
    with socket.create_connection(group[0].getsockname(), timeout=5) as client:
        turnAway(group[1])
        assert client.recv(10) == b""
    turnAway(group[1])


def test_noGroup() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        assert not divert(other, [0])
        turnAway(other)


def test_datagramsThatNobodyReads() -> None:
    """Also if there is word in between that one sent from there has not arrived."""
    [parked] = bindDatagram("127.0.0.1", 0, 4, 1)
    [gone] = bindDatagram("127.0.0.1", 0, 4, 1)
    nobody = gone.getsockname()
    gone.close()
    with parked, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        parked.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        for _ in range(3):
            client.sendto(b"x" * 100, parked.getsockname())
            with contextlib.suppress(ConnectionRefusedError):
                parked.sendto(b"x", nobody)
        throwAway(parked)
        with pytest.raises(BlockingIOError):
            parked.recv(10)
        client.sendto(b"new", parked.getsockname())
        assert parked.recv(10) == b"new"


def test_aSocketThatIsClosed() -> None:
    closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    closed.close()
    throwAway(closed)

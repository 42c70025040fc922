"""New connections go around a socket that nobody accepts from."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sipapp.pool import bindStream
from sipapp.pool.detour import divert, turnAway


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

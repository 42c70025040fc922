"""Each socket of a group gets the next connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sipapp.pool import bindStream
from sipapp.pool.detour import divert
from sipapp.pool.rota import takeTurns
from tests.pool.test_detour import accepted

SLOTS = 4


@pytest.fixture
def group() -> Iterator[list[socket.socket]]:
    sockets = bindStream("127.0.0.1", 0, 4, SLOTS)
    yield sockets
    for each in sockets:
        each.close()


def mayLoad() -> bool:
    """Whether this user may give extended BPF to this kernel."""
    [only] = bindStream("127.0.0.1", 0, 4, 1)
    with only:
        return takeTurns(only, [0])


needsPrivilege = pytest.mark.skipif(
    not mayLoad(), reason="this user may not load extended BPF here"
)


@needsPrivilege
@pytest.mark.parametrize("slots", [[0, 1, 2, 3], [0, 1], [3, 1], [2]], ids=str)
def test_inTurn(group: list[socket.socket], slots: list[int]) -> None:
    assert takeTurns(group[0], slots)
    counts = accepted(group, 12)
    assert counts == [12 // len(slots) if slot in slots else 0 for slot in range(SLOTS)]


@needsPrivilege
def test_whatIsSaidLastHolds(group: list[socket.socket]) -> None:
    takeTurns(group[0], range(SLOTS))
    divert(group[0], [1])
    assert accepted(group, 8) == [0, 8, 0, 0]
    takeTurns(group[0], [0, 2])
    assert accepted(group, 8) == [4, 0, 4, 0]


@needsPrivilege
def test_itOutlivesWhoHasSaidIt(group: list[socket.socket]) -> None:
    """The descriptors are closed, and the socket that it was said to may be."""
    takeTurns(group[3], [0, 1])
    group.pop().close()
    assert accepted(group, 8) == [4, 4, 0]


def test_refused() -> None:
    """What cannot be leaves all as it was."""
    with socket.socket() as alone:
        assert not takeTurns(alone, [0, 1])

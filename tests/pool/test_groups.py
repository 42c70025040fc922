"""Groups of sockets that grow and shrink, and which of them get anything."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from sipapp.pool import BindError, ListenerService, bindDatagram, bindStream
from sipapp.pool.detour import divert

SENT = 60


@pytest.fixture(params=["udp", "tcp"])
def service(request: pytest.FixtureRequest) -> Iterator[ListenerService]:
    """A listener at a port that stays the same, whatever its size."""
    bind = bindDatagram if request.param == "udp" else bindStream

    def again(count: int, first: socket.socket | None) -> list[socket.socket]:
        port = 0 if first is None else first.getsockname()[1]
        return bind("127.0.0.1", port, 4, count, first=first)

    service = ListenerService(request.param, again)
    yield service
    service.stopService()


def hits(service: ListenerService) -> list[int]:
    """
    @return: how many of some datagrams or connections came to each socket.
    """
    address = service.sockets[0].getsockname()
    isDatagram = service.address == "udp"
    clients = []
    for _ in range(SENT):
        kind = socket.SOCK_DGRAM if isDatagram else socket.SOCK_STREAM
        client = socket.socket(socket.AF_INET, kind)
        clients.append(client)
        client.connect(address)
        if isDatagram:
            client.send(b"x")
    found = []
    for each in service.sockets:
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                if isDatagram:
                    each.recv(1)
                else:
                    each.accept()[0].close()
                count += 1
        found.append(count)
    for client in clients:
        client.close()
    return found


def test_growsAndShrinksAtItsEnd(service: ListenerService) -> None:
    service.grow(2)
    first = service.sockets
    assert len(first) == 2
    service.grow(4)
    assert service.sockets[:2] == first
    assert len({each.getsockname() for each in service.sockets}) == 1
    service.grow(3)
    assert len(service.sockets) == 4
    *_, last = service.sockets
    service.shrink(1)
    assert service.sockets == first[:1]
    assert last.fileno() == -1
    assert sum(hits(service)) == SENT
    service.grow(2)
    assert sum(hits(service)) == SENT


def test_whatCannotGrowStaysAsItIs() -> None:
    """The attempt is made with a duplicate, which it may close."""

    def bind(count: int, first: socket.socket | None) -> list[socket.socket]:
        if first is None:
            return bindDatagram("127.0.0.1", 0, 4, count)
        first.close()
        raise BindError("udp 127.0.0.1:5060", "Address already in use")

    service = ListenerService("udp", bind)
    service.grow(1)
    with pytest.raises(BindError):
        service.grow(2)
    assert hits(service) == [SENT]
    service.stopService()


@pytest.mark.parametrize("slots", [1, 2])
def test_onlyTheFirstSocketsGetAnything(service: ListenerService, slots: int) -> None:
    service.grow(4)
    assert divert(service.sockets[0], range(slots))
    found = hits(service)
    assert found[slots:] == [0] * (4 - slots)
    assert sum(found) == SENT
    assert all(found[:slots])
    # It holds for sockets that join later as well, and until something else is said.
    service.grow(5)
    assert sum(hits(service)[:slots]) == SENT
    assert divert(service.sockets[0], range(5))
    assert sum(hits(service)) == SENT


def test_aSingleDatagramSocketIsNoGroupYet() -> None:
    [only] = bindDatagram("127.0.0.1", 0, 4, 1)
    with only:
        assert not divert(only, range(1))

"""The sockets of listeners through one configuration after the other."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from sipapp.config import Plan, parseSettings, resolve
from sipapp.listening import Given, Listening
from sipapp.plugins import resourceTypes
from sipapp.pool import BindError
from tests.support.ports import freePort

BUFFER = 1 << 16


def plan(*blocks: tuple[str, int, int]) -> Plan:
    """
    @param blocks: transport, port and number of workers of each listener on loopback.
    """
    text = '[server]\ndomains = ["example.test"]\n' + "".join(
        f'[[listen]]\naddress = "127.0.0.1"\ntransport = "{transport}"\nport = {port}\n'
        f"socket_workers = {workers}\n"
        for transport, port, workers in blocks
    )
    return resolve(parseSettings(text, "sipapp.toml", resourceTypes()))


class Generations:
    """Takes plans one after the other, as a server that reloads does."""

    def __init__(self) -> None:
        self.listening = Listening(self._give)
        self.listening.startService()
        self.descriptors: list[int] = []
        self.plan = Plan(listeners=(), pools=())
        self.given: Given = {}

    def _give(self, fd: int) -> None:
        self.descriptors.append(fd)

    def open(self, following: Plan) -> tuple[Plan, Given]:
        slots = {each.index: each.slots for each in self.plan.listeners}
        return self.listening.open(self.listening.place(following), slots, BUFFER)

    def replace(self, following: Plan) -> None:
        self.plan, self.given = self.open(following)
        for listener in self.plan.listeners:
            self.listening.direct(listener)
        self.listening.keep([self.given])

    def sockets(self) -> dict[str, int]:
        """How many sockets there are of each listener."""
        return {
            each.transport: len(self.listening.sockets(each.index)) for each in self.plan.listeners
        }


@pytest.fixture
def generations() -> Iterator[Generations]:
    generations = Generations()
    yield generations
    generations.listening.stopService()


def isFree(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_aListenerKeepsItsNumberAndSockets(generations: Generations) -> None:
    one, other = freePort(), freePort()
    generations.replace(plan(("udp", one, 2), ("udp", other, 1)))
    first, second = (each.index for each in generations.plan.listeners)
    kept = generations.listening.sockets(second)
    generations.replace(plan(("udp", other, 1)))
    assert [each.index for each in generations.plan.listeners] == [second]
    assert [each.listeners for each in generations.plan.pools] == [(second,)]
    assert generations.listening.sockets(second) == kept
    assert isFree(one)
    generations.replace(plan(("udp", other, 1), ("udp", one, 2)))
    assert [each.index for each in generations.plan.listeners] == [second, first]


def test_whatTheUserOwns(generations: Generations) -> None:
    """Every socket, also one that is bound later, once."""
    port = freePort()
    generations.replace(plan(("udp", port, 2)))
    generations.replace(plan(("udp", port, 4)))
    [listener] = generations.plan.listeners
    sockets = generations.listening.sockets(listener.index)
    assert generations.descriptors == [each.fileno() for each in sockets]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sparesStayForOneGeneration(generations: Generations, transport: str) -> None:
    """Four slots, then one: the sockets of the other three are read for one generation more."""
    port = freePort()
    sizes = []
    for slots in (2, 4, 1, 1, 3):
        generations.replace(plan((transport, port, slots)))
        [listener] = generations.plan.listeners
        sizes.append((generations.given[listener.index], generations.sockets()[transport]))
    assert sizes == [(2, 2), (4, 4), (4, 4), (1, 1), (3, 3)]


def test_socketsStayOpenAsLongAsAnybodyHasThem(generations: Generations) -> None:
    port = freePort()
    generations.replace(plan(("udp", port, 3)))
    before = generations.given
    following, given = generations.open(plan(("udp", port, 1)))
    generations.listening.keep([before, given])
    assert generations.sockets() == {"udp": 3}
    _, last = generations.listening.open(
        generations.listening.place(plan(("udp", port, 1))),
        {each.index: each.slots for each in following.listeners},
        BUFFER,
    )
    generations.listening.keep([before, last])
    assert generations.sockets() == {"udp": 3}
    generations.listening.keep([last])
    assert generations.sockets() == {"udp": 1}


def test_anotherProtocolOverTheSameSockets(generations: Generations) -> None:
    """A connection over TCP must not be taken for one over TLS: the number is another."""
    port = freePort()
    generations.replace(plan(("tcp", port, 2)))
    [before] = generations.plan.listeners
    sockets = generations.listening.sockets(before.index)
    following = plan(("tcp", port, 2))
    [listener] = following.listeners
    generations.replace(replace(following, listeners=(replace(listener, transport="tls"),)))
    [after] = generations.plan.listeners
    assert after.index != before.index
    assert generations.listening.sockets(after.index) == sockets


def test_portsOfTheKernelsChoice(generations: Generations) -> None:
    """Two listeners that are alike: each keeps its own."""
    generations.replace(plan(("udp", 0, 1), ("udp", 0, 1)))
    ports = [each.port for each in generations.plan.listeners]
    assert 0 not in ports
    assert len(set(ports)) == 2
    generations.replace(plan(("udp", 0, 2), ("udp", 0, 1)))
    assert [each.port for each in generations.plan.listeners] == ports


def test_whatCannotBeBoundLeavesNothing(generations: Generations) -> None:
    port, free = freePort(), freePort()
    generations.replace(plan(("udp", port, 2)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        with pytest.raises(BindError, match=str(taken)):
            generations.open(plan(("udp", port, 4), ("udp", free, 2), ("udp", taken, 1)))
        generations.listening.keep([generations.given])
    assert generations.sockets() == {"udp": 2}
    assert isFree(free)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_newSocketsGetNothingBeforeTheTakeover(generations: Generations, transport: str) -> None:
    """Nobody reads them yet."""
    port = freePort()
    generations.replace(plan((transport, port, 2)))
    [listener] = generations.plan.listeners
    generations.open(plan((transport, port, 4)))
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    clients = [socket.socket(socket.AF_INET, kind) for _ in range(40)]
    for number, client in enumerate(clients):
        client.connect(("127.0.0.1", port))
        client.send(b"OPTIONS sip:a SIP/2.0\r\nCall-ID: %d\r\n\r\n" % number)
    received = []
    for each in generations.listening.sockets(listener.index):
        count = 0
        while True:
            try:
                if transport == "udp":
                    each.recv(1)
                else:
                    each.accept()[0].close()
            except BlockingIOError:
                break
            count += 1
        received.append(count)
    for client in clients:
        client.close()
    assert sum(received) == 40
    assert received[2:] == [0, 0]
    assert all(received[:2])

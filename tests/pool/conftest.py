"""Fixtures of the tests with real worker processes."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sipapp.pool import Patience, ProcessPool, Spawn, bindDatagram
from tests.pool import WORKER
from tests.support.processes import isAlive

#: Seconds that a test waits for anything before it fails.
PATIENCE = 15.0


async def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Let the reactor run until a condition is true.

    @return: what the condition returned.
    @raise TimeoutError: saying what never happened.
    """
    deadline = reactor.seconds() + PATIENCE
    while not (value := condition()):
        if reactor.seconds() > deadline:
            raise TimeoutError(f"not within {PATIENCE:g} s: {what}")
        await deferLater(reactor, 0.01)
    return value


class Client:
    """Asks the workers of the tests; see C{workerscript}."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)

    def tell(self, address: Any, question: str) -> None:
        self._socket.sendto(question.encode(), address)

    def answer(self) -> Any:
        """
        @return: the answer, wrapped in a tuple; C{None} while there is none.
        """
        try:
            return (json.loads(self._socket.recv(65536)),)
        except BlockingIOError:
            return None

    async def ask(self, address: Any, question: str) -> Any:
        self.tell(address, question)
        return (await eventually(self.answer, f"an answer to {question!r}"))[0]

    def close(self) -> None:
        self._socket.close()


class RealPool:
    """A pool of real processes, each with a UDP socket of its own.

    @ivar addresses: of the sockets, by slot.
    @ivar output: the log events that the output of the workers has become.
    """

    def __init__(self, size: int, task: str, **patience: float) -> None:
        self.sockets = [bindDatagram("127.0.0.1", 0, 4, 1)[0] for _ in range(size)]
        self.addresses = [each.getsockname() for each in self.sockets]
        self.output: list[Any] = []
        self.task = task
        self.pids: set[int] = set()
        self.pool = ProcessPool(
            "udp-0",
            size,
            self.describe,
            WORKER,
            reactor,
            patience=Patience(**patience),
            observer=self.output.append,
        )

    def describe(self, slot: int) -> Spawn:
        return Spawn(self.task.encode(), {"udp": self.sockets[slot].fileno()})

    def start(self) -> Deferred[None]:
        self.pool.startService()
        self.pids.update(self.livingPids())
        return self.pool.whenReady()

    def livingPids(self) -> set[int]:
        return {each.pid for each in self.pool.workers() if each.pid is not None}

    def lines(self) -> list[str]:
        return [each["line"] for each in self.output]

    async def stop(self) -> None:
        self.pids.update(self.livingPids())
        await self.pool.stopService()
        for each in self.sockets:
            each.close()
        assert not [pid for pid in self.pids if isAlive(pid)]


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


@pytest_twisted.async_yield_fixture
async def makePool():
    """Makes pools of real processes, and stops them at the end."""
    made: list[RealPool] = []

    def make(size: int = 1, task: str = "serve", **patience: float) -> RealPool:
        made.append(RealPool(size, task, **{"drain": 5.0, "margin": 5.0, **patience}))
        return made[-1]

    yield make
    for each in made:
        await each.stop()

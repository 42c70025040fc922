"""The life of a pool whose processes are in memory."""

from __future__ import annotations

from typing import Any

from sipapp.pool import Patience, ProcessPool, Spawn
from tests.pool.inmemory import MemoryReactor


class Timeline:
    """A pool, and what is known about it."""

    def __init__(self, size: int = 3, **patience: float) -> None:
        self.reactor = MemoryReactor()
        self.described: list[int] = []
        self.readied: list[str] = []
        self.exits: list[str] = []
        self.output: list[Any] = []
        self.ready: list[Any] = []
        self.pool = ProcessPool(
            "udp-0",
            size,
            self.describe,
            ("python", "-m", "worker"),
            self.reactor,
            patience=Patience(**patience),
            environment={"LANG": "C"},
            onReady=self.readied.append,
            onExit=self.exits.append,
            observer=self.output.append,
        )
        self.pool.whenReady().addBoth(self.ready.append)

    def describe(self, slot: int) -> Spawn:
        self.described.append(slot)
        return Spawn(b"payload %d" % slot, {"udp:127.0.0.1:5060": 70 + slot, "bus": 80 + slot})

    @property
    def workers(self):
        return self.reactor.workers

    def states(self) -> list[str]:
        return [each.state for each in self.pool.workers()]

    def startAll(self) -> None:
        self.pool.startService()
        for worker in self.workers:
            worker.sayReady()
        assert self.ready == [None]

    def quiesce(self) -> list[Any]:
        quiet: list[Any] = []
        self.pool.quiesce().addCallback(quiet.append)
        for worker in self.workers:
            worker.pump.flush()
        return quiet

    def handOver(self, *successors: str) -> list[Any]:
        given: list[Any] = []
        self.pool.handOver(successors).addCallback(given.append)
        self.reactor.pumpAll()
        return given

    def stop(self) -> list[None]:
        stopped: list[None] = []
        self.pool.stopService().addCallback(stopped.append)
        self.reactor.pumpAll()
        return stopped

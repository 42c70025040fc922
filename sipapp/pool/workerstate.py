"""A line in the listing of a pool."""

from __future__ import annotations

from dataclasses import dataclass

from .slot import Slot


@dataclass(frozen=True)
class WorkerState:
    """The worker of a slot as it is now.

    @ivar name: pool and slot.
    @ivar slot: counted from 0.
    @ivar pid: C{None} while there is no process.
    @ivar state: one of the states in L{sipapp.pool.slottable}.
    @ivar since: when it entered the state, in seconds on the reactor's clock.
    @ivar restarts: how many times a process was replaced in this slot.
    @ivar reason: why the last one was, or C{''}.
    """

    name: str
    slot: int
    pid: int | None
    state: str
    since: float
    restarts: int
    reason: str

    @classmethod
    def of(cls, slot: Slot) -> WorkerState:
        return cls(
            slot.name, slot.index, slot.pid, slot.state, slot.since, slot.restarts, slot.reason
        )

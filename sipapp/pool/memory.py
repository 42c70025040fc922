"""What the workers of a pool need of memory, and what becomes of one that needs too much."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.application.internet import TimerService
from twisted.logger import Logger

from .pool import ProcessPool
from .slottable import READY
from .workerstate import WorkerState

#: Seconds between two looks.
_INTERVAL = 5.0
#: Seconds from one renewal of a slot to the next, at least: at first, and at most.
_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 3600.0

_MIB = 1 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


def privateSize(pid: int) -> int:
    """
    @return: how much memory a process occupies, in bytes, without what others may have in common
        with it, such as a database; 0 if there is no such process.
    """
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            _, resident, shared, *_ = map(int, file.read().split())
            return (resident - shared) * _PAGE
    except (OSError, ValueError):
        return 0


@dataclass
class _Past:
    """The last renewal of a slot.

    @ivar at: when it was.
    @ivar pause: how long there is no other.
    @ivar isTold: whether the log has been told that the limit is of no use.
    """

    at: float
    pause: float
    isTold: bool = False


class MemoryWatch(TimerService):
    """Has each worker renewed that occupies more memory than it may, the largest first.

    A fresh worker may occupy too much at once, because of what it serves or as the limit is too
    low. So a slot is not renewed again within a minute; and if its worker was over the limit again
    by then, the next pause is twice as long.
    """

    log = Logger()

    def __init__(
        self,
        pool: ProcessPool,
        limit: int,
        renew: Callable[[int], Any],
        reactor: Any,
        sizeOf: Callable[[int], int] = privateSize,
    ) -> None:
        """
        @param limit: in bytes.
        @param renew: called with the number of a slot, while C{pool.renewals.mayBegin}.
        @param reactor: provides C{IReactorTime}.
        @param sizeOf: tells how much a process occupies, in bytes.
        """
        super().__init__(_INTERVAL, self.look)
        self.clock = self._reactor = reactor
        self._pool = pool
        self._limit = limit
        self._renew = renew
        self._sizeOf = sizeOf
        self._pasts: dict[int, _Past] = {}

    def look(self) -> None:
        """Look at every worker, and have at most one renewed."""
        if not self._pool.renewals.mayBegin:
            return
        sizes = {
            worker: self._sizeOf(worker.pid)
            for worker in self._pool.workers()
            if worker.state == READY and worker.pid is not None
        }
        for worker in sorted(sizes, key=lambda each: sizes[each], reverse=True):
            if sizes[worker] > self._limit and self._isDue(worker, sizes[worker]):
                self.log.warn(
                    "{name} is over its memory limit, pid {pid}: {size} MiB of {limit}. A fresh"
                    " worker takes its place",
                    **self._told(worker, sizes[worker]),
                )
                try:
                    self._renew(worker.slot)
                except Exception:
                    self.log.failure("{name} is not replaced", name=worker.name)
                return

    def _isDue(self, worker: WorkerState, size: int) -> bool:
        """Whether a slot may be renewed. If so that is taken to happen now."""
        now: float = self._reactor.seconds()
        past = self._pasts.get(worker.slot)
        if past is None:
            self._pasts[worker.slot] = _Past(now, _FIRST_PAUSE)
            return True
        wait = past.at + past.pause - now
        if wait <= 0:
            pause = min(2 * past.pause, _LONGEST_PAUSE) if past.isTold else _FIRST_PAUSE
            self._pasts[worker.slot] = _Past(now, pause)
            return True
        if not past.isTold:
            past.isTold = True
            self.log.critical(
                "{name} IS OVER ITS MEMORY LIMIT AGAIN, pid {pid}: {size} MiB of {limit},"
                " {after:.0f} s after a fresh one was started for that. The limit is too low, or"
                " something grows fast. It is not replaced again within {wait:.0f} s",
                **self._told(worker, size),
                after=now - past.at,
                wait=wait,
            )
        return False

    def _told(self, worker: WorkerState, size: int) -> dict[str, object]:
        return {
            "name": worker.name,
            "pid": worker.pid,
            "size": size // _MIB,
            "limit": self._limit // _MIB,
        }

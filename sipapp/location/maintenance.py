"""What the parent process does for the location store that its workers share."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from sipapp.location.bindingfile import BindingFile

__all__ = ["LocationMaintenance"]

_log = Logger()

_PURGE = 250
"""Bindings dropped in one transaction, so that the workers get their turn in between."""


class LocationMaintenance(Service):
    """Syncs the file to the disk, drops what has expired and frees the reader slots of workers
    that died: at each interval, and once more when it stops.

    The file is opened and used in threads only, one job at a time; the reactor never waits for
    the disk.
    """

    def __init__(
        self,
        path: Path,
        reactor: IReactorTime,
        interval: float = 1.0,
        mapSize: int = 1 << 30,
        clock: Callable[[], float] = time.time,
        inThread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        """
        @param interval: seconds between two syncs: the most that a power cut can lose.
        @param clock: gives the seconds since the epoch.
        @param inThread: runs a function where it may block.
        """
        self._path = path
        self._mapSize = mapSize
        self._interval = interval
        self._clock = clock
        self._inThread = inThread
        self._file: BindingFile | None = None
        self._ticks = LoopingCall(self._tick)
        self._ticks.clock = reactor
        self._ended: Deferred[Any] | None = None

    def startService(self) -> None:
        super().startService()
        # Only the parent syncs, so only here is it worth while to release the interpreter's lock
        # around LMDB's calls.
        lmdb.enable_drop_gil()
        self._ended = self._ticks.start(self._interval, now=True)

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        self._ticks.stop()
        assert self._ended is not None
        return self._ended.addCallback(lambda _: self._inThread(self._finish)).addErrback(_report)

    def _tick(self) -> Deferred[Any]:
        return self._inThread(self.maintain).addErrback(_report)

    def maintain(self) -> int:
        """One round; blocks.

        @return: how many bindings were dropped.
        """
        if self._file is None:
            self._file = BindingFile(self._path, self._mapSize)
        self._file.readerCheck()
        dropped = count = self._file.purge(self._clock(), _PURGE)
        while count == _PURGE:
            count = self._file.purge(self._clock(), _PURGE)
            dropped += count
        self._file.sync()
        return dropped

    def _finish(self) -> None:
        if self._file is not None:
            self._file.sync()
            self._file.close()
            self._file = None


def _report(failure: Failure) -> None:
    _log.failure("Maintenance of the location store failed", failure=failure)

"""What the parent process does for the location store that its workers share."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import lmdb
from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from sipapp.location.bindingfile import BindingFile
from sipapp.location.copies import Copies, MarkUnreadable, thisBoot

__all__ = ["LocationMaintenance", "NotRunning"]

T = TypeVar("T")

_log = Logger()

_PURGE = 250
"""Bindings dropped in one transaction, so that the workers get their turn in between."""


class NotRunning(Exception):
    """The store is not open: the server has not begun, or stops."""


class LocationMaintenance(Service):
    """Sees to it that a power cut loses little: see L{sipapp.location.copies}. Drops what has
    expired and frees the reader slots of workers that died. All that at each interval.

    The file is used in threads only; the reactor never waits for the disk. Others in this process
    who want something of the store L{use} the file that is open here: there can be no second one.
    """

    def __init__(
        self,
        path: Path,
        reactor: IReactorTime,
        interval: float = 1.0,
        mapSize: int = 1 << 30,
        clock: Callable[[], float] = time.time,
        inThread: Callable[..., Deferred[Any]] = deferToThread,
        boot: str | None = None,
    ) -> None:
        """
        @param interval: seconds between two copies: the most that a power cut can lose.
        @param clock: gives the seconds since the epoch.
        @param inThread: runs a function where it may block.
        @param boot: the present boot of the machine; C{None} finds out.
        """
        self._path = path
        self._mapSize = mapSize
        self._interval = interval
        self._clock = clock
        self._inThread = inThread
        self._boot = boot
        self._file: BindingFile | None = None
        self._copies: Copies | None = None
        self._ticks = LoopingCall(self._tick)
        self._ticks.clock = reactor
        self._ended: Deferred[Any] | None = None
        self._jobs = 0
        self._fails = False
        self._idle: Deferred[None] | None = None

    @property
    def isBusy(self) -> bool:
        """Whether a thread uses the file."""
        return self._jobs > 0

    def startService(self) -> None:
        """To be called before the workers open the file: it may have to be replaced.

        @raise SystemExit: if it cannot be opened or replaced.
        """
        super().startService()
        # Only the parent does lengthy things, so only here is it worth while to release the
        # interpreter's lock around LMDB's calls.
        lmdb.enable_drop_gil()
        try:
            self._open()
        except (OSError, lmdb.Error, MarkUnreadable) as error:
            raise SystemExit(f"sipapp: the location store {self._path}: {error}") from error
        self._ended = self._ticks.start(self._interval, now=True)

    def _open(self) -> None:
        copies = Copies(self._path, thisBoot() if self._boot is None else self._boot)
        lost = copies.recover()
        file = BindingFile(self._path, self._mapSize)
        now = self._clock()
        if lost is not None:
            _log.warn(
                "The machine went down while the location store was in use. It starts from the"
                " copy taken {age:.1f} s ago, with {count} addresses-of-record",
                age=now - lost.taken,
                count=file.count(),
            )
        copies.begin(file, now)
        self._file, self._copies = file, copies

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        self._ticks.stop()
        assert self._ended is not None
        ended = self._ended.addCallback(lambda _: self._whenIdle())
        return ended.addCallback(lambda _: self._inThread(self._finish)).addErrback(_report)

    def use(self, job: Callable[[BindingFile], T]) -> Deferred[T]:
        """Do something with the file, beside the maintenance.

        @param job: called in a thread. It is short: what it writes, the workers wait for.
        @return: fires with what it returns, or fails with what it raises; with L{NotRunning} if the
            file is not open.
        """
        if not self.running or self._file is None:
            return fail(NotRunning("the location store is not open"))
        return self._do(partial(job, self._file))

    def _do(self, job: Callable[[], T]) -> Deferred[T]:
        self._jobs += 1
        return self._inThread(job).addBoth(self._done)

    def _done(self, result: T) -> T:
        self._jobs -= 1
        if not self._jobs and self._idle is not None:
            self._idle.callback(None)
        return result

    def _whenIdle(self) -> Deferred[None] | None:
        if self._jobs:
            self._idle = Deferred()
        return self._idle

    def _tick(self) -> Deferred[Any]:
        return self._do(self.maintain).addCallbacks(self._maintained, self._notMaintained)

    def _maintained(self, _: int) -> None:
        if self._fails:
            self._fails = False
            _log.info("Maintenance of the location store works again")

    def _notMaintained(self, failure: Failure) -> None:
        """Say it once: a disk that is full stays so for many intervals."""
        if not self._fails:
            self._fails = True
            _report(failure)

    def maintain(self) -> int:
        """One round; blocks.

        @return: how many bindings were dropped.
        """
        assert self._file is not None and self._copies is not None
        self._file.readerCheck()
        dropped = count = self._file.purge(self._clock(), _PURGE)
        while count == _PURGE:
            count = self._file.purge(self._clock(), _PURGE)
            dropped += count
        self._copies.take(self._file, self._clock())
        return dropped

    def _finish(self) -> None:
        """Leave everything on the disk; the workers have gone."""
        assert self._file is not None and self._copies is not None
        file, self._file = self._file, None
        try:
            self._copies.end(file, self._clock())
        finally:
            file.close()


def _report(failure: Failure) -> None:
    _log.failure("Maintenance of the location store failed", failure=failure)

"""Whether a pool has come up: the one thing that decides how what fails in it is taken."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed


class BootFailure(Exception):
    """A pool could not be started.

    @ivar worker: which of its workers was the first to fail.
    @ivar reason: what the worker said, or how it ended.
    """

    def __init__(self, worker: str, reason: str) -> None:
        super().__init__(f"{worker}: {reason}")
        self.worker = worker
        self.reason = reason


class PoolStopped(Exception):
    """A pool was stopped before it was ready."""


class FirstStart:
    """The first start of all workers of a pool.

    @ivar isOver: whether it has come to an end, good or bad.
    """

    def __init__(self) -> None:
        self.isOver = False
        self._error: Exception | None = None
        self._waiting: list[Deferred[None]] = []

    def begin(self) -> None:
        """It is to be done, perhaps once more."""
        self.isOver = False
        self._error = None

    @property
    def hasSucceeded(self) -> bool:
        return self.isOver and self._error is None

    def whenOver(self) -> Deferred[None]:
        """
        @return: fires when it has succeeded, fails with what L{end} was given.
        """
        if self.isOver:
            return succeed(None) if self._error is None else fail(self._error)
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def end(self, error: Exception | None = None) -> None:
        """
        @param error: why it has failed; C{None} if it has not.
        """
        self.isOver, self._error = True, error
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if error is None:
                each.callback(None)
            else:
                each.errback(error)

"""The call records of one worker, on their way to whoever keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, DeferredLock, maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from sipapp.interfaces import ICallRecords
from sipapp.resources.calls.record import CallRecord

__all__ = ["CallRecords"]

_log = Logger()

_PAUSE = 1.0
"""Seconds for which records wait for others, to be written with them."""
_MOST = 10_000
"""So many wait for a provider that cannot write."""


class CallRecords:
    """Gives each provider what is noted, a second's worth at once, in a thread. It is for
    L{sipapp.interfaces.IWorker.callRecords}.

    A worker that is killed takes along what was noted in its last second, or has not been written
    because a provider was busy or failed; one that drains has each provider write once more.
    """

    def __init__(
        self,
        providers: Mapping[str, ICallRecords],
        reactor: Any,
        inThread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        """
        @param providers: by their names.
        @param inThread: runs a function where it may block.
        """
        self._queues = {
            name: _Queue(provider, reactor, inThread) for name, provider in providers.items()
        }

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """What has become of the parts of records so far: numbers by provider, and C{"kept"} or
        C{"lost"}."""
        return {
            (name, outcome): count
            for name, queue in self._queues.items()
            for outcome, count in (("kept", queue.kept), ("lost", queue.lost))
            if count
        }

    def note(self, record: CallRecord) -> None:
        """Keep a record. This takes microseconds, and never fails."""
        for queue in self._queues.values():
            queue.note(record)

    async def start(self) -> None:
        """Have the providers get ready."""
        for queue in self._queues.values():
            await maybeDeferred(queue.provider.start)

    async def stop(self) -> None:
        """Write what is left. No provider waits for another."""
        await DeferredList(
            [Deferred.fromCoroutine(queue.stop()) for queue in self._queues.values()]
        )


class _Queue:
    """What waits for one provider.

    @ivar kept: how many it has written. @ivar lost: how many it never will.
    """

    def __init__(
        self, provider: ICallRecords, reactor: Any, inThread: Callable[..., Deferred[Any]]
    ) -> None:
        self.provider = provider
        self._reactor = reactor
        self._inThread = inThread
        self._waiting: list[CallRecord] = []
        self.kept = 0
        self.lost = 0
        # How many of them are known to the log.
        self._told = 0
        self._fails = False
        self._call: Any = None
        self._turn = DeferredLock()

    def note(self, record: CallRecord) -> None:
        if len(self._waiting) < _MOST:
            self._waiting.append(record)
            self._writeSoon()
            return
        if not self._fails:
            self._fails = True
            _log.error("{provider} is too slow: call records are lost", provider=self.provider)
        self.lost += 1

    def _writeSoon(self) -> None:
        """While a batch is written, what waits is looked at when that has ended: a provider that
        takes ten seconds to fail is not asked ten times meanwhile."""
        if self._waiting and self._call is None and not self._turn.locked:
            self._call = self._reactor.callLater(_PAUSE, self._due)

    def _due(self) -> None:
        self._call = None
        self._turn.run(self._write).addCallback(lambda _: self._writeSoon())

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            await self._inThread(self.provider.write, batch)
        except Exception:
            if not self._fails:
                self._fails = True
                _log.failure("{provider} keeps no call records now", provider=self.provider)
            self._keep(batch)
        else:
            self.kept += len(batch)
            if self._fails:
                self._fails = False
                _log.info(
                    "{provider} keeps call records again; {lost} were lost",
                    provider=self.provider,
                    lost=self.lost - self._told,
                )
                self._told = self.lost

    def _keep(self, batch: list[CallRecord]) -> None:
        """Write a batch again, before what was noted since. The newest are lost if there are too
        many."""
        waiting = batch + self._waiting
        self._waiting = waiting[:_MOST]
        self.lost += len(waiting) - len(self._waiting)

    async def stop(self) -> None:
        """Write what is left, once, and let the provider go."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        await self._turn.run(self._write)
        self.lost += len(self._waiting)
        lost = self.lost - self._told
        if lost:
            _log.error("{provider} lacks {lost} call records", provider=self.provider, lost=lost)
        try:
            await maybeDeferred(self.provider.stop)
        except Exception:
            _log.failure("{provider} could not be stopped", provider=self.provider)

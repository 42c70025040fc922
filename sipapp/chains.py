"""The resources of one worker: made for each of its endpoints, and stopped in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger

from sipapp.config import ResolvedListener, Settings
from sipapp.interfaces import IWorker
from sipapp.plugins import resourceMakers
from sipapp.resources.calls import CallRecords

__all__ = ["Chains"]

_log = Logger()


class Chains:
    """Knows all resources of a worker, in the order in which they were started."""

    def __init__(
        self,
        settings: Settings,
        worker: IWorker,
        onStarted: Callable[[ResolvedListener, str, Any], object],
    ) -> None:
        """
        @param worker: what they live in.
        @param onStarted: called with each endpoint, and the name and the resource that there is.
        """
        self._settings = settings
        self._worker = worker
        self._onStarted = onStarted
        self._makers = resourceMakers()
        self._started: list[Any] = []

    async def start(self, listener: ResolvedListener) -> list[Any]:
        """Make and start the resources of an endpoint.

        @return: the chain, in the order in which they are asked.
        """
        chain = []
        for name in listener.listen.chain:
            resource = self._make(name)
            await maybeDeferred(resource.start)
            self._started.append(resource)
            self._onStarted(listener, name, resource)
            chain.append(resource)
        return chain

    async def keepCallRecords(self) -> CallRecords | None:
        """Start what the records of calls are kept by. It comes before all that may note
        something, so that it ends after them.

        @return: where to note them; C{None} if nobody wants them.
        """
        providers = {name: self._make(name) for name in self._settings.callRecords.providers}
        if not providers:
            return None
        records = CallRecords(providers, self._worker.reactor)
        self._started.append(records)
        await records.start()
        return records

    async def stop(self) -> None:
        """Stop them all, the last first. One that fails keeps none of the others from it."""
        for resource in reversed(self._started):
            try:
                await maybeDeferred(resource.stop)
            except Exception:
                _log.failure("{resource} could not be stopped", resource=resource)

    def _make(self, name: str) -> Any:
        return self._makers[name].make(self._settings.resource[name], self._worker)

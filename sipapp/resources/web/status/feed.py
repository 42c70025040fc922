"""Tells browsers once a second how the server is, as server-sent events (HTML Living Standard
§9.2)::

    event: overview      what stats.overview gives
    event: silence       why there is none now: {"text": "the server does not answer"}

The server is asked once for all who watch, and not at all while nobody does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.rpc import Caller, Fault

__all__ = ["MOST", "Feed"]

_log = Logger()

MOST = 64
"""So many may watch at once, in one worker."""

_PATIENCE = 5.0
"""Seconds in which the server answers, if it is well."""

_ENDURANCE = 30
"""So many events, one a second, may find that somebody has not taken those before."""

_LONGEST = 600
"""Seconds after which somebody has to come again, and show that he still may."""

_AGAIN = b"retry: 1000\n\n"
"""A browser whose connection has ended opens another one after a second."""


class Feed:
    """Those who watch, and what they are told."""

    def __init__(self, worker: Any) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}.
        """
        self._worker = worker
        self._watchers: set[_Watcher] = set()
        self._isAsking = False
        self._last = b""
        self._loop = LoopingCall(self._tick)
        self._loop.clock = worker.reactor

    @property
    def isFull(self) -> bool:
        return len(self._watchers) >= MOST

    def watch(self, request: Any) -> None:
        """Tell somebody from now on, until he leaves or the worker does.

        @param request: a C{twisted.web.server.Request}, with the header of its answer.
        """
        watcher = _Watcher(request, self._worker.reactor.seconds() + _LONGEST)
        self._watchers.add(watcher)
        request.isStream = True
        request.notifyFinish().addBoth(lambda _: self._watchers.discard(watcher))
        request.write(_AGAIN)
        if self._loop.running:
            # Others watch already: what they have been told last is not a second old.
            watcher.tell(self._last)
        else:
            self._loop.start(1.0).addErrback(partial(_log.failure, "Nobody can watch any more"))

    def stop(self) -> None:
        """The worker leaves. Browsers come back, and find another one."""
        for watcher in tuple(self._watchers):
            watcher.leave()
        self._watchers.clear()
        if self._loop.running:
            self._loop.stop()

    def _tick(self) -> None:
        now = self._worker.reactor.seconds()
        for watcher in tuple(self._watchers):
            # The end of this worker does not wait for what has no end itself.
            if watcher.request.site.isDraining or now >= watcher.until:
                watcher.leave()
                self._watchers.discard(watcher)
        if not self._watchers:
            self._loop.stop()
            self._last = b""
        elif not self._isAsking:
            self._isAsking = True
            caller = Caller("", "viewer", self._worker.name, "web")
            asked: Deferred[Any] = self._worker.administration.call("stats.overview", (), caller)
            asked.addTimeout(_PATIENCE, self._worker.reactor)
            asked.addCallbacks(lambda overview: _event("overview", overview), _silence)
            asked.addCallback(self._told)

    def _told(self, event: bytes) -> None:
        self._isAsking = False
        self._last = event
        for watcher in tuple(self._watchers):
            watcher.tell(event)


@implementer(IPushProducer)
class _Watcher:
    """Somebody who watches, and may be slow to read.

    @ivar request: his. @ivar until: when he has to come again.
    """

    def __init__(self, request: Any, until: float) -> None:
        self.request = request
        self.until = until
        self._isFull = False
        self._missed = 0
        request.registerProducer(self, True)

    def tell(self, event: bytes) -> None:
        """Send him an event, unless he has not taken those before: he would rather have the next
        one."""
        if not self._isFull:
            self._missed = 0
            self.request.write(event)
            return
        self._missed += 1
        if self._missed == _ENDURANCE:
            self.request.channel.abort()

    def leave(self) -> None:
        self.request.unregisterProducer()
        self.request.finish()

    def pauseProducing(self) -> None:
        self._isFull = True

    def resumeProducing(self) -> None:
        self._isFull = False

    def stopProducing(self) -> None:
        """He has gone."""


def _event(name: str, data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), msgspec.json.encode(data))


def _silence(failure: Failure) -> bytes:
    error = failure.value
    if isinstance(error, TimeoutError):
        text = "it does not answer"
    elif isinstance(error, Fault):
        text = error.text
    else:
        _log.failure("The overview of the server cannot be had", failure)
        text = "it has failed to look at itself: see its log"
    return _event("silence", {"text": text})

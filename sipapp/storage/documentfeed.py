"""Follows the changes in a file of documents, whichever process makes them."""

from __future__ import annotations

import math
import sqlite3
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.filepath import FilePath

from sipapp.interfaces import ISubscription
from sipapp.storage.documentfile import DocumentFile
from sipapp.storage.documentlisteners import DocumentListener, DocumentListeners

__all__ = ["DocumentFeed"]

_log = Logger()

_INTERVAL = 1.0
"""Seconds between two looks if nothing wakes us: so nobody depends on inotify, and a change is
noticed if whoever has made it was killed before it said so."""

_AT_ONCE = 100
"""Changes told of before somebody else has a turn."""

_QUIET = 60.0
"""Seconds between two complaints about the file."""


class DocumentFeed:
    """Reads what is new in a L{DocumentFile} when it is touched, and tells the listeners."""

    def __init__(self, file: DocumentFile, reactor: Any) -> None:
        """
        @param file: used in the thread of the reactor.
        @param reactor: provides C{IReactorTime} and C{IReactorFDSet}.
        """
        self._file = file
        self._reactor = reactor
        self._listeners = DocumentListeners()
        self._last = 0
        self._complainAt = -math.inf
        self._notifier: Any = None
        self._looks = LoopingCall(self._look)
        self._looks.clock = reactor

    def subscribe(self, listener: DocumentListener, auid: str | None) -> ISubscription:
        """As L{sipapp.interfaces.IDocumentStore.subscribe}.

        @raise sqlite3.Error: if the file cannot be read.
        """
        last = self._file.lastChange()
        if not self._looks.running:
            self._last = last
            self._notifier = self._watch()
            self._looks.start(_INTERVAL, now=False)
        return self._listeners.add(listener, auid, last)

    def _watch(self) -> Any:
        # It starts a program to find the C library when it is imported: nothing for every worker.
        from twisted.internet.inotify import IN_ATTRIB, INotify
        from twisted.python._inotify import INotifyError

        try:
            notifier = INotify(self._reactor)
            notifier.startReading()
            path = FilePath(str(self._file.path))
            notifier.watch(path, IN_ATTRIB, callbacks=[lambda *_: self._look()])
        except INotifyError as error:
            _log.warn(
                "Changes of documents are noticed {interval} s later: {error}",
                interval=_INTERVAL,
                error=error,
            )
            return None
        return notifier

    def _look(self) -> None:
        if not self._looks.running:
            # It has been closed before its turn came.
            return
        try:
            changes = self._file.changes(self._last, _AT_ONCE)
        except sqlite3.Error as error:
            self._complain(error)
            return
        for change in changes:
            self._last = change.sequence
            self._listeners.tell(change)
        if len(changes) == _AT_ONCE:
            self._reactor.callLater(0, self._look)

    def _complain(self, error: Exception) -> None:
        now = self._reactor.seconds()
        if now >= self._complainAt:
            self._complainAt = now + _QUIET
            _log.error("Changes of documents cannot be read: {error}", error=error)

    def close(self) -> None:
        """Tell nobody any more, and read no more."""
        self._listeners.clear()
        if self._looks.running:
            self._looks.stop()
        if self._notifier is not None:
            self._notifier.loseConnection()
            self._notifier = None

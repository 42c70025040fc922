"""Documents that all processes of one machine share and that survive a restart."""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Callable, Collection
from typing import Any, NoReturn

from twisted.internet.defer import Deferred, execute
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.interfaces import IDocumentStore, ISubscription
from sipapp.storage.document import (
    DocumentEntry,
    DocumentsUnavailable,
    Replacement,
    StoredDocument,
)
from sipapp.storage.documentfeed import DocumentFeed
from sipapp.storage.documentfile import DocumentFile
from sipapp.storage.documentlisteners import DocumentListener
from sipapp.storage.sqlitefile import SQLiteFileUnusable
from sipapp.xcap.names import DocumentName

__all__ = ["SQLiteDocuments"]

_log = Logger()

_BATCH = 64
"""Changes made in one transaction. It bounds how long other workers wait for theirs."""

_QUIET = 60.0
"""Seconds between two complaints about the file."""


@implementer(IDocumentStore)
class SQLiteDocuments:
    """An L{IDocumentStore} over a L{DocumentFile}.

    Single documents are looked up at once: that waits for nobody. What waits for the disk or for
    another process is done in a thread, one thing at a time. The changes that are asked for
    meanwhile are made together, so that ten of them do not wait for the disk ten times.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        reactor: Any = None,
        inThread: Callable[..., Deferred[Any]] = deferToThread,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        @param path: of the file.
        @param reactor: for L{subscribe}; a program that does not subscribe needs none.
        @param inThread: runs a function where it may block.
        @param clock: gives the seconds since the epoch.
        @raise sipapp.storage.SQLiteFileUnusable: if the file cannot be opened.
        """
        self._path = path
        self._clock = clock
        self._complainAt = -math.inf
        self._inThread = inThread
        self._file = DocumentFile(path)
        self._writer = DocumentFile(path, clock)
        self._feed = DocumentFeed(self._file, reactor)
        self._waiting: list[tuple[Replacement, Deferred[StoredDocument | None]]] = []
        self._isWriting = False
        self._closed: Deferred[None] | None = None

    # Looking up.

    def get(self, name: DocumentName) -> Deferred[StoredDocument | None]:
        return execute(self._file.get, name).addErrback(self._failed)

    def holder(self, auid: str, claim: str) -> Deferred[DocumentName | None]:
        return execute(self._file.holder, auid, claim).addErrback(self._failed)

    def entries(
        self, auid: str | None = None, xui: str | None = None
    ) -> Deferred[tuple[DocumentEntry, ...]]:
        return self._inThread(self._entries, auid, xui).addErrback(self._failed)

    def _entries(self, auid: str | None, xui: str | None) -> tuple[DocumentEntry, ...]:
        with DocumentFile(self._path) as file:
            return file.entries(auid, xui)

    def subscribe(self, listener: DocumentListener, auid: str | None = None) -> ISubscription:
        return self._feed.subscribe(listener, auid)

    # Changing.

    def replace(
        self,
        name: DocumentName,
        expected: str | None,
        body: bytes | None,
        patch: str | None = None,
        claims: Collection[str] = (),
        limit: int | None = None,
    ) -> Deferred[StoredDocument | None]:
        done: Deferred[StoredDocument | None] = Deferred()
        self._waiting.append((Replacement(name, expected, body, patch, claims, limit), done))
        self._write()
        return done

    def _write(self) -> None:
        if self._isWriting or not self._waiting:
            return
        batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
        replacements, waiting = zip(*batch, strict=True)
        self._isWriting = True
        writing = self._inThread(self._writer.replace, replacements).addErrback(self._failed)
        writing.addBoth(self._written, waiting)

    def _written(
        self, outcomes: list[Any] | Failure, waiting: tuple[Deferred[StoredDocument | None], ...]
    ) -> None:
        self._isWriting = False
        if isinstance(outcomes, Failure):
            outcomes = [outcomes] * len(waiting)
        # The disk can be at work while those who have waited go on.
        self._write()
        for deferred, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, Exception | Failure):
                deferred.errback(outcome)
            else:
                deferred.callback(outcome)
        self._closeWhenIdle()

    def _failed(self, failure: Failure) -> NoReturn:
        """
        @raise DocumentsUnavailable: if it is the file that has failed.
        """
        failure.trap(sqlite3.Error, OSError, SQLiteFileUnusable)
        now = self._clock()
        if now >= self._complainAt:
            self._complainAt = now + _QUIET
            _log.error("The documents in {path}: {error}", path=self._path, error=failure.value)
        raise DocumentsUnavailable(str(failure.value)) from failure.value

    def close(self) -> Deferred[None]:
        self._feed.close()
        self._file.close()
        closed = self._closed = Deferred()
        self._closeWhenIdle()
        return closed

    def _closeWhenIdle(self) -> None:
        if self._closed is None or self._isWriting or self._waiting:
            return
        self._writer.close()
        closed, self._closed = self._closed, None
        closed.callback(None)

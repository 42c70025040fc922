"""The SQLite file that holds documents: reading and changing them, without a reactor.

A row of C{document} is one, byte for byte. C{claim} leads from what a document has for its own to
the document. C{change} holds the last changes, for those who follow them; their numbers have no
gaps, and the newest is always there.

Whoever has changed something touches the file when that is committed: this is what those who follow
are woken by. A write to the log of SQLite would wake them before there is anything to see.

Whoever waits for SQLite's write lock tries again now and then, the longer the more seldom. Where
several processes write all the time somebody would wait for seconds, and give up. So they queue for
a lock of the directory first, which the kernel gives to one after the other.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sipapp.storage.document import (
    ClaimTaken,
    DocumentChange,
    DocumentChanged,
    DocumentEntry,
    Replacement,
    StoredDocument,
    TooManyDocuments,
    entityTag,
)
from sipapp.storage.sqlitefile import SQLiteFile
from sipapp.xcap.names import DocumentName

__all__ = ["DocumentFile"]

_MOST_CHANGES = 10_000
"""So many changes are kept for those who follow,"""
_OLDEST_CHANGE = 600.0
"""for so many seconds. They hold what their users may have removed since."""
_LONGEST_PATCH = 16_384
"""A longer one is not kept: it is as well to read the document."""

_GET = "SELECT body, etag, modified FROM document WHERE auid = ? AND xui = ? AND path = ?"
_FIND = "SELECT id, etag, modified FROM document WHERE auid = ? AND xui = ? AND path = ?"
_ENTRIES = (
    "SELECT auid, xui, path, etag, length(body), modified FROM document"
    " WHERE {} ORDER BY auid, xui, path"
)
_COUNT = "SELECT count(*) FROM document WHERE xui = ?"
_INSERT = (
    "INSERT INTO document (auid, xui, path, body, etag, modified) VALUES (?, ?, ?, ?, ?, ?)"
    " RETURNING id"
)
_UPDATE = "UPDATE document SET body = ?, etag = ?, modified = ? WHERE id = ?"
_DELETE = "DELETE FROM document WHERE id = ?"
_HOLDER = (
    "SELECT id, document.auid, xui, path FROM claim JOIN document ON id = document"
    " WHERE claim.auid = ? AND text = ?"
)
_CLAIM = "INSERT INTO claim (auid, text, document) VALUES (?, ?, ?)"
_DISCLAIM = "DELETE FROM claim WHERE document = ?"
_LAST = "SELECT max(sequence) FROM change"
_CHANGES = (
    "SELECT sequence, auid, xui, path, previous, etag, patch FROM change"
    " WHERE sequence > ? ORDER BY sequence LIMIT ?"
)
_NOTE = (
    "INSERT INTO change (auid, xui, path, previous, etag, patch, time) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_FORGET_OLD = "DELETE FROM change WHERE time < ?"
_FORGET_MANY = "DELETE FROM change WHERE sequence <= (SELECT max(sequence) FROM change) - ?"


class DocumentFile(SQLiteFile):
    """One process' way into the file. It is for one thread at a time."""

    version = 1
    schema = (
        """
        CREATE TABLE document (
            id INTEGER PRIMARY KEY,
            auid TEXT NOT NULL,
            xui TEXT NOT NULL,
            path TEXT NOT NULL,
            body BLOB NOT NULL,
            etag TEXT NOT NULL,
            modified REAL NOT NULL,
            UNIQUE (auid, xui, path)
        ) STRICT
        """,
        "CREATE INDEX document_xui ON document (xui)",
        """
        CREATE TABLE claim (
            auid TEXT NOT NULL,
            text TEXT NOT NULL,
            document INTEGER NOT NULL,
            PRIMARY KEY (auid, text)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX claim_document ON claim (document)",
        """
        CREATE TABLE change (
            sequence INTEGER PRIMARY KEY,
            auid TEXT NOT NULL,
            xui TEXT NOT NULL,
            path TEXT NOT NULL,
            previous TEXT,
            etag TEXT,
            patch TEXT,
            time REAL NOT NULL
        ) STRICT
        """,
        "CREATE INDEX change_time ON change (time)",
    )

    def __init__(
        self,
        path: str | os.PathLike[str],
        clock: Callable[[], float] = time.time,
        mostChanges: int = _MOST_CHANGES,
    ) -> None:
        """
        @param path: as L{SQLiteFile}.
        @param clock: gives the seconds since the epoch.
        @param mostChanges: how many changes are kept for those who follow.
        """
        super().__init__(path)
        self._clock = clock
        self._mostChanges = mostChanges

    # Looking up.

    def get(self, name: DocumentName) -> StoredDocument | None:
        row = self.database.execute(_GET, _key(name)).fetchone()
        return None if row is None else StoredDocument(*row)

    def holder(self, auid: str, claim: str) -> DocumentName | None:
        """
        @return: the document of a usage that has something for its own.
        """
        row = self.database.execute(_HOLDER, (auid, claim)).fetchone()
        return None if row is None else DocumentName(*row[1:])

    def entries(self, auid: str | None = None, xui: str | None = None) -> tuple[DocumentEntry, ...]:
        """
        @return: the documents of a usage, of a user, or all of them, sorted by name.
        """
        wanted = {"auid = ?": auid, "xui = ?": xui}
        given = {test: value for test, value in wanted.items() if value is not None}
        query = _ENTRIES.format(" AND ".join(given) or "TRUE")
        rows = self.database.execute(query, tuple(given.values()))
        return tuple(DocumentEntry(DocumentName(*row[:3]), *row[3:]) for row in rows)

    # Following.

    def lastChange(self) -> int:
        """
        @return: the number of the newest change, 0 if there has been none.
        """
        (sequence,) = self.database.execute(_LAST).fetchone()
        return sequence or 0

    def changes(self, after: int, most: int) -> tuple[DocumentChange, ...]:
        """
        @param after: the number of a change.
        @return: those after it, the earliest first, not more than so many. If the number of the
            first is not the next one, those between have been forgotten.
        """
        rows = self.database.execute(_CHANGES, (after, most))
        return tuple(
            DocumentChange(sequence, DocumentName(auid, xui, path), *outcome)
            for sequence, auid, xui, path, *outcome in rows
        )

    # Changing.

    def replace(
        self, replacements: Iterable[Replacement]
    ) -> list[StoredDocument | Exception | None]:
        """Make changes, one after the other, and put all of them on the disk at once.

        @return: for each what is there now, or why it could not be made:
            see L{sipapp.interfaces.IDocumentStore.replace}.
        @raise sqlite3.Error: if they cannot be written; nothing has changed then.
        """
        before = self.database.total_changes
        with self._turn(), self.transaction():
            outcomes = [self._outcome(each) for each in replacements]
            hasChanged = self.database.total_changes != before
            if hasChanged:
                self.database.execute(_FORGET_OLD, (self._clock() - _OLDEST_CHANGE,))
                self.database.execute(_FORGET_MANY, (self._mostChanges,))
        if hasChanged:
            # Those who are not woken look by themselves before long.
            with suppress(OSError):
                os.utime(self.path)
        return outcomes

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Nobody else changes anything meanwhile."""
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            # And lets go of the lock.
            os.close(directory)

    def _outcome(self, replacement: Replacement) -> StoredDocument | Exception | None:
        try:
            return self._replace(replacement)
        except (ClaimTaken, DocumentChanged, TooManyDocuments) as error:
            return error

    def _replace(self, wanted: Replacement) -> StoredDocument | None:
        name, body = wanted.name, wanted.body
        row: tuple[Any, ...] | None = self.database.execute(_FIND, _key(name)).fetchone()
        document, previous, modified = row or (None, None, 0.0)
        if previous != wanted.expected:
            raise DocumentChanged(name, previous)
        now = self._clock()
        stored, etag = None, None
        if body is not None:
            etag = entityTag(body)
            stored = StoredDocument(body, etag, modified if etag == previous else now)
        if etag == previous:
            return stored
        if stored is None:
            self._remove(document)
        else:
            # Nothing is written before all is checked: others share the transaction.
            self._check(wanted, document)
            self._put(wanted, stored, document)
        patch = wanted.patch
        if patch is not None and len(patch) > _LONGEST_PATCH:
            patch = None
        self.database.execute(_NOTE, (*_key(name), previous, etag, patch, now))
        return stored

    def _check(self, wanted: Replacement, document: int | None) -> None:
        name, limit = wanted.name, wanted.limit
        if document is None and limit is not None:
            (count,) = self.database.execute(_COUNT, (name.xui,)).fetchone()
            if count >= limit:
                raise TooManyDocuments(name, limit)
        for claim in wanted.claims:
            row = self.database.execute(_HOLDER, (name.auid, claim)).fetchone()
            if row is not None and row[0] != document:
                raise ClaimTaken(claim, DocumentName(*row[1:]))

    def _put(self, wanted: Replacement, stored: StoredDocument, document: int | None) -> None:
        name, values = wanted.name, (stored.body, stored.etag, stored.modified)
        if document is None:
            (document,) = self.database.execute(_INSERT, (*_key(name), *values)).fetchone()
        else:
            self.database.execute(_UPDATE, (*values, document))
            self.database.execute(_DISCLAIM, (document,))
        claims = [(name.auid, claim, document) for claim in set(wanted.claims)]
        self.database.executemany(_CLAIM, claims)

    def _remove(self, document: int) -> None:
        self.database.execute(_DELETE, (document,))
        self.database.execute(_DISCLAIM, (document,))


def _key(name: DocumentName) -> tuple[str, str, str]:
    return name.auid, name.xui, name.path

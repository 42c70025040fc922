"""Documents of one process, gone when it ends: for tests, and for whoever brings their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from twisted.internet.defer import Deferred, execute, succeed
from zope.interface import implementer

from sipapp.interfaces import IDocumentStore, ISubscription
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
from sipapp.storage.documentlisteners import DocumentListener, DocumentListeners
from sipapp.xcap.names import DocumentName

__all__ = ["MemoryDocuments"]


@implementer(IDocumentStore)
class MemoryDocuments:
    """An L{IDocumentStore} in a dictionary. Changes are made, and told of, at once."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """
        @param clock: gives the seconds since the epoch.
        """
        self._clock = clock
        self._documents: dict[DocumentName, StoredDocument] = {}
        self._claims: dict[DocumentName, frozenset[str]] = {}
        self._sequence = 0
        self._listeners = DocumentListeners()

    def get(self, name: DocumentName) -> Deferred[StoredDocument | None]:
        return succeed(self._documents.get(name))

    def holder(self, auid: str, claim: str) -> Deferred[DocumentName | None]:
        return succeed(self._holder(auid, claim))

    def _holder(self, auid: str, claim: str) -> DocumentName | None:
        holders = (
            name for name, claims in self._claims.items() if name.auid == auid and claim in claims
        )
        return next(holders, None)

    def entries(
        self, auid: str | None = None, xui: str | None = None
    ) -> Deferred[tuple[DocumentEntry, ...]]:
        found = [
            DocumentEntry(name, each.etag, len(each.body), each.modified)
            for name, each in sorted(self._documents.items())
            if auid in (None, name.auid) and xui in (None, name.xui)
        ]
        return succeed(tuple(found))

    def replace(
        self,
        name: DocumentName,
        expected: str | None,
        body: bytes | None,
        patch: str | None = None,
        claims: Collection[str] = (),
        limit: int | None = None,
    ) -> Deferred[StoredDocument | None]:
        return execute(self._replace, Replacement(name, expected, body, patch, claims, limit))

    def _replace(self, wanted: Replacement) -> StoredDocument | None:
        name, body = wanted.name, wanted.body
        present = self._documents.get(name)
        previous = None if present is None else present.etag
        if previous != wanted.expected:
            raise DocumentChanged(name, previous)
        etag = None if body is None else entityTag(body)
        if etag == previous:
            return present
        if body is None or etag is None:
            stored = None
            del self._documents[name], self._claims[name]
        else:
            self._check(wanted, present)
            stored = StoredDocument(body, etag, self._clock())
            self._documents[name], self._claims[name] = stored, frozenset(wanted.claims)
        self._sequence += 1
        self._listeners.tell(DocumentChange(self._sequence, name, previous, etag, wanted.patch))
        return stored

    def _check(self, wanted: Replacement, present: StoredDocument | None) -> None:
        name, limit = wanted.name, wanted.limit
        if present is None and limit is not None:
            count = sum(each.xui == name.xui for each in self._documents)
            if count >= limit:
                raise TooManyDocuments(name, limit)
        for claim in wanted.claims:
            holder = self._holder(name.auid, claim)
            if holder is not None and holder != name:
                raise ClaimTaken(claim, holder)

    def subscribe(self, listener: DocumentListener, auid: str | None = None) -> ISubscription:
        return self._listeners.add(listener, auid, self._sequence)

    def close(self) -> Deferred[None]:
        self._listeners.clear()
        self._documents.clear()
        self._claims.clear()
        return succeed(None)

"""Conditional requests (RFC 4825 §7.11, RFC 9110 §13) over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail

from sipapp.storage import (
    DocumentChanged,
    DocumentsUnavailable,
    MemoryDocuments,
    StoredDocument,
)
from sipapp.xcap.names import DocumentName
from tests.resources.xcap.stage import BILL, DOCUMENT, ELEMENT, FRIENDS, INDEX, LISTS, Stage

OTHER = '"AAAAAAAAAAAAAAAAAAAAAA"'
ENTRY = f"{FRIENDS}/entry%5B@uri=%22sip:bob@example.com%22%5D"
BOB = b'<entry uri="sip:bob@example.com"/>'


@pytest.mark.parametrize("uri", [INDEX, FRIENDS, f"{FRIENDS}/@name", f"{FRIENDS}/namespace::*"])
def test_reading(uri: str) -> None:
    stage = Stage()
    etag = stage.fill()
    assert stage.get(uri, ("If-None-Match", OTHER)).status == 200
    assert stage.get(uri, ("If-Match", etag)).status == 200
    assert stage.get(uri, ("If-Match", OTHER)).status == 412
    for tags in (etag, f"W/{etag}", f"{OTHER}, {etag}", "*"):
        for method in ("GET", "HEAD"):
            unchanged = stage.ask(method, uri, [("If-None-Match", tags)])
            assert (unchanged.status, unchanged.body, unchanged.etag) == (304, b"", etag)
            assert unchanged.get("content-type") is None


def test_whatIsNotThereIsNotModifiedEither() -> None:
    stage = Stage()
    etag = stage.fill()
    assert stage.get(ENTRY, ("If-None-Match", etag)).status == 404


def test_replacingWhatIsKnown() -> None:
    stage = Stage()
    etag = stage.fill()
    changed = DOCUMENT.replace(b"friends", b"Freunde")
    assert stage.put(INDEX, LISTS, changed, ("If-Match", OTHER)).status == 412
    assert stage.put(INDEX, LISTS, changed, ("If-Match", f"W/{etag}")).status == 412
    assert stage.get(INDEX).body == DOCUMENT
    assert stage.put(INDEX, LISTS, changed, ("If-Match", etag)).status == 200
    assert stage.put(INDEX, LISTS, DOCUMENT, ("If-Match", etag)).status == 412
    assert stage.delete(INDEX, ("If-Match", etag)).status == 412
    assert stage.delete(INDEX, ("If-Match", "*")).status == 200


def test_makingWhatIsNew() -> None:
    stage = Stage()
    assert stage.put(INDEX, LISTS, DOCUMENT, ("If-Match", "*")).status == 412
    assert stage.put(INDEX, LISTS, DOCUMENT, ("If-None-Match", "*")).status == 201
    assert stage.put(INDEX, LISTS, DOCUMENT, ("If-None-Match", "*")).status == 412


def test_insertingIntoTheDocumentThatIsKnown() -> None:
    stage = Stage()
    etag = stage.fill()
    assert stage.put(ENTRY, ELEMENT, BOB, ("If-Match", OTHER)).status == 412
    assert stage.put(ENTRY, ELEMENT, BOB, ("If-None-Match", etag)).status == 412
    assert stage.put(ENTRY, ELEMENT, BOB, ("If-Match", etag)).status == 201
    assert stage.put(ENTRY, ELEMENT, BOB, ("If-None-Match", "*")).status == 412


def test_anElementHasTheTagOfItsDocument() -> None:
    """Even before it is there (RFC 4825 §8.2.6)."""
    stage = Stage()
    stage.fill()
    assert stage.put(ENTRY, ELEMENT, BOB, ("If-None-Match", "*")).status == 412
    assert stage.put(ENTRY, ELEMENT, BOB, ("If-Match", "*")).status == 201
    assert stage.put(ENTRY, ELEMENT, BOB, ("If-Match", "*")).status == 200


def test_deletingFromTheDocumentThatIsKnown() -> None:
    stage = Stage()
    etag = stage.fill()
    uri = f"{FRIENDS}/entry%5B1%5D"
    assert stage.delete(uri, ("If-Match", OTHER)).status == 412
    assert BILL in stage.get(INDEX).body
    assert stage.delete(uri, ("If-Match", etag)).status == 200


def test_whatIsNotThereIsNotFound() -> None:
    """Whatever the conditions: they are for requests that would succeed (RFC 9110 §13.2.1)."""
    stage = Stage()
    for tags in (OTHER, "*"):
        assert stage.delete(INDEX, ("If-Match", tags)).status == 404
    stage.fill()
    assert stage.delete(ENTRY, ("If-Match", OTHER)).status == 404
    assert stage.delete(ENTRY, ("If-None-Match", "*")).status == 404
    assert stage.get(INDEX).body == DOCUMENT


def test_theConditionComesBeforeTheParent() -> None:
    stage = Stage()
    stage.fill()
    for uri in (f"{INDEX}2/~~/resource-lists", f"{INDEX}/~~/resource-lists/list[9]/entry"):
        assert stage.put(uri, ELEMENT, BILL).status == 409
        assert stage.put(uri, ELEMENT, BILL, ("If-Match", '"another"')).status == 412


def test_conditionsThatAreNone() -> None:
    stage = Stage()
    etag = stage.fill()
    assert stage.get(INDEX, ("If-Match", etag.strip('"'))).status == 400
    assert stage.put(INDEX, LISTS, b"<x/>", ("If-None-Match", "yes")).status == 400
    assert stage.get(INDEX).body == DOCUMENT


def test_dateConditionsAreNoConditions() -> None:
    """There are no dates to compare with, so they are not looked at (RFC 9110 §13.1.3)."""
    stage = Stage()
    stage.fill()
    past, future = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 06 Nov 2093 08:49:37 GMT"
    answer = stage.get(INDEX, ("If-Modified-Since", future))
    assert (answer.status, answer.get("last-modified")) == (200, None)
    assert stage.get(INDEX, ("If-Unmodified-Since", past)).status == 200


class Busy(MemoryDocuments):
    """Somebody else is always faster."""

    def replace(self, name: DocumentName, *arguments: Any) -> Deferred[StoredDocument | None]:
        return fail(DocumentChanged(name, None))


class Full(MemoryDocuments):
    """There is no room any more."""

    def replace(self, name: DocumentName, *arguments: Any) -> Deferred[StoredDocument | None]:
        return fail(DocumentsUnavailable("database or disk is full"))


def test_theDiskIsFull() -> None:
    stage = Stage(documents=Full())
    answer = stage.put(INDEX, LISTS, DOCUMENT)
    assert (answer.status, answer.get("retry-after")) == (503, "60")
    assert stage.get(INDEX).status == 404


def test_othersAreAlwaysFaster() -> None:
    answer = Stage(documents=Busy()).put(INDEX, LISTS, DOCUMENT)
    assert (answer.status, answer.get("retry-after")) == (503, "1")

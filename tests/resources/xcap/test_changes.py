"""Whoever follows documents learns of each change over HTTP, and what it is (RFC 5874)."""

from __future__ import annotations

from sipapp.storage import DocumentChange, entityTag
from tests.resources.xcap.stage import (
    ATTRIBUTE,
    BILL,
    DOCUMENT,
    ELEMENT,
    FRIENDS,
    INDEX,
    LISTS,
    NAME,
    Stage,
)
from tests.xcap.patching import applied, canonical


def test_changes() -> None:
    stage = Stage()
    changes: list[DocumentChange | None] = []
    stage.documents.subscribe(changes.append)
    bob = f"{FRIENDS}/entry%5B@uri=%22sip:bob@example.com%22%5D"
    bodies = []
    for method, target, mimeType, body in [
        ("PUT", INDEX, LISTS, DOCUMENT),
        ("PUT", bob, ELEMENT, b'<entry uri="sip:bob@example.com"/>'),
        ("PUT", bob, ELEMENT, b'<entry uri="sip:bob@example.com" xml:lang="de"/>'),
        ("PUT", f"{INDEX}/~~/*/list%5B1%5D/@name", ATTRIBUTE, b"family"),
        (
            "DELETE",
            f"{INDEX}/~~/*/list/entry%5B1%5D%5B@uri=%22sip:bill@example.com%22%5D",
            "",
            None,
        ),
        ("DELETE", INDEX, "", None),
    ]:
        headers = [("Content-Type", mimeType)] if mimeType else []
        assert stage.ask(method, target, headers, body).status in (200, 201)
        stored = stage.stored()
        bodies.append(None if stored is None else stored.body)
    assert BILL not in (bodies[-2] or BILL)
    before = None
    for change, body in zip(changes, bodies, strict=True):
        assert change is not None
        assert change.name == NAME
        assert change.previous == (None if before is None else entityTag(before))
        assert change.etag == (None if body is None else entityTag(body))
        if before is None or body is None:
            assert change.patch is None
        else:
            assert change.patch is not None
            assert applied(before, change.patch) == canonical(body)
        before = body


def test_nothingChanges() -> None:
    """What is put again as it is there, and what is refused."""
    stage = Stage()
    stage.fill()
    changes: list[DocumentChange | None] = []
    stage.documents.subscribe(changes.append)
    assert stage.put(INDEX, LISTS, DOCUMENT).status == 200
    assert stage.put(f"{FRIENDS}/@name", ATTRIBUTE, b"friends").status == 200
    assert stage.put(f"{FRIENDS}/@name", ATTRIBUTE, b"others").status == 409
    assert stage.get(INDEX).status == 200
    assert changes == []

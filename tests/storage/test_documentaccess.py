"""Changes of documents while others change them."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from sipapp.storage import DocumentChanged, MemoryDocuments, StoredDocument, entityTag
from sipapp.storage.documentaccess import carryOut
from sipapp.xcap.conditions import Conditions, PreconditionFailed
from sipapp.xcap.errors import CannotDelete, ConstraintFailure
from sipapp.xcap.names import DocumentName
from sipapp.xcap.operations import Change, Target
from sipapp.xcap.registry import applicationUsages
from sipapp.xcap.root import XCAPRoot
from sipapp.xcap.selector import parseSelector

DOMAIN = "example.test"
NAME = DocumentName("resource-lists", f"sip:alice@{DOMAIN}", "index")
LISTS = b'<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">%b</resource-lists>'


class Contended(MemoryDocuments):
    """Somebody else is faster, a few times.

    @ivar intrusions: the documents that appear after each look, the next one first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.intrusions: list[bytes | None] = []

    def get(self, name: DocumentName) -> Deferred[StoredDocument | None]:
        found = super().get(name)
        if self.intrusions:
            self.replace(name, self.etag(name), self.intrusions.pop(0))
        return found

    def etag(self, name: DocumentName) -> str | None:
        found: list[StoredDocument | None] = []
        super().get(name).addCallback(found.append)
        return None if found[0] is None else found[0].etag


@pytest.fixture
def documents() -> Contended:
    return Contended()


def lists(*names: str) -> bytes:
    return LISTS % b"".join(f'<list name="{name}"/>'.encode() for name in names)


def outcome(
    documents: MemoryDocuments,
    tail: str,
    content: bytes | None,
    ifMatch: str | None = None,
    limit: int | None = None,
) -> tuple[Change, Any]:
    """Make a change, all of which happens at once.

    @return: it, and what has come of it, or the exception that it has failed with.
    """
    root = XCAPRoot("", applicationUsages(), documents)
    target = Target.of(parseSelector(NAME.toPath() + tail), root, DOMAIN)
    match = [] if ifMatch is None else [f'"{ifMatch}"'.encode()]
    change = Change(target, content, Conditions(match, []), 10_000)
    ended: list[Any] = []
    carrying: Deferred[Any] = Deferred.fromCoroutine(carryOut(change, root, limit))
    carrying.addCallbacks(ended.append, lambda failure: ended.append(failure.value))
    return change, ended[0]


def test_whatOthersPutMeanwhileStays(documents: Contended) -> None:
    documents.replace(NAME, None, lists("a"))
    documents.intrusions = [lists("a", "b"), lists("a", "b", "c")]
    change, stored = outcome(documents, '/~~/resource-lists/list[@name="z"]', b'<list name="z"/>')
    assert stored.body == lists("a", "b", "c", "z")
    assert change.created


def test_whetherSomethingIsNewIsToldOfTheLastTime(documents: Contended) -> None:
    documents.intrusions = [lists("a")]
    change, stored = outcome(documents, "", lists("b"))
    assert (stored.body, change.created) == (lists("b"), False)
    documents.intrusions = [None]
    change, stored = outcome(documents, "", lists("c"))
    assert (stored.body, change.created) == (lists("c"), True)


def test_conditionsAreLookedAtEachTime(documents: Contended) -> None:
    documents.replace(NAME, None, lists("a"))
    documents.intrusions = [lists("b")]
    _, error = outcome(documents, "", lists("c"), ifMatch=documents.etag(NAME))
    assert isinstance(error, PreconditionFailed)
    assert documents.etag(NAME) == entityTag(lists("b"))


def test_whatCannotBeDoneAnyMore(documents: Contended) -> None:
    documents.replace(NAME, None, lists("a"))
    documents.intrusions = [lists("a", "b")]
    _, error = outcome(documents, "/~~/resource-lists/list[1]", None)
    assert isinstance(error, CannotDelete)


def test_othersAreFasterForEver(documents: Contended) -> None:
    documents.intrusions = [lists(str(number)) for number in range(1000)]
    _, error = outcome(documents, "", lists("z"))
    assert isinstance(error, DocumentChanged)


def test_asManyDocumentsAsMayBe(documents: Contended) -> None:
    documents.replace(DocumentName("resource-lists", NAME.xui, "other"), None, lists())
    _, error = outcome(documents, "", lists(), limit=1)
    assert isinstance(error, ConstraintFailure)
    _, stored = outcome(documents, "", lists(), limit=2)
    assert stored.body == lists()

"""What every provider of L{IDocumentStore} promises. Its subclasses name the provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import ref

import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from zope.interface.verify import verifyObject

from sipapp.interfaces import IDocumentStore, ISubscription
from sipapp.storage import (
    ClaimTaken,
    DocumentChange,
    DocumentChanged,
    DocumentEntry,
    StoredDocument,
    TooManyDocuments,
    entityTag,
)
from sipapp.xcap.names import DocumentName
from tests.storage.accountcontract import result

START = 1_800_000_000.0

ALICE = "sip:alice@example.com"
LISTS = DocumentName("resource-lists", ALICE, "index")
RULES = DocumentName("pres-rules", ALICE, "index")
BOBS = DocumentName("resource-lists", "sip:bob@example.com", "index")
GLOBAL = DocumentName("resource-lists", "", "index")

ONE, TWO = b"<lists>1</lists>", b"<lists>2</lists>"
TAG_1, TAG_2 = entityTag(ONE), entityTag(TWO)


class DocumentStoreContract:
    """Subclasses provide C{open}, and C{settle} if listeners are told later."""

    def open(self) -> Any:
        raise NotImplementedError

    def settle(self) -> None:
        """Have everybody told of what has changed."""

    @pytest.fixture(autouse=True)
    def _surroundings(self, tmp_path: Path) -> Iterator[None]:
        self.path = tmp_path / "documents.db"
        self.now = START
        self.reactor = MemoryReactorClock()
        self.told: list[DocumentChange | None] = []
        self.store = self.open()
        yield
        result(self.store.close())
        self.reactor.advance(0)

    def clock(self) -> float:
        return self.now

    def put(self, name: DocumentName, expected: str | None, body: bytes | None, **more: Any) -> Any:
        return result(self.store.replace(name, expected, body, **more))

    def get(self, name: DocumentName) -> Any:
        return result(self.store.get(name))

    def names(self, auid: str | None = None, xui: str | None = None) -> list[DocumentName]:
        return [entry.name for entry in result(self.store.entries(auid, xui))]

    def test_whoFollowsNoMoreIsForgotten(self) -> None:
        """Also if nothing ever changes."""
        subscription = self.store.subscribe(self.told.append)
        forgotten = ref(subscription)
        subscription.cancel()
        subscription.cancel()
        del subscription
        assert forgotten() is None

    def test_providesTheInterface(self) -> None:
        assert verifyObject(IDocumentStore, self.store)
        assert verifyObject(ISubscription, self.store.subscribe(self.told.append))

    # Documents.

    def test_nothingIsThereAtFirst(self) -> None:
        assert self.get(LISTS) is None
        assert self.names() == []
        assert result(self.store.holder("resource-lists", "sip:friends@example.com")) is None

    @pytest.mark.parametrize("body", [ONE, b"", bytes(range(256)), b"\r\n<a/>\n\n" * 100_000])
    def test_everyByteIsKept(self, body: bytes) -> None:
        stored = self.put(LISTS, None, body)
        assert stored == self.get(LISTS) == StoredDocument(body, entityTag(body), START)

    def test_eachNameIsAnotherDocument(self) -> None:
        names = [
            LISTS,
            RULES,
            BOBS,
            GLOBAL,
            DocumentName("resource-lists", ALICE, "Index"),
            DocumentName("resource-lists", ALICE, "index/more"),
            DocumentName("resource-lists", "sip:Alice@example.com", "index"),
            DocumentName("resource-lists", "sip:%@example.com", "index"),
            DocumentName("resource-lists", "' OR 1=1 --", "index"),
            DocumentName("resource-lists", "sip:ren\u00e9@example.com", "\U0001f4d6"),
        ]
        for number, name in enumerate(names):
            self.put(name, None, b"%d" % number)
        assert [self.get(name).body for name in names] == [b"%d" % n for n in range(len(names))]
        assert self.names() == sorted(names)

    def test_replaced(self) -> None:
        self.put(LISTS, None, ONE)
        self.now += 60
        assert self.put(LISTS, TAG_1, TWO) == StoredDocument(TWO, TAG_2, START + 60)
        assert self.get(LISTS) == StoredDocument(TWO, TAG_2, START + 60)

    @pytest.mark.parametrize(
        ("there", "expected"), [(None, TAG_1), (ONE, None), (ONE, TAG_2), (ONE, "")]
    )
    @pytest.mark.parametrize("body", [TWO, None])
    def test_onlyWhatIsExpectedIsReplaced(
        self, there: bytes | None, expected: str | None, body: bytes | None
    ) -> None:
        if there is not None:
            self.put(LISTS, None, there)
        before = self.get(LISTS)
        with pytest.raises(DocumentChanged) as caught:
            self.put(LISTS, expected, body)
        assert caught.value.etag == (None if before is None else before.etag)
        assert self.get(LISTS) == before

    def test_whatIsThereAlreadyIsNoChange(self) -> None:
        self.store.subscribe(self.told.append)
        first = self.put(LISTS, None, ONE)
        self.now += 60
        assert self.put(LISTS, TAG_1, ONE) == first
        assert self.get(LISTS) == first
        assert self.put(RULES, None, None) is None
        self.settle()
        assert [change and change.sequence for change in self.told] == [1]

    def test_removed(self) -> None:
        self.put(LISTS, None, ONE)
        self.put(RULES, None, ONE)
        assert self.put(LISTS, TAG_1, None) is None
        assert self.get(LISTS) is None
        assert self.names() == [RULES]
        self.put(LISTS, None, TWO)
        assert self.get(LISTS).body == TWO

    def test_thereAndBackAgain(self) -> None:
        """The tag says what a document is, not when it became that."""
        self.put(LISTS, None, ONE)
        self.put(LISTS, TAG_1, TWO)
        assert self.put(LISTS, TAG_2, ONE).etag == TAG_1

    def test_listing(self) -> None:
        for name in (GLOBAL, RULES, BOBS, LISTS):
            self.put(name, None, ONE)
        assert self.names() == [RULES, GLOBAL, LISTS, BOBS]
        assert self.names("resource-lists") == [GLOBAL, LISTS, BOBS]
        assert self.names(xui=ALICE) == [RULES, LISTS]
        assert self.names("resource-lists", ALICE) == [LISTS]
        assert self.names(xui="") == [GLOBAL]
        assert self.names("pres-rules", "") == []
        assert result(self.store.entries("resource-lists", ALICE)) == (
            DocumentEntry(LISTS, TAG_1, len(ONE), START),
        )

    # How many, and what belongs to whom.

    def test_limit(self) -> None:
        """It counts the documents of a user in all usages, and stops new ones only."""
        self.put(LISTS, None, ONE, limit=2)
        self.put(RULES, None, ONE, limit=2)
        third = DocumentName("pidf-manipulation", ALICE, "index")
        with pytest.raises(TooManyDocuments) as caught:
            self.put(third, None, ONE, limit=2)
        assert caught.value.limit == 2
        assert self.get(third) is None
        self.put(RULES, TAG_1, TWO, limit=1)
        self.put(BOBS, None, ONE, limit=2)
        self.put(GLOBAL, None, ONE, limit=1)
        self.put(RULES, TAG_2, None, limit=0)
        self.put(third, None, ONE, limit=2)

    def test_claims(self) -> None:
        """What one document has for its own no other one of its usage gets."""
        both = ("sip:a@example.com", "sip:b@example.com")
        self.put(LISTS, None, ONE, claims=both)
        for claim in both:
            assert result(self.store.holder("resource-lists", claim)) == LISTS
            assert result(self.store.holder("pres-rules", claim)) is None
        with pytest.raises(ClaimTaken) as caught:
            self.put(BOBS, None, ONE, claims=["sip:c@example.com", both[1]])
        assert (caught.value.claim, caught.value.holder) == (both[1], LISTS)
        assert self.get(BOBS) is None
        assert result(self.store.holder("resource-lists", "sip:c@example.com")) is None
        self.put(RULES, None, ONE, claims=both)
        assert result(self.store.holder("pres-rules", both[0])) == RULES

    def test_claimsAreThoseOfTheDocumentThatIsThere(self) -> None:
        self.put(LISTS, None, ONE, claims=["a", "b", "a"])
        self.put(LISTS, TAG_1, TWO, claims=["b", "c"])
        assert [result(self.store.holder("resource-lists", claim)) for claim in "abc"] == [
            None,
            LISTS,
            LISTS,
        ]
        self.put(BOBS, None, ONE, claims=["a"])
        with pytest.raises(ClaimTaken):
            self.put(LISTS, TAG_2, ONE, claims=["a"])
        assert result(self.store.holder("resource-lists", "c")) == LISTS
        self.put(LISTS, TAG_2, None)
        self.put(BOBS, TAG_1, TWO, claims=["b", "c"])
        assert result(self.store.holder("resource-lists", "b")) == BOBS

    # Followers.

    def test_followed(self) -> None:
        """Everybody is told of each change, with what it is."""
        others: list[DocumentChange | None] = []
        self.store.subscribe(self.told.append)
        self.store.subscribe(others.append)
        self.put(LISTS, None, ONE)
        self.put(RULES, None, ONE)
        self.put(LISTS, TAG_1, TWO, patch="<diff/>")
        self.put(RULES, TAG_1, None)
        self.settle()
        assert self.told == others
        assert self.told == [
            DocumentChange(1, LISTS, None, TAG_1),
            DocumentChange(2, RULES, None, TAG_1),
            DocumentChange(3, LISTS, TAG_1, TAG_2, "<diff/>"),
            DocumentChange(4, RULES, TAG_1, None),
        ]

    def test_whatIsRefusedIsNotToldOf(self) -> None:
        self.put(LISTS, None, ONE, claims=["a"])
        self.store.subscribe(self.told.append)
        with pytest.raises(DocumentChanged):
            self.put(LISTS, None, TWO)
        with pytest.raises(ClaimTaken):
            self.put(BOBS, None, TWO, claims=["a"])
        with pytest.raises(TooManyDocuments):
            self.put(RULES, None, TWO, limit=1)
        self.settle()
        assert self.told == []

    def test_oneUsageIsFollowed(self) -> None:
        self.store.subscribe(self.told.append, "pres-rules")
        self.put(LISTS, None, ONE)
        self.put(RULES, None, ONE)
        self.settle()
        assert self.told == [DocumentChange(2, RULES, None, TAG_1)]

    def test_followedFromNowOn(self) -> None:
        """Also if somebody else who follows has not been told of all before it."""
        first: list[DocumentChange | None] = []
        self.put(LISTS, None, ONE)
        self.store.subscribe(first.append)
        self.put(RULES, None, ONE)
        self.store.subscribe(self.told.append)
        self.put(BOBS, None, ONE)
        self.settle()
        assert [change and change.name for change in first] == [RULES, BOBS]
        assert [change and change.name for change in self.told] == [BOBS]

    def test_followedNoMore(self) -> None:
        subscription = self.store.subscribe(self.told.append)
        self.store.subscribe(lambda _: subscription.cancel())
        self.put(LISTS, None, ONE)
        self.settle()
        self.put(LISTS, TAG_1, TWO)
        self.settle()
        assert len(self.told) == 1
        subscription.cancel()

    def test_cancelledByAnotherListener(self) -> None:
        cancelled: list[Any] = []
        self.store.subscribe(lambda _: cancelled[0].cancel())
        cancelled.append(self.store.subscribe(self.told.append))
        self.put(LISTS, None, ONE)
        self.settle()
        assert self.told == []

    def test_whoFailsIsToldAgainAndStopsNobody(self) -> None:
        def fail(change: DocumentChange | None) -> None:
            raise RuntimeError("no time")

        self.store.subscribe(fail)
        self.store.subscribe(self.told.append)
        with capturedLogs() as logs:
            self.put(LISTS, None, ONE)
            self.put(LISTS, TAG_1, TWO)
            self.settle()
        assert len(self.told) == 2
        assert [str(each["log_failure"].value) for each in logs] == ["no time"] * 2

    def test_aListenerThatChangesSomething(self) -> None:
        """All are told in the same order."""

        def follow(change: DocumentChange | None) -> None:
            assert change is not None
            if change.name == LISTS:
                self.put(RULES, None, ONE)

        self.store.subscribe(follow)
        self.store.subscribe(self.told.append)
        self.put(LISTS, None, ONE)
        self.settle()
        self.settle()
        assert [change and change.name for change in self.told] == [LISTS, RULES]

    def test_letGoMoreThanOnce(self) -> None:
        self.store.subscribe(self.told.append)
        result(self.store.close())
        result(self.store.close())
        self.reactor.advance(10)
        assert self.told == []

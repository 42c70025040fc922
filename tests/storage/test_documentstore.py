"""Tests of C{sipapp.storage.documentstore}."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, execute, gatherResults
from twisted.logger import capturedLogs

from sipapp.storage import (
    DocumentChange,
    DocumentsUnavailable,
    MemoryDocuments,
    SQLiteDocuments,
    SQLiteFileUnusable,
)
from sipapp.storage.document import Replacement
from sipapp.storage.documentfile import DocumentFile
from sipapp.xcap.names import DocumentName
from tests.storage.accountcontract import result
from tests.storage.documentcontract import (
    ALICE,
    LISTS,
    ONE,
    RULES,
    TAG_1,
    TAG_2,
    TWO,
    DocumentStoreContract,
)


class TestSQLiteDocuments(DocumentStoreContract):
    def open(self) -> Any:
        return SQLiteDocuments(self.path, self.reactor, execute, self.clock)

    def settle(self) -> None:
        for reader in self.reactor.getReaders():
            reader.doRead()

    def test_itSurvives(self) -> None:
        self.put(LISTS, None, ONE, claims=["a"])
        result(self.store.close())
        self.store = self.open()
        assert self.get(LISTS).body == ONE
        assert result(self.store.holder("resource-lists", "a")) == LISTS

    def test_whatOthersChangeIsSeenAtOnce(self) -> None:
        with DocumentFile(self.path) as other:
            assert self.get(LISTS) is None
            other.replace([Replacement(LISTS, None, ONE)])
            assert self.get(LISTS).body == ONE
            self.put(LISTS, TAG_1, TWO)
            stored = other.get(LISTS)
            assert stored is not None
            assert stored.body == TWO

    def test_severalFollow(self) -> None:
        """What one process changes all of them learn, each change once and in the same order."""
        other = self.open()
        others: list[DocumentChange | None] = []
        self.store.subscribe(self.told.append)
        other.subscribe(others.append)
        self.put(LISTS, None, ONE)
        result(other.replace(RULES, None, ONE))
        self.put(LISTS, TAG_1, TWO)
        self.settle()
        result(other.close())
        assert self.told == others
        assert [change and change.sequence for change in self.told] == [1, 2, 3]


class Thread:
    """Runs what it is given when it is told to, one call at a time."""

    def __init__(self) -> None:
        self.calls: list[tuple[Deferred[Any], Callable[[], Any]]] = []
        self.sizes: list[int] = []

    def __call__(self, call: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        self.sizes.append(len(arguments[0]))
        deferred: Deferred[Any] = Deferred()
        self.calls.append((deferred, lambda: call(*arguments)))
        return deferred

    def run(self) -> None:
        deferred, call = self.calls.pop(0)
        execute(call).chainDeferred(deferred)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.db"


def named(number: int) -> DocumentName:
    return DocumentName("resource-lists", ALICE, str(number))


def test_whatComesWhileTheDiskIsBusyIsWrittenTogether(path: Path) -> None:
    thread = Thread()
    store = SQLiteDocuments(path, inThread=thread)
    outcomes: list[Any] = []
    for number in range(100):
        store.replace(named(number), None, ONE).addBoth(outcomes.append)
    assert thread.sizes == [1]
    thread.run()
    assert len(outcomes) == 1
    assert thread.sizes == [1, 64]
    thread.run()
    thread.run()
    assert thread.sizes == [1, 64, 35]
    assert [outcome.etag for outcome in outcomes] == [TAG_1] * 100
    result(store.close())


def test_whoeverIsRefusedIsRefusedAlone(path: Path) -> None:
    thread = Thread()
    store = SQLiteDocuments(path, inThread=thread)
    names: list[str] = []
    for expected in (None, None, TAG_1, None):
        store.replace(LISTS, expected, TWO if expected else ONE).addBoth(
            lambda outcome: names.append(type(getattr(outcome, "value", outcome)).__name__)
        )
    thread.run()
    thread.run()
    assert names == ["StoredDocument", "DocumentChanged", "StoredDocument", "DocumentChanged"]
    assert result(store.get(LISTS)).etag == TAG_2
    result(store.close())


def test_whatCannotBeWrittenFails(path: Path) -> None:
    """All of those that were written together; and the next may succeed. It is said in the log once
    in a while."""
    now = [0.0]
    store = SQLiteDocuments(path, inThread=execute, clock=lambda: now[0])
    with closing(sqlite3.connect(path, isolation_level=None)) as other, capturedLogs() as logs:
        for table in ("claim", "document"):
            other.execute(f"ALTER TABLE {table} RENAME TO hidden")
            for _ in range(2):
                with pytest.raises(DocumentsUnavailable, match=f"no such table: .*{table}"):
                    result(store.replace(LISTS, None, ONE))
            if table == "document":
                for asked in (store.get(LISTS), store.holder("a", "b"), store.entries()):
                    with pytest.raises(DocumentsUnavailable):
                        result(asked)
            other.execute(f"ALTER TABLE hidden RENAME TO {table}")
            now[0] += 60.0
    assert [each["log_format"] for each in logs] == ["The documents in {path}: {error}"] * 2
    assert result(store.get(LISTS)) is None
    result(store.replace(LISTS, None, ONE))
    result(store.close())


def test_whatWasBegunIsFinished(path: Path) -> None:
    """Also what waited still when the store was closed."""
    thread = Thread()
    store = SQLiteDocuments(path, inThread=thread)
    for number in range(3):
        store.replace(named(number), None, ONE)
    closed: list[None] = []
    store.close().addCallback(closed.append)
    thread.run()
    assert closed == []
    thread.run()
    assert closed == [None]
    with DocumentFile(path) as file:
        assert len(file.entries()) == 3


def test_unusable(path: Path) -> None:
    path.write_text("<lists/>" * 100)
    with pytest.raises(SQLiteFileUnusable, match="file is not a database"):
        SQLiteDocuments(path)


@ensureDeferred
async def test_inThreads(path: Path) -> None:
    store = SQLiteDocuments(path)
    await gatherResults([store.replace(named(number), None, ONE) for number in range(20)])
    assert len(await store.entries()) == 20
    await store.close()


_NAMES = [LISTS, RULES, named(1), DocumentName("resource-lists", "sip:bob@example.com", "index")]
_BODIES = [None, b"1", b"2"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(_NAMES),
            st.booleans(),
            st.sampled_from(_BODIES),
            st.sets(st.sampled_from("abc")),
            st.sampled_from([None, 1, 2]),
        ),
        max_size=30,
    )
)
def test_inMemoryItIsTheSame(
    tmp_path_factory: pytest.TempPathFactory,
    wanted: list[tuple[DocumentName, bool, bytes | None, set[str], int | None]],
) -> None:
    """Tests that use the store in memory show what happens with the other one."""
    path = tmp_path_factory.mktemp("documents") / "documents.db"
    stores = MemoryDocuments(lambda: 0.0), SQLiteDocuments(path, None, execute, lambda: 0.0)
    for name, isRight, body, claims, limit in wanted:
        outcomes = []
        for store in stores:
            there = result(store.get(name))
            expected = "another" if not isRight else None if there is None else there.etag
            done = store.replace(name, expected, body, None, claims, limit)
            try:
                outcomes.append(repr(result(done)))
            except Exception as error:
                outcomes.append(type(error).__name__)
        assert outcomes[0] == outcomes[1]
    assert result(stores[0].entries()) == result(stores[1].entries())
    for claim in "abc":
        assert result(stores[0].holder("resource-lists", claim)) == result(
            stores[1].holder("resource-lists", claim)
        )
    result(stores[1].close())

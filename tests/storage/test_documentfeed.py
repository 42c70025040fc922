"""Tests of C{sipapp.storage.documentfeed}."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import inotify, reactor
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.python._inotify import INotifyError

from sipapp.storage import DocumentChange
from sipapp.storage.document import Replacement
from sipapp.storage.documentfeed import DocumentFeed
from sipapp.storage.documentfile import DocumentFile
from tests.storage.documentcontract import LISTS


class Followed:
    """A feed, and another process' way into the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reactor = MemoryReactorClock()
        self.file = DocumentFile(path)
        self.other = DocumentFile(path, mostChanges=200)
        self.feed = DocumentFeed(self.file, self.reactor)
        self.told: list[DocumentChange | None] = []
        self._number = 0

    def change(self, times: int = 1) -> None:
        for _ in range(times):
            there = self.other.get(LISTS)
            self._number += 1
            wanted = Replacement(LISTS, there and there.etag, b"%d" % self._number)
            self.other.replace([wanted])

    def wake(self) -> None:
        """Have it see what inotify has to say."""
        for reader in self.reactor.getReaders():
            reader.doRead()

    @property
    def numbers(self) -> list[int | None]:
        return [change and change.sequence for change in self.told]

    def close(self) -> None:
        self.feed.close()
        self.reactor.advance(0)
        self.file.close()
        self.other.close()


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    followed = Followed(tmp_path / "documents.db")
    yield followed
    followed.close()


def test_wokenByAChange(followed: Followed) -> None:
    followed.feed.subscribe(followed.told.append, None)
    followed.wake()
    assert followed.numbers == []
    followed.change()
    followed.wake()
    assert followed.numbers == [1]
    followed.change(2)
    followed.wake()
    followed.wake()
    assert followed.numbers == [1, 2, 3]


def test_nothingIsReadBeforeSomebodyFollows(followed: Followed) -> None:
    followed.change()
    assert followed.reactor.getReaders() == []
    assert followed.reactor.getDelayedCalls() == []


def test_nobodyHasSaidSo(followed: Followed) -> None:
    """Whoever has made a change was killed before it could touch the file."""
    followed.feed.subscribe(followed.told.append, None)
    with closing(sqlite3.connect(followed.path, isolation_level=None)) as killed:
        killed.execute(
            "INSERT INTO change (auid, xui, path, etag, time)"
            " VALUES ('resource-lists', 'sip:alice@example.com', 'index', 'x', 0)"
        )
    followed.wake()
    assert followed.numbers == []
    followed.reactor.advance(1.0)
    assert followed.numbers == [1]


def test_manyAtOnce(followed: Followed) -> None:
    """Others have their turn in between, and nothing is lost by it."""
    followed.feed.subscribe(followed.told.append, None)
    followed.change(150)
    followed.wake()
    assert len(followed.told) == 100
    followed.reactor.advance(0)
    assert followed.numbers == list(range(1, 151))


def test_sleptForTooLong(followed: Followed) -> None:
    """Who follows is told that something is missing, and then of what is left."""
    followed.feed.subscribe(followed.told.append, None)
    followed.feed.subscribe(followed.told.append, "pres-rules")
    followed.change(300)
    followed.feed.subscribe(followed.told.append, None)
    followed.wake()
    followed.reactor.pump([0, 0, 0])
    assert followed.numbers[:3] == [None, 101, None]
    assert followed.numbers[3:] == list(range(102, 301))


def test_withoutInotify(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine may have given out all there are: then changes are noticed a little later."""

    class Exhausted:
        @staticmethod
        def init() -> int:
            raise INotifyError("INotify initialization error.")

    monkeypatch.setattr(inotify.INotify, "_inotify", Exhausted)
    with capturedLogs() as logs:
        followed.feed.subscribe(followed.told.append, None)
    assert [each["log_format"] for each in logs] == [
        "Changes of documents are noticed {interval} s later: {error}"
    ]
    followed.change()
    followed.reactor.advance(1.0)
    assert followed.numbers == [1]


def test_unreadable(followed: Followed) -> None:
    """It is said once in a while, and the next look may succeed."""
    followed.feed.subscribe(followed.told.append, None)
    followed.change()
    with closing(sqlite3.connect(followed.path, isolation_level=None)) as other:
        other.execute("ALTER TABLE change RENAME TO hidden")
        with capturedLogs() as logs:
            followed.reactor.pump([1.0] * 10)
        assert [each["log_format"] for each in logs] == [
            "Changes of documents cannot be read: {error}"
        ]
        assert followed.numbers == []
        other.execute("ALTER TABLE hidden RENAME TO change")
    followed.reactor.advance(1.0)
    assert followed.numbers == [1]


def test_letGo(followed: Followed) -> None:
    followed.feed.subscribe(followed.told.append, None)
    readers = followed.reactor.getReaders()
    followed.feed.close()
    followed.change()
    assert followed.reactor.getReaders() == []
    followed.reactor.advance(1.0)
    assert followed.numbers == []
    assert [reader.connected for reader in readers] == [0]


def test_letGoWithMoreToTell(followed: Followed) -> None:
    followed.feed.subscribe(followed.told.append, None)
    followed.change(150)
    followed.wake()
    followed.feed.close()
    followed.file.close()
    with capturedLogs() as logs:
        followed.reactor.advance(1.0)
    assert logs == []
    assert len(followed.told) == 100


_PUTTING = """
import sys
from sipapp.storage.document import Replacement
from sipapp.storage.documentfile import DocumentFile
from sipapp.xcap.names import DocumentName
with DocumentFile(sys.argv[1]) as file:
    for number in range(5):
        name = DocumentName("resource-lists", "sip:alice@example.com", str(number))
        file.replace([Replacement(name, None, b"<lists/>")])
"""


@ensureDeferred
async def test_anotherProcess(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"
    file = DocumentFile(path)
    feed = DocumentFeed(file, reactor)
    told: list[str] = []
    all_: Deferred[None] = Deferred()

    def listen(change: DocumentChange | None) -> None:
        assert change is not None
        told.append(change.name.path)
        if len(told) == 5:
            all_.callback(None)

    feed.subscribe(listen, None)
    with subprocess.Popen([sys.executable, "-c", _PUTTING, path]):
        await all_.addTimeout(60, reactor)
    assert told == ["0", "1", "2", "3", "4"]
    feed.close()
    file.close()

"""Tests of C{sipapp.storage.documentfile}: the file itself."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from sipapp.storage import DocumentChanged, StoredDocument, entityTag
from sipapp.storage.document import Replacement
from sipapp.storage.documentfile import DocumentFile
from tests.storage.documentcontract import ALICE, LISTS, ONE, RULES, START, TAG_1, TWO


class Now:
    """A clock that is set by hand."""

    time = START

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.db"


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def file(path: Path, now: Now) -> Iterator[DocumentFile]:
    with DocumentFile(path, now, mostChanges=10) as file:
        yield file


def put(file: DocumentFile, body: bytes, patch: str | None = None) -> None:
    """Have this be the document, whatever it was."""
    present = file.get(LISTS)
    (outcome,) = file.replace([Replacement(LISTS, present and present.etag, body, patch)])
    assert isinstance(outcome, StoredDocument)


def test_readableByItsOwnerAlone(path: Path) -> None:
    before = os.umask(0)
    try:
        with DocumentFile(path) as file:
            put(file, ONE)
            modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("documents.db", "documents.db-shm", "documents.db-wal"), 0o600)


def test_together(file: DocumentFile) -> None:
    """Each of the changes that are made at once sees those before it, and has its own outcome."""
    wanted = [
        Replacement(LISTS, None, ONE),
        Replacement(LISTS, None, TWO),
        Replacement(LISTS, TAG_1, TWO),
        Replacement(RULES, None, ONE, limit=1),
        Replacement(LISTS, entityTag(TWO), None),
        Replacement(RULES, None, ONE, limit=1),
    ]
    outcomes = file.replace(wanted)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "StoredDocument",
        "DocumentChanged",
        "StoredDocument",
        "TooManyDocuments",
        "NoneType",
        "StoredDocument",
    ]
    assert [each.name for each in file.entries()] == [RULES]
    assert [each.sequence for each in file.changes(0, 10)] == [1, 2, 3, 4]


def test_oneAfterTheOther(file: DocumentFile, path: Path) -> None:
    """Whoever writes has the lock of the directory, so that those who wait stand in a queue."""

    def isFree() -> bool:
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(directory)
        return True

    def replacements() -> Iterator[Replacement]:
        assert not isFree()
        yield Replacement(LISTS, None, ONE)

    assert isFree()
    file.replace(replacements())
    assert isFree()


def test_theLastChangesAreKept(file: DocumentFile) -> None:
    for number in range(25):
        put(file, b"%d" % number)
    assert [each.sequence for each in file.changes(0, 100)] == list(range(16, 26))
    assert [each.sequence for each in file.changes(0, 3)] == [16, 17, 18]
    assert file.lastChange() == 25


def test_oldChangesAreForgotten(file: DocumentFile, now: Now) -> None:
    put(file, ONE, "<secret/>")
    now.time += 3600
    put(file, TWO)
    assert [each.sequence for each in file.changes(0, 100)] == [2]


def test_theNewestChangeStays(file: DocumentFile, now: Now) -> None:
    """The next number comes from it, and whoever follows knows whether something is missing."""
    put(file, ONE)
    now.time += 86_400
    file.replace([Replacement(LISTS, None, TWO)])
    assert file.lastChange() == 1


def test_patches(file: DocumentFile) -> None:
    """One that is longer than it is useful is not kept."""
    put(file, ONE, "<diff/>")
    put(file, TWO, "x" * 100_000)
    assert [each.patch for each in file.changes(0, 100)] == ["<diff/>", None]


def test_onlyAChangeTouchesTheFile(file: DocumentFile, path: Path) -> None:
    """Nobody is woken for nothing."""
    put(file, ONE)
    os.utime(path, (0, 0))
    (outcome,) = file.replace([Replacement(LISTS, None, TWO)])
    assert isinstance(outcome, DocumentChanged)
    file.replace([Replacement(LISTS, TAG_1, ONE)])
    assert path.stat().st_mtime == 0
    put(file, TWO)
    assert path.stat().st_mtime > 0


def test_tablesAreSearchedByIndex(file: DocumentFile) -> None:
    """No look-up and no change takes the longer the more documents there are."""
    asked: list[str] = []
    file.database.set_trace_callback(asked.append)
    file.get(LISTS)
    file.holder("resource-lists", "a")
    file.entries(xui=ALICE)
    file.entries("resource-lists")
    file.changes(0, 10)
    file.replace([Replacement(LISTS, None, ONE, claims=["a"], limit=5)])
    file.replace([Replacement(LISTS, TAG_1, TWO, claims=["a"])])
    file.replace([Replacement(LISTS, entityTag(TWO), None)])
    file.database.set_trace_callback(None)
    assert len(asked) > 20
    for query in asked:
        if query.split()[0] in ("BEGIN", "COMMIT"):
            continue
        plan = file.database.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        assert not [row for row in plan if row[-1].startswith("SCAN")], query


_COUNTING = """
import sys
from sipapp.storage.document import Replacement
from sipapp.storage.documentfile import DocumentFile
from sipapp.xcap.names import DocumentName
name = DocumentName("resource-lists", "sip:alice@example.com", "index")
with DocumentFile(sys.argv[1]) as file:
    for _ in range(20):
        while True:
            there = file.get(name)
            number = 0 if there is None else int(there.body)
            wanted = Replacement(name, there and there.etag, str(number + 1).encode())
            (outcome,) = file.replace([wanted])
            if not isinstance(outcome, Exception):
                break
"""


def test_severalProcesses(path: Path) -> None:
    """They make the file together, and nothing that one of them has done is undone by others."""
    processes = [subprocess.Popen([sys.executable, "-c", _COUNTING, path]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    with DocumentFile(path) as file:
        stored = file.get(LISTS)
        assert stored is not None
        assert stored.body == b"60"
        changes = file.changes(0, 100)
    assert [change.sequence for change in changes] == list(range(1, 61))
    for one, next_ in pairwise(changes):
        assert next_.previous == one.etag


def test_killedWriter(path: Path) -> None:
    """Half a change is none, and nobody is locked out."""
    with DocumentFile(path) as file:
        put(file, ONE)
    script = (
        "import os, signal, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('BEGIN IMMEDIATE')\n"
        "database.execute('DELETE FROM document')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    with DocumentFile(path) as file:
        stored = file.get(LISTS)
        assert stored is not None
        assert stored.body == ONE
        put(file, TWO)


def test_readersDoNotWaitForAWriter(path: Path) -> None:
    with DocumentFile(path) as file:
        put(file, ONE)
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            writer.execute("DELETE FROM document")
            assert file.get(LISTS) is not None
            assert len(file.entries()) == 1
            writer.execute("ROLLBACK")

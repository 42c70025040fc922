"""Tests of C{sipapp.storage.accountfile}: the file itself."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sipapp.storage import AccountFile, SQLiteFileUnusable, newAccount
from tests.storage.accountcontract import ALICE, BOB


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


def test_readableByItsOwnerAlone(path: Path) -> None:
    """Also the files that SQLite puts beside it, whatever the umask."""
    before = os.umask(0)
    try:
        with AccountFile(path) as file:
            file.add(ALICE)
            names = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert names == {
        "accounts.db": 0o600,
        "accounts.db-shm": 0o600,
        "accounts.db-wal": 0o600,
    }


def test_noPasswordIsInIt(path: Path) -> None:
    with AccountFile(path) as file:
        file.add(newAccount("alice", "example.com", "wonderland"))
    assert b"alice" in path.read_bytes()
    assert b"wonderland" not in path.read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_whatRootWritesBelongsToTheOwner(path: Path) -> None:
    """sipappctl may run as root; the server must be able to go on."""
    with AccountFile(path):
        pass
    os.chown(path, 65534, 65534)
    with AccountFile(path) as file:
        file.add(ALICE)
        owners = {each.stat().st_uid for each in path.parent.iterdir()}
    assert owners == {65534}


def test_notADatabase(path: Path) -> None:
    path.write_text("alice:wonderland\n" * 100)
    with pytest.raises(SQLiteFileUnusable, match="file is not a database"):
        AccountFile(path)


def test_somethingElse(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 7")
    with pytest.raises(SQLiteFileUnusable, match="another version of sipapp"):
        AccountFile(path)


def test_noDirectory(path: Path) -> None:
    with pytest.raises(SQLiteFileUnusable, match=r"accounts\.db: No such file or directory"):
        AccountFile(path.parent / "missing" / "accounts.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden(path: Path) -> None:
    path.touch(mode=0o400)
    with pytest.raises(SQLiteFileUnusable, match="Permission denied"):
        AccountFile(path)


_MANY = """
import sys
from sipapp.storage import AccountFile, newAccount
with AccountFile(sys.argv[1]) as file:
    for number in range(20):
        file.add(newAccount(f"{sys.argv[2]}{number}", "example.com", "secret"))
"""


def test_severalProcesses(path: Path) -> None:
    """They make it together, and nothing that one of them adds is lost."""
    writers = [
        subprocess.Popen([sys.executable, "-c", _MANY, path, name]) for name in ("a", "b", "c")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    with AccountFile(path) as file:
        assert len(file.accounts()) == 60


def test_readersDoNotWaitForAWriter(path: Path) -> None:
    """A look-up in a worker must never stop it, whatever sipappctl does."""
    with AccountFile(path) as reader:
        reader.add(ALICE)
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            writer.execute("DELETE FROM account")
            assert reader.find("alice", "example.com") == ALICE
            assert reader.find("bob", "example.com") is None
            writer.execute("ROLLBACK")
        reader.add(BOB)


def test_killedWriter(path: Path) -> None:
    """Half a change is none, and nobody is locked out."""
    with AccountFile(path) as file:
        file.add(ALICE)
    script = (
        "import os, signal, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('BEGIN IMMEDIATE')\n"
        "database.execute('DELETE FROM account')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, path], check=False).returncode == -9
    with AccountFile(path) as file:
        assert file.accounts() == (ALICE,)
        file.add(BOB)

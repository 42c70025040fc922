"""Tests of C{sipapp.storage.sqlitefile}. Those of what is in the files are also about it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sipapp.storage import SQLiteFileUnusable
from sipapp.storage.sqlitefile import SQLiteFile


class Notes(SQLiteFile):
    version = 3
    schema = ("CREATE TABLE note (text TEXT)",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


def inIt(path: Path) -> list[str]:
    with Notes(path) as file:
        return [text for (text,) in file.database.execute("SELECT text FROM note")]


def test_madeWhole(path: Path) -> None:
    """Nothing else is left behind, and it is in WAL mode from the beginning."""
    Notes.create(path)
    assert os.listdir(path.parent) == ["notes.db"]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchall() == [(3,)]
        assert database.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


def test_somebodyIsFaster(path: Path) -> None:
    """The file that is there first stays, with what is in it by then."""

    class Overtaken(tuple[str, ...]):
        def __iter__(self) -> Iterator[str]:
            with Notes(path) as file:
                file.database.execute("INSERT INTO note VALUES ('first')")
            return super().__iter__()

    class Late(Notes):
        schema = Overtaken(Notes.schema)

    Late.create(path)
    assert inIt(path) == ["first"]
    assert os.listdir(path.parent) == ["notes.db"]


def test_madeOnce(path: Path) -> None:
    with Notes(path) as file:
        file.database.execute("INSERT INTO note VALUES ('first')")
    Notes.create(path)
    assert inIt(path) == ["first"]


def test_notMade(path: Path) -> None:
    class Wrong(Notes):
        schema = ("CREATE TABLE",)

    with pytest.raises(SQLiteFileUnusable, match=r"notes\.db: incomplete input"):
        Wrong.create(path)
    assert os.listdir(path.parent) == []


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(SQLiteFileUnusable, match="unable to open database file"):
        Notes(tmp_path)


def test_allOrNothing(path: Path) -> None:
    with Notes(path) as file:
        with pytest.raises(KeyError), file.transaction():
            file.database.execute("INSERT INTO note VALUES ('half')")
            raise KeyError
        with file.transaction():
            file.database.execute("INSERT INTO note VALUES ('whole')")
    assert inIt(path) == ["whole"]


def test_itHasBeenUndoneAlready(path: Path) -> None:
    """As after some errors of the disk: what is told then is what has gone wrong."""
    with Notes(path) as file:
        file.database.execute("CREATE UNIQUE INDEX texts ON note (text)")
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), file.transaction():
            for _ in range(2):
                file.database.execute("INSERT OR ROLLBACK INTO note VALUES ('twice')")
        with file.transaction():
            file.database.execute("INSERT INTO note VALUES ('once')")
    assert inIt(path) == ["once"]

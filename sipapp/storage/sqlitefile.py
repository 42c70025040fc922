"""A SQLite file that the processes of a server share: making, opening and changing it, without a
reactor.

The file is in WAL mode: who reads waits for nobody, and a change is on the disk when the call that
makes it returns. The next look in any process sees it.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self

__all__ = ["SQLiteFile", "SQLiteFileUnusable", "createSQLiteFile"]

_PATIENCE = 5.0
"""Seconds to wait for another process that makes a change."""


class SQLiteFileUnusable(Exception):
    """The file cannot be opened, or what it holds is something else."""


def createSQLiteFile(path: str | os.PathLike[str]) -> None:
    """Make an empty file that its owner alone can read, unless there is one. SQLite gives the files
    that it puts beside it the same mode and owner.

    @raise OSError: if that cannot be.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


class SQLiteFile:
    """One process' way into the file. It is for one thread at a time. Subclasses say what is in it.

    @cvar schema: the statements that make an empty file one of this kind.
    @cvar version: of the schema, from 1 on.
    """

    schema: ClassVar[tuple[str, ...]]
    version: ClassVar[int]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """
        @param path: the file; it is made if there is none, readable by its owner alone.
        @raise SQLiteFileUnusable: if that cannot be.
        """
        self.path = Path(path).absolute()
        try:
            createSQLiteFile(self.path)
            # Not by opening it: that would take the locks from other connections of this process.
            if not os.access(self.path, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            self.database = sqlite3.connect(
                self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
        except OSError as error:
            raise SQLiteFileUnusable(f"{self.path}: {error.strerror}") from error
        except sqlite3.Error as error:
            raise SQLiteFileUnusable(f"{self.path}: {error}") from error
        try:
            self._prepare()
        except (sqlite3.Error, SQLiteFileUnusable) as error:
            self.close()
            raise SQLiteFileUnusable(f"{self.path}: {error}") from error

    def _prepare(self) -> None:
        self.database.execute("PRAGMA synchronous = FULL")
        if self._version() == 0:
            self.database.execute("PRAGMA journal_mode = WAL")
            with self.transaction():
                # Another process may have been faster.
                if self._version() == 0:
                    for statement in self.schema:
                        self.database.execute(statement)
                    self.database.execute(f"PRAGMA user_version = {self.version}")
        if self._version() != self.version:
            raise SQLiteFileUnusable("made by another version of sipapp, or for something else")

    def _version(self) -> int:
        (version,) = self.database.execute("PRAGMA user_version").fetchone()
        return int(version)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within is done, or nothing of it."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.database.execute("COMMIT")
        except BaseException:
            self.database.execute("ROLLBACK")
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

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
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import ClassVar, Self

__all__ = ["SQLiteFile", "SQLiteFileUnusable"]

_PATIENCE = 5.0
"""Seconds to wait for another process that makes a change."""


class SQLiteFileUnusable(Exception):
    """The file cannot be opened, or what it holds is something else."""


class SQLiteFile:
    """One process' way into the file. It is for one thread at a time. Subclasses say what is in it.

    @cvar schema: the statements that make an empty file one of this kind.
    @cvar version: of the schema, from 1 on.
    """

    schema: ClassVar[tuple[str, ...]]
    version: ClassVar[int]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """
        @param path: the file; it is made if there is none.
        @raise SQLiteFileUnusable: if that cannot be.
        """
        self.path = Path(path).absolute()
        try:
            self.create(self.path)
            # Not by opening it: that would take the locks from other connections of this process.
            if not os.access(self.path, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            self.database = _connect(self.path)
        except OSError as error:
            raise SQLiteFileUnusable(f"{self.path}: {error.strerror}") from error
        except sqlite3.Error as error:
            raise SQLiteFileUnusable(f"{self.path}: {error}") from error
        try:
            (version,) = self.database.execute("PRAGMA user_version").fetchone()
            if version != self.version:
                raise SQLiteFileUnusable("made by another version of sipapp, or for something else")
            self.database.execute("PRAGMA synchronous = FULL")
        except (sqlite3.Error, SQLiteFileUnusable) as error:
            self.close()
            raise SQLiteFileUnusable(f"{self.path}: {error}") from error

    @classmethod
    def create(cls, path: Path) -> None:
        """Make a file that its owner alone can read, with nothing in it, unless there is one.
        SQLite gives the files that it puts beside it the same mode and owner.

        It is made under another name. So nobody sees half of it, and processes that start together
        do not lock each other out when they switch it to WAL mode.

        @raise OSError: if that cannot be. @raise SQLiteFileUnusable: likewise.
        """
        if path.exists():
            return
        fd, draft = mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(fd)
        try:
            with closing(_connect(draft)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("BEGIN")
                for statement in cls.schema:
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {cls.version}")
                database.execute("COMMIT")
            with suppress(FileExistsError):
                os.link(draft, path)
        except sqlite3.Error as error:
            raise SQLiteFileUnusable(f"{path}: {error}") from error
        finally:
            for beside in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    os.unlink(f"{draft}{beside}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within is done, or nothing of it."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.database.execute("COMMIT")
        except BaseException:
            # After some errors, such as a full disk, SQLite has done so itself.
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go."""
        self.database.close()


def _connect(path: str | os.PathLike[str]) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)

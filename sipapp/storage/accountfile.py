"""The SQLite file that holds accounts: reading and changing them, without a reactor.

A row of C{account} is an account, with a column for each algorithm's digest. C{userhash} leads to
it from what a client says that hides the name of its user (RFC 7616 §3.4.4).

The file is in WAL mode: who reads waits for nobody, and a change is on the disk when the call that
makes it returns. The next look-up in any process sees it. There is no cache: to ask SQLite whether
anything has changed takes half as long as to read an account.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sipapp.sip.digest import HASHES
from sipapp.sip.digest.algorithms import userHash
from sipapp.storage.account import Account, AccountExists, NoSuchAccount

__all__ = ["AccountFile", "AccountFileUnusable", "createAccountFile"]

_VERSION = 1

# The last three columns are the digests of HASHES, in this order.
_SCHEMA = (
    """
    CREATE TABLE account (
        username TEXT NOT NULL,
        realm TEXT NOT NULL,
        role TEXT,
        md5 TEXT,
        sha256 TEXT,
        sha512_256 TEXT,
        PRIMARY KEY (realm, username)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE userhash (
        hash TEXT PRIMARY KEY,
        username TEXT NOT NULL,
        realm TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    f"PRAGMA user_version = {_VERSION}",
)

_FIND = "SELECT * FROM account WHERE realm = ? AND username = ?"
_FIND_HASHED = "SELECT account.* FROM account NATURAL JOIN userhash WHERE realm = ? AND hash = ?"
_LIST = "SELECT * FROM account WHERE ?1 IS NULL OR realm = ?1 ORDER BY realm, username"
_PUT = "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?)"
_PUT_HASH = "INSERT OR REPLACE INTO userhash (hash, username, realm) VALUES (?, ?, ?)"
_REMOVE = "DELETE FROM account WHERE realm = ? AND username = ?"
_REMOVE_HASH = "DELETE FROM userhash WHERE hash = ?"

_PATIENCE = 5.0
"""Seconds to wait for another process that makes a change."""


class AccountFileUnusable(Exception):
    """The file cannot be opened, or what it holds is not accounts."""


def createAccountFile(path: str | os.PathLike[str]) -> None:
    """Make an empty file that its owner alone can read, unless there is one. SQLite gives the files
    that it puts beside it the same mode and owner.

    @raise OSError: if that cannot be.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


class AccountFile:
    """One process' way into the file. It is for one thread at a time."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """
        @param path: the file; it is made if there is none, readable by its owner alone.
        @raise AccountFileUnusable: if that cannot be.
        """
        self._path = Path(path).absolute()
        try:
            createAccountFile(self._path)
            # Not by opening it: that would take the locks from other connections of this process.
            if not os.access(self._path, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            self._database = sqlite3.connect(
                self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
        except OSError as error:
            raise AccountFileUnusable(f"{self._path}: {error.strerror}") from error
        except sqlite3.Error as error:
            raise AccountFileUnusable(f"{self._path}: {error}") from error
        try:
            self._prepare()
        except (sqlite3.Error, AccountFileUnusable) as error:
            self._database.close()
            raise AccountFileUnusable(f"{self._path}: {error}") from error

    def _prepare(self) -> None:
        self._database.execute("PRAGMA synchronous = FULL")
        if self._version() == 0:
            self._database.execute("PRAGMA journal_mode = WAL")
            with self._transaction():
                # Another process may have been faster.
                if self._version() == 0:
                    for statement in _SCHEMA:
                        self._database.execute(statement)
        if self._version() != _VERSION:
            raise AccountFileUnusable("made by another version of sipapp, or for something else")

    def _version(self) -> int:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        return int(version)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All that is done within is done, or nothing of it."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise

    # Looking up.

    def find(self, username: str, realm: str) -> Account | None:
        return self._find(_FIND, realm, username)

    def findHashed(self, userhash: str, realm: str) -> Account | None:
        return self._find(_FIND_HASHED, realm, userhash)

    def _find(self, query: str, *names: str) -> Account | None:
        try:
            row = self._database.execute(query, names).fetchone()
        except UnicodeEncodeError:
            # Nothing that is not Unicode is the name of anybody.
            return None
        return None if row is None else _account(row)

    def accounts(self, realm: str | None = None) -> tuple[Account, ...]:
        """
        @return: the accounts of a realm, or all of them, sorted by realm and name.
        """
        return tuple(map(_account, self._database.execute(_LIST, (realm,))))

    # Changing.

    def add(self, *accounts: Account) -> None:
        """Add accounts, in one transaction.

        @raise AccountExists: if there is one of these already; nothing has been added then.
        """
        with self._transaction():
            for account in accounts:
                try:
                    self._put(account)
                except sqlite3.IntegrityError as error:
                    raise AccountExists(account.username, account.realm) from error

    def replace(self, account: Account) -> None:
        """
        @raise NoSuchAccount: if there is none to replace.
        """
        with self._transaction():
            self._drop(account.username, account.realm)
            self._put(account)

    def remove(self, username: str, realm: str) -> None:
        """
        @raise NoSuchAccount: if there is none to remove.
        """
        with self._transaction():
            self._drop(username, realm)

    def _put(self, account: Account) -> None:
        name = account.username, account.realm
        digests = map(account.digests.get, HASHES)
        self._database.execute(_PUT, (*name, account.role, *digests))
        self._database.executemany(_PUT_HASH, [(each, *name) for each in _userhashes(*name)])

    def _drop(self, username: str, realm: str) -> None:
        if not self._database.execute(_REMOVE, (realm, username)).rowcount:
            raise NoSuchAccount(username, realm)
        hashes = _userhashes(username, realm)
        self._database.executemany(_REMOVE_HASH, [(each,) for each in hashes])

    def __enter__(self) -> AccountFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go."""
        self._database.close()


def _account(row: tuple[Any, ...]) -> Account:
    username, realm, role, *digests = row
    given = {
        algorithm: digest
        for algorithm, digest in zip(HASHES, digests, strict=True)
        if digest is not None
    }
    return Account(username, realm, given, role)


def _userhashes(username: str, realm: str) -> list[str]:
    return [userHash(algorithm, username, realm) for algorithm in HASHES]

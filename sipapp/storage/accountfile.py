"""The SQLite file that holds accounts: reading and changing them, without a reactor.

A row of C{account} is an account, with a column for each algorithm's digest. C{userhash} leads to
it from what a client says that hides the name of its user (RFC 7616 §3.4.4).

There is no cache: to ask SQLite whether anything has changed takes half as long as to read an
account.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sipapp.sip.digest import HASHES
from sipapp.sip.digest.algorithms import userHash
from sipapp.storage.account import Account, AccountExists, NoSuchAccount
from sipapp.storage.sqlitefile import SQLiteFile

__all__ = ["AccountFile"]

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
)

_FIND = "SELECT * FROM account WHERE realm = ? AND username = ?"
_FIND_HASHED = "SELECT account.* FROM account NATURAL JOIN userhash WHERE realm = ? AND hash = ?"
_LIST = "SELECT * FROM account WHERE ?1 IS NULL OR realm = ?1 ORDER BY realm, username"
_PUT = "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?)"
_PUT_HASH = "INSERT OR REPLACE INTO userhash (hash, username, realm) VALUES (?, ?, ?)"
_REMOVE = "DELETE FROM account WHERE realm = ? AND username = ?"
_REMOVE_HASH = "DELETE FROM userhash WHERE hash = ?"


class AccountFile(SQLiteFile):
    """One process' way into the file. It is for one thread at a time."""

    version = 1
    schema = _SCHEMA

    # Looking up.

    def find(self, username: str, realm: str) -> Account | None:
        return self._find(_FIND, realm, username)

    def findHashed(self, userhash: str, realm: str) -> Account | None:
        return self._find(_FIND_HASHED, realm, userhash)

    def _find(self, query: str, *names: str) -> Account | None:
        try:
            row = self.database.execute(query, names).fetchone()
        except UnicodeEncodeError:
            # Nothing that is not Unicode is the name of anybody.
            return None
        return None if row is None else _account(row)

    def accounts(self, realm: str | None = None) -> tuple[Account, ...]:
        """
        @return: the accounts of a realm, or all of them, sorted by realm and name.
        """
        return tuple(map(_account, self.database.execute(_LIST, (realm,))))

    # Changing.

    def add(self, *accounts: Account) -> None:
        """Add accounts, in one transaction.

        @raise AccountExists: if there is one of these already; nothing has been added then.
        """
        with self.transaction():
            for account in accounts:
                try:
                    self._put(account)
                except sqlite3.IntegrityError as error:
                    raise AccountExists(account.username, account.realm) from error

    def replace(self, account: Account) -> None:
        """
        @raise NoSuchAccount: if there is none to replace.
        """
        with self.transaction():
            self._drop(account.username, account.realm)
            self._put(account)

    def remove(self, username: str, realm: str) -> None:
        """
        @raise NoSuchAccount: if there is none to remove.
        """
        with self.transaction():
            self._drop(username, realm)

    def _put(self, account: Account) -> None:
        name = account.username, account.realm
        digests = map(account.digests.get, HASHES)
        self.database.execute(_PUT, (*name, account.role, *digests))
        self.database.executemany(_PUT_HASH, [(each, *name) for each in _userhashes(*name)])

    def _drop(self, username: str, realm: str) -> None:
        if not self.database.execute(_REMOVE, (realm, username)).rowcount:
            raise NoSuchAccount(username, realm)
        hashes = _userhashes(username, realm)
        self.database.executemany(_REMOVE_HASH, [(each,) for each in hashes])


def _account(row: tuple[Any, ...]) -> Account:
    username, realm, role, *digests = row
    given = dict(zip(HASHES, digests, strict=True))
    if None in digests:
        given = {algorithm: digest for algorithm, digest in given.items() if digest is not None}
    return Account(username, realm, given, role)


def _userhashes(username: str, realm: str) -> list[str]:
    return [userHash(algorithm, username, realm) for algorithm in HASHES]

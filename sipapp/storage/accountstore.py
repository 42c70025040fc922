"""Accounts that all processes of one machine share and that survive a restart."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from zope.interface import implementer

from sipapp.interfaces import IAccountStore
from sipapp.storage.account import Account
from sipapp.storage.accountfile import AccountFile

__all__ = ["SQLiteAccounts"]


@implementer(IAccountStore)
class SQLiteAccounts:
    """An L{IAccountStore} over an L{AccountFile}.

    Look-ups are synchronous: 8 µs, and they wait for nobody. What waits for the disk or for
    another process is done in a thread, with a connection of its own.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        inThread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        """
        @param path: of the file.
        @param inThread: runs a function where it may block.
        @raise sipapp.storage.SQLiteFileUnusable: if it cannot be opened.
        """
        self._path = path
        self._inThread = inThread
        self._file = AccountFile(path)
        self.find = self._file.find
        self.findHashed = self._file.findHashed

    def add(self, *accounts: Account) -> Deferred[None]:
        return self._inThread(self._do, AccountFile.add, *accounts)

    def replace(self, account: Account) -> Deferred[None]:
        return self._inThread(self._do, AccountFile.replace, account)

    def remove(self, username: str, realm: str) -> Deferred[None]:
        return self._inThread(self._do, AccountFile.remove, username, realm)

    def accounts(self, realm: str | None = None) -> Deferred[tuple[Account, ...]]:
        return self._inThread(self._do, AccountFile.accounts, realm)

    def _do(self, what: Callable[..., Any], *arguments: Any) -> Any:
        with AccountFile(self._path) as file:
            return what(file, *arguments)

    def close(self) -> None:
        self._file.close()

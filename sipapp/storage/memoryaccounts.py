"""Accounts of one process, gone when it ends: for tests, and for whoever brings their own."""

from __future__ import annotations

from twisted.internet.defer import Deferred, execute
from zope.interface import implementer

from sipapp.interfaces import IAccountStore
from sipapp.sip.digest import HASHES
from sipapp.sip.digest.algorithms import userHash
from sipapp.storage.account import Account, AccountExists, NoSuchAccount

__all__ = ["MemoryAccounts"]


@implementer(IAccountStore)
class MemoryAccounts:
    """An L{IAccountStore} in a dictionary."""

    def __init__(self, *accounts: Account) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}
        self._add(*accounts)

    def find(self, username: str, realm: str) -> Account | None:
        return self._accounts.get((realm, username))

    def findHashed(self, userhash: str, realm: str) -> Account | None:
        for account in self._accounts.values():
            name = account.username, account.realm
            if account.realm == realm and userhash in {
                userHash(algorithm, *name) for algorithm in HASHES
            }:
                return account
        return None

    def add(self, *accounts: Account) -> Deferred[None]:
        return execute(self._add, *accounts)

    def _add(self, *accounts: Account) -> None:
        added = dict(self._accounts)
        for account in accounts:
            key = account.realm, account.username
            if key in added:
                raise AccountExists(account.username, account.realm)
            added[key] = account
        self._accounts = added

    def replace(self, account: Account) -> Deferred[None]:
        return execute(self._replace, account)

    def _replace(self, account: Account) -> None:
        self._remove(account.username, account.realm)
        self._add(account)

    def remove(self, username: str, realm: str) -> Deferred[None]:
        return execute(self._remove, username, realm)

    def _remove(self, username: str, realm: str) -> None:
        if self._accounts.pop((realm, username), None) is None:
            raise NoSuchAccount(username, realm)

    def accounts(self, realm: str | None = None) -> Deferred[tuple[Account, ...]]:
        return execute(self._list, realm)

    def _list(self, realm: str | None) -> tuple[Account, ...]:
        accounts = sorted(self._accounts.items())
        return tuple(each for (its, _), each in accounts if realm in (None, its))

    def close(self) -> None:
        self._accounts.clear()

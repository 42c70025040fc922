"""Tests of C{sipapp.storage.accountstore}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import execute

from sipapp.storage import AccountFile, SQLiteAccounts
from tests.storage.accountcontract import ALICE, BOB, AccountStoreContract, result


class TestSQLiteAccounts(AccountStoreContract):
    def open(self) -> Any:
        return SQLiteAccounts(self.path, inThread=execute)

    def test_itSurvives(self) -> None:
        result(self.store.add(ALICE))
        self.store.close()
        self.store = self.open()
        assert self.store.find("alice", "example.com") == ALICE

    def test_whatOthersChangeIsSeenAtOnce(self) -> None:
        with AccountFile(self.path) as other:
            assert self.store.find("bob", "example.com") is None
            other.add(BOB)
            assert self.store.find("bob", "example.com") == BOB
            other.remove("bob", "example.com")
            assert self.store.find("bob", "example.com") is None

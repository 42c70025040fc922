"""Tests of C{sipapp.storage.memoryaccounts}."""

from __future__ import annotations

from typing import Any

from sipapp.storage import MemoryAccounts
from tests.storage.accountcontract import AccountStoreContract


class TestMemoryAccounts(AccountStoreContract):
    def open(self) -> Any:
        return MemoryAccounts()

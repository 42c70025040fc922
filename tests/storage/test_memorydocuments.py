"""Tests of C{sipapp.storage.memorydocuments}."""

from __future__ import annotations

from typing import Any

from sipapp.storage import MemoryDocuments
from tests.storage.documentcontract import DocumentStoreContract


class TestMemoryDocuments(DocumentStoreContract):
    def open(self) -> Any:
        return MemoryDocuments(self.clock)

"""What the tests of application usages share."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from twisted.internet.defer import ensureDeferred

from sipapp.storage import MemoryDocuments
from sipapp.xcap.document import Document
from sipapp.xcap.errors import UniquenessFailure, XCAPError
from sipapp.xcap.names import DocumentName
from sipapp.xcap.registry import applicationUsages
from sipapp.xcap.root import XCAPRoot
from sipapp.xcap.usage import ApplicationUsage
from tests.storage.accountcontract import result

ALICE = "sip:alice@example.com"
BOB = "sip:bob@example.com"
START = 1_800_000_000.0


def rootOf(*auids: str) -> XCAPRoot:
    """An XCAP root with these usages, or all of them, and nothing in it."""
    documents = MemoryDocuments(clock=lambda: START)
    return XCAPRoot("https://xcap.example.com/root", applicationUsages(auids or None), documents)


def now(coroutine: Awaitable[bytes | None]) -> Any:
    """
    @return: what a coroutine gives without waiting.
    """
    return result(ensureDeferred(coroutine))  # type: ignore[arg-type]


class UsageChecks:
    """Subclasses set C{usage}, and C{name}: of a document that there can be."""

    usage: Any
    name: DocumentName

    def validate(self, body: str, name: DocumentName | None = None) -> None:
        self.usage.validate(Document(body.encode()), name or self.name)

    def refused(self, kind: type[XCAPError], body: str, name: DocumentName | None = None) -> Any:
        """
        @return: the error that is raised.
        """
        with pytest.raises(kind) as caught:
            self.validate(body, name)
        return caught.value

    def fields(self, body: str) -> list[str]:
        """
        @return: what a document has more than once, as the client is told.
        """
        error: UniquenessFailure = self.refused(UniquenessFailure, body)
        return [field for field, _ in error.fields]

    def named(self, path: str, xui: str = ALICE) -> DocumentName:
        return DocumentName(self.usage.auid, xui, path)

    def test_isServed(self) -> None:
        assert applicationUsages()[self.usage.auid] is self.usage
        assert isinstance(self.usage, ApplicationUsage)

    def test_acceptsItsName(self) -> None:
        assert self.usage.accepts(self.name)

    def test_strangersReadAndWriteNothing(self) -> None:
        assert not self.usage.mayRead(None, self.name)
        assert not self.usage.mayWrite(None, self.name)
        assert not self.usage.mayWrite(BOB, self.name)

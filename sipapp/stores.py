"""The stores of one worker, as the settings want them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from twisted.cred.strcred import makeChecker

from sipapp.config import Settings
from sipapp.interfaces import IAccounts, IDocumentStore, ILocationStore, INonceCounts
from sipapp.location import LMDBLocation, MemoryLocation
from sipapp.storage import CheckedAccounts, OwnAccounts, SQLiteAccounts, SQLiteDocuments
from sipapp.storage.noncecounts import NonceCounts

__all__ = ["Stores"]


class Stores:
    """Each is opened when somebody asks for it, and by a worker that needs it only."""

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        endOfTurn: Callable[[Callable[[], object]], object],
    ) -> None:
        """
        @param endOfTurn: as L{sipapp.interfaces.IWorker.endOfTurn}.
        """
        self._settings = settings
        self._reactor = reactor
        self._endOfTurn = endOfTurn

    @cached_property
    def accounts(self) -> IAccounts:
        """L{sipapp.interfaces.IWorker.accounts}"""
        checker = self._settings.accounts.checker
        if checker is not None:
            return CheckedAccounts(makeChecker(checker), self._reactor)
        return OwnAccounts(SQLiteAccounts(self._settings.accountsPath))

    @cached_property
    def documents(self) -> IDocumentStore:
        """L{sipapp.interfaces.IWorker.documents}"""
        return SQLiteDocuments(self._settings.documentsPath, self._reactor)

    @cached_property
    def nonceCounts(self) -> INonceCounts:
        """L{sipapp.interfaces.IWorker.nonceCounts}"""
        return NonceCounts(Path(self._settings.nonceCountsPath), self._endOfTurn)

    def openLocation(self) -> ILocationStore:
        """
        @return: L{sipapp.interfaces.IWorker.location}, for the caller to close.
        """
        if self._settings.location.store == "memory":
            return MemoryLocation()
        path = Path(self._settings.locationPath)
        return LMDBLocation(path, self._endOfTurn, self._settings.location.mapSize)

    async def close(self) -> None:
        """Let go of those that are open."""
        if "nonceCounts" in self.__dict__:
            self.nonceCounts.close()
        if "documents" in self.__dict__:
            await self.documents.close()

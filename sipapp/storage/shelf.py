"""A database of LMDB that never grows beyond its bounds: so many records, each of which is to be
forgotten at some time.

Whatever is put there, a few records further on are looked at as well, and dropped if their time has
come; when there is no room, one more goes. So nothing is ever searched through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from sipapp.sharedfile import SharedFile

__all__ = ["Shelf", "ShelfFull"]

_VISITS = 4
"""So many records are looked at for each one that is written."""
_SEARCH = 64
"""And so many when there is no room for it."""

_Transaction = Any


class ShelfFull(Exception):
    """There is no room, and nothing that may be forgotten."""


class Perishable(Protocol):
    """A record.

    @ivar ends: when it is to be forgotten; infinite for one that must not be.
    """

    @property
    def ends(self) -> float: ...


R = TypeVar("R", bound=Perishable)


class Shelf(Generic[R]):
    """Records of one kind, by their names. Every method wants a transaction of their file."""

    def __init__(self, file: SharedFile, name: str, kind: type[R], most: int) -> None:
        """
        @param name: of the database. @param kind: a C{msgspec.Struct}.
        @param most: so many records may be there.
        """
        self.database = file.database(name.encode("ascii"))
        self._decoder: msgspec.msgpack.Decoder[R] = msgspec.msgpack.Decoder(kind)
        self._most = most
        self._position = b""

    def get(self, transaction: _Transaction, name: str, now: float) -> R | None:
        value = transaction.get(name.encode("ascii"), db=self.database)
        record = None if value is None else self._read(value)
        return record if record is not None and record.ends > now else None

    def _read(self, value: bytes) -> R | None:
        try:
            return self._decoder.decode(value)
        except msgspec.DecodeError:
            # As good as forgotten: it is overwritten or swept away.
            return None

    def put(self, transaction: _Transaction, name: str, record: R, now: float) -> None:
        """
        @raise ShelfFull: if there is no room and nothing that may be forgotten.
        """
        key = name.encode("ascii")
        value = msgspec.msgpack.encode(record)
        self._sweep(transaction, now, _VISITS)
        if transaction.stat(self.database)["entries"] >= self._most:
            isNew = transaction.get(key, db=self.database) is None
            if isNew and not self._sweep(transaction, now, _SEARCH):
                self._dropOne(transaction)
        transaction.put(key, value, db=self.database)

    def delete(self, transaction: _Transaction, name: str) -> bool:
        """
        @return: whether there was such a record.
        """
        return bool(transaction.delete(name.encode("ascii"), db=self.database))

    def items(self, transaction: _Transaction, now: float) -> Iterator[tuple[str, R]]:
        """
        @return: all that there is, with its names, in their order.
        """
        for key, value in transaction.cursor(self.database):
            record = self._read(value)
            if record is not None and record.ends > now:
                yield key.decode("ascii"), record

    def _further(self, transaction: _Transaction, visits: int) -> Iterator[tuple[Any, R | None]]:
        """Go on through the records where the last look at them has ended."""
        cursor = transaction.cursor(self.database)
        for _ in range(visits):
            if not cursor.set_range(self._position) and not cursor.first():
                return
            # The next name there can be.
            self._position = cursor.key() + b"\0"
            yield cursor, self._read(cursor.value())

    def _sweep(self, transaction: _Transaction, now: float, visits: int) -> int:
        """Drop what is to be forgotten.

        @return: how many records.
        """
        dropped = 0
        for cursor, record in self._further(transaction, visits):
            if record is None or record.ends <= now:
                cursor.delete()
                dropped += 1
        return dropped

    def _dropOne(self, transaction: _Transaction) -> None:
        for cursor, record in self._further(transaction, _SEARCH):
            if record is None or record.ends < math.inf:
                cursor.delete()
                return
        raise ShelfFull(f"there is no room for more than {self._most} records")

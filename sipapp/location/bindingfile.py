"""The LMDB file that holds bindings: reading, changing and expiring them, without a reactor.

Two databases. C{bindings} maps an address-of-record to a L{Record}. C{expiry} maps a time, as
a big-endian double (which sorts as the number does), to the keys of the records that may hold an
expired binding then; it has exactly one entry for each record, at the time that is kept in
C{Record.indexed}.

C{indexed} is never later than the first expiry in the record, and may be earlier: a refresh moves
the expiry into the future and leaves the entry alone, and L{BindingFile.purge} moves the entry
when its time comes. So a refresh, which is nearly every REGISTER, writes one record and nothing
else, and nothing is ever scanned.

The part of the map that L{SharedFile} keeps free serves removals, refreshes and purges. What a
power cut loses is up to L{sipapp.location.copies}.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lmdb
import msgspec
from twisted.logger import Logger

from sipapp.location.binding import (
    Bindings,
    Change,
    alive,
    arrange,
    earliest,
    expireOldest,
)
from sipapp.location.outcome import LocationUnavailable, Outcome
from sipapp.location.record import Record, decodeRecord, encodeRecord, keyOf
from sipapp.sharedfile import SharedFile

__all__ = ["DATA", "BindingFile", "LocationStoreFull"]

_log = Logger()

DATA = "data.mdb"
"""What LMDB calls the file itself in its directory."""

_MIN_VISITS = 256
"""A purge looks at this many entries at least, so that moving entries does not use up a small
limit; and it stops somewhere, so that it never holds the write lock for long."""

_SLACK = 32
"""A refresh may be so many bytes longer than what it replaces, because numbers in it have grown."""

_TIME = struct.Struct(">d")


class LocationStoreFull(LocationUnavailable):
    """The file has reached its map size."""


class BindingFile:
    """Open it in the process that uses it, once."""

    def __init__(self, path: Path, mapSize: int, maxReaders: int = 1024) -> None:
        """
        @param path: directory; it is made if it is missing.
        @param mapSize: bytes that the file may grow to. The space is not taken before it is used.
        @param maxReaders: how many processes may have it open at once.
        """
        self._path = path
        self._file = SharedFile(path, mapSize, 2, maxReaders)
        self._environment = self._file.environment
        self._bindings = self._file.database(b"bindings")
        self._expiry = self._file.database(b"expiry", dupsort=True)
        self._begin = self._file.begin

    @staticmethod
    def _record(value: bytes, key: bytes, aor: str | None) -> Record | None:
        """What was stored under a key.

        @param aor: the one that it has to be of if the key is a hash; C{None} for any.
        """
        try:
            record = decodeRecord(value)
        except msgspec.DecodeError as error:
            # Not a reason to refuse a phone for ever: its next REGISTER replaces the record.
            _log.error("Unreadable bindings of {key!r} ignored: {error}", key=key, error=error)
            return None
        return record if aor is None or record.aor == aor else None

    def read(self, aor: str) -> Bindings:
        """All bindings of an address-of-record, those included that have expired."""
        key, long = keyOf(aor)
        transaction = self._begin()
        try:
            value = transaction.get(key)
        finally:
            transaction.abort()
        record = None if value is None else self._record(value, key, long)
        return () if record is None else record.bindings

    def apply(self, changes: Sequence[tuple[str, Change]], now: float) -> list[Outcome]:
        """Make several changes in one transaction.

        @return: for each change the new bindings, or the exception with which that change alone
            failed; L{LocationUnavailable} for all of them if the disk is full or broken.
        """
        try:
            return self._transact(changes, now)
        except lmdb.MapFullError:
            if len(changes) == 1:
                return [self._full()]
        except lmdb.Error as error:
            unavailable = LocationUnavailable(f"the location store {self._path}: {error}")
            return [unavailable] * len(changes)
        # The transaction is lost, so all are made again one by one: those that need no more room
        # than they free still succeed.
        return [outcome for change in changes for outcome in self.apply([change], now)]

    def _transact(self, changes: Sequence[tuple[str, Change]], now: float) -> list[Outcome]:
        with self._begin(write=True) as transaction:
            return [self._change(transaction, aor, change, now) for aor, change in changes]

    def _change(
        self, transaction: lmdb.Transaction[bytes], aor: str, change: Change, now: float
    ) -> Outcome:
        key, long = keyOf(aor)
        stored = transaction.get(key)
        record = None if stored is None else self._record(stored, key, long)
        before = () if record is None else record.bindings
        try:
            after = arrange(change(alive(before, now)), now)
            if after == before:
                return after
            replacement: Record | None = None
            value = b""
            if after:
                indexed = earliest(after)
                if record is not None and record.indexed < indexed:
                    indexed = record.indexed
                replacement = Record(indexed, after, long)
                value = encodeRecord(replacement)
            grows = len(value) > (0 if stored is None else len(stored) + _SLACK)
            if grows and not self._file.hasRoom(transaction):
                raise self._full()
        except Exception as error:
            return error.with_traceback(None)
        self._write(transaction, key, record, replacement, value)
        return after

    def _write(
        self,
        transaction: lmdb.Transaction[bytes],
        key: bytes,
        old: Record | None,
        new: Record | None,
        value: bytes,
    ) -> None:
        if new is None:
            transaction.delete(key)
        else:
            transaction.put(key, value)
            if old is not None and new.indexed == old.indexed:
                return
        if old is not None:
            transaction.delete(_TIME.pack(old.indexed), key, self._expiry)
        if new is not None:
            transaction.put(_TIME.pack(new.indexed), key, db=self._expiry)

    def purge(self, now: float, limit: int) -> int:
        """Drop expired bindings, oldest first, in one short transaction.

        @return: how many were dropped, at most C{limit}.
        """
        with self._begin(write=True) as transaction:
            return self._purge(transaction, now, limit)

    def _purge(self, transaction: lmdb.Transaction[bytes], now: float, limit: int) -> int:
        dropped = 0
        cursor = transaction.cursor(self._expiry)
        for _ in range(max(limit, _MIN_VISITS)):
            if dropped >= limit or not cursor.first():
                break
            time, key = cursor.item()
            (due,) = _TIME.unpack(time)
            if due > now:
                break
            cursor.delete()
            value = transaction.get(key)
            if value is None:
                continue
            try:
                record = decodeRecord(value)
            except msgspec.DecodeError:
                transaction.delete(key)
                continue
            if record.indexed != due:
                continue
            left, count = expireOldest(record.bindings, now, limit - dropped)
            dropped += count
            new = Record(earliest(left), left, record.aor) if left else None
            # Its entry is gone already, so the record is written as if it were new.
            if new is None:
                transaction.delete(key)
            else:
                self._write(transaction, key, None, new, encodeRecord(new))
        return dropped

    def count(self) -> int:
        """How many addresses-of-record have a record."""
        transaction = self._begin()
        try:
            return transaction.stat(self._bindings)["entries"]
        finally:
            transaction.abort()

    def page(self, after: bytes, limit: int) -> tuple[list[tuple[str, Bindings]], bytes]:
        """Read on through all addresses-of-record, in the order of their keys.

        @param after: where the page before this one has ended; C{b""} for the first one.
        @param limit: the page ends with the address-of-record that gives it so many bindings.
        @return: each address-of-record with its bindings, those included that have expired; and
            where the page has ended, C{b""} if nothing follows.
        """
        found: list[tuple[str, Bindings]] = []
        count = 0
        transaction = self._begin()
        try:
            cursor = transaction.cursor(self._bindings)
            # The next key that there can be.
            follows = cursor.set_range(after + b"\0") if after else cursor.first()
            while follows and count < limit:
                key, value = cursor.item()
                record = self._record(value, key, None)
                if record is not None:
                    found.append((record.named(key), record.bindings))
                    count += len(record.bindings)
                after = key
                follows = cursor.next()
        finally:
            transaction.abort()
        return found, after if follows else b""

    @contextmanager
    def held(self) -> Iterator[tuple[int, bytes, int]]:
        """Keep the pages of the present state as they are in L{DATA}, so that it can be read there
        page by page, while others go on to write.

        @return: the number of the state; its first two pages, which alone are written in place;
            its length in bytes.
        """
        # Until the first pages are read nobody commits.
        lock = self._begin(write=True)
        try:
            state = self._begin()
            page = self._environment.stat()["psize"]
            last = self._environment.info()["last_pgno"]
            with (self._path / DATA).open("rb") as data:
                head = data.read(2 * page)
        finally:
            lock.abort()
        try:
            yield state.id(), head, (last + 1) * page
        finally:
            state.abort()

    def sync(self) -> None:
        """Put everything committed so far onto the disk; blocks until it is there."""
        self._environment.sync(True)

    def readerCheck(self) -> int:
        """Free the reader slots of processes that died; their snapshots would keep the file
        growing.

        @return: how many there were.
        """
        return self._environment.reader_check()

    def close(self) -> None:
        self._environment.close()

    def _full(self) -> LocationStoreFull:
        size = self._environment.info()["map_size"]
        return LocationStoreFull(
            f"the location store {self._path} has reached its map size of {size} bytes"
        )

"""Which counts of a nonce have been used, for all workers of a machine.

One database, C{uses}: the key is the time at which the nonce ends, as a big-endian double (which
sorts as the number does), and the nonce; the value is the highest count that was used, and a bit
for it and each of the 63 below it. So the oldest entries are the first, and now and then a write
takes along some that have ended: nothing is ever scanned, and nothing else has to tidy up.

Only a nonce of ours with a good answer gets here, so what it takes up is bounded by what those who
have a password do within the lifetime of a nonce.

The file lies in the run directory. When it is lost, as in a reboot, the salt in it is lost as well,
and nobody's nonce is good any more: see L{sipapp.interfaces.INonceCounts}.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import lmdb
from twisted.logger import Logger
from zope.interface import implementer

from sipapp.interfaces import INonceCounts
from sipapp.sharedfile import SharedFile

__all__ = ["NonceCounts"]

_log = Logger()

_BATCH = 512
"""Uses noted in one transaction. It bounds how long other workers wait for the write lock."""

_LOOK = 32
"""After so many uses is looked whether there is room, and what has ended."""

_PURGE = 2
"""Nonces that have ended and go for each use. As a use adds one at most, they get fewer."""

_TIME = struct.Struct(">d")
_USED = struct.Struct(">LQ")
_WINDOW = 64
_ALL = (1 << _WINDOW) - 1

Decided = Callable[[bool], object]


def withUse(used: bytes | None, count: int) -> bytes | None:
    """
    @param used: what is known of a nonce; C{None} if it has not been used yet.
    @return: the same with one use more, or C{None} if it has been, or nobody knows any more.
    """
    if used is None:
        return _USED.pack(count, 1)
    highest, seen = _USED.unpack(used)
    ahead = count - highest
    if ahead > 0:
        return _USED.pack(count, (seen << min(ahead, _WINDOW) | 1) & _ALL)
    if -ahead >= _WINDOW or seen >> -ahead & 1:
        return None
    return _USED.pack(highest, seen | 1 << -ahead)


@implementer(INonceCounts)
class NonceCounts:
    """Notes the uses of one turn in one transaction at its end."""

    def __init__(
        self,
        path: Path,
        endOfTurn: Callable[[Callable[[], object]], object],
        mapSize: int = 1 << 28,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        @param path: the directory of the file, the same in all workers.
        @param endOfTurn: has something called at the end of the turn that is under way, as
            L{sipapp.interfaces.IWorker.endOfTurn} does.
        @param mapSize: bytes that the file may grow to. A nonce takes about a hundred.
        @param clock: gives the seconds since the epoch.
        """
        self._file = SharedFile(path, mapSize, 2)
        self._file.database(b"uses")
        about = self._file.database(b"about")
        with self._file.begin(write=True) as transaction:
            salt = transaction.get(b"salt", db=about)
            if salt is None:
                salt = os.urandom(16)
                transaction.put(b"salt", salt, db=about)
        self.salt: bytes = salt
        self._endOfTurn = endOfTurn
        self._clock = clock
        self._uses: list[tuple[bytes, int]] = []
        self._waiting: list[Decided] = []
        # Of the last look, and the uses since.
        self._hasRoom = False
        self._uncounted = 0
        self._isBroken = False

    def use(self, nonce: str, count: int, expiry: float, decided: Decided) -> None:
        if not self._uses:
            self._endOfTurn(self._commit)
        self._uses.append((_TIME.pack(expiry) + nonce.encode("ascii"), count))
        self._waiting.append(decided)

    def close(self) -> None:
        while self._uses:
            self._commit()
        self._file.environment.close()

    def _commit(self) -> None:
        """Note the uses of this turn, and tell of them."""
        uses, waiting = self._uses, self._waiting
        self._uses, self._waiting = [], []
        for start in range(0, len(uses), _BATCH):
            batch = uses[start : start + _BATCH]
            try:
                verdicts = self._note(batch)
            except lmdb.Error as error:
                # What was found at the last look may not be so any more.
                self._hasRoom = False
                self._broken(str(error))
                verdicts = [False] * len(batch)
            for decided, isFirst in zip(waiting[start:], verdicts, strict=False):
                try:
                    decided(isFirst)
                except Exception:
                    _log.failure("Whoever was told of a nonce has failed")

    def _note(self, uses: list[tuple[bytes, int]]) -> list[bool]:
        with self._file.begin(write=True) as transaction:
            self._uncounted += len(uses)
            if self._uncounted >= _LOOK or not self._hasRoom:
                self._purge(transaction, _PURGE * self._uncounted)
                self._hasRoom = self._file.hasRoom(transaction)
                self._uncounted = 0
            hasRoom = self._hasRoom
            verdicts = []
            for key, count in uses:
                used = transaction.get(key)
                # What is known already is replaced by as much.
                after = withUse(used, count) if hasRoom or used is not None else None
                if after is not None:
                    transaction.put(key, after)
                verdicts.append(after is not None)
        if hasRoom:
            self._isBroken = False
        else:
            self._broken("it has reached its map size")
        return verdicts

    def _purge(self, transaction: lmdb.Transaction[bytes], limit: int) -> None:
        """Forget nonces that have ended, oldest first."""
        now = _TIME.pack(self._clock())
        cursor = transaction.cursor()
        for _ in range(limit):
            if not cursor.first() or cursor.key() > now:
                return
            cursor.delete()

    def _broken(self, reason: str) -> None:
        """Say once that nobody new can be let in."""
        if not self._isBroken:
            self._isBroken = True
            _log.error("Nonce counts cannot be noted: {reason}", reason=reason)

"""An LMDB file that the processes of one machine share: opening it, beginning transactions in it.

Open it in the process that uses it: an LMDB environment must not cross a fork, and may be open
only once in a process.

Commits do not wait for the disk. A killed process loses nothing, because the written pages are in
the kernel; what is to survive a power cut needs more, see L{sipapp.location.copies}.

LMDB never writes in place: even a removal needs free pages. So the last part of the map is kept
for removals, and a file that is full can always be emptied: see L{SharedFile.hasRoom}.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lmdb

__all__ = ["SharedFile"]

_MIN_RESERVE = 64
"""Pages that are kept free (half of a map that is very small). One small change dirties ten."""

_READER = 64
"""Bytes of an entry in LMDB's table of readers. Its header takes two."""


class SharedFile:
    """
    @ivar environment: the LMDB environment, for what is not here.
    """

    def __init__(self, path: Path, mapSize: int, databases: int, maxReaders: int = 1024) -> None:
        """
        @param path: directory; it is made if it is missing.
        @param mapSize: bytes that the file may grow to. The space is not taken before it is used.
        @param databases: how many there are in it.
        @param maxReaders: how many processes may have it open at once.
        @raise OSError: if there is no room for it; C{lmdb.Error} if it cannot be used.
        """
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
        _allocate(path / "lock.mdb", (maxReaders + 2) * _READER)
        self.environment = lmdb.open(
            str(path),
            map_size=mapSize,
            max_dbs=databases,
            max_readers=maxReaders,
            max_spare_txns=1,
            mode=0o640,
            sync=False,
            metasync=False,
            readahead=False,
        )
        self._databases: list[Any] = []
        self._measure()

    def database(self, name: bytes, dupsort: bool = False) -> Any:
        """Open one of its databases; make it if it is missing. The first is the main one."""
        database = self.environment.open_db(name, dupsort=dupsort)
        self._databases.append(database)
        return database

    def _measure(self) -> None:
        pages = self.environment.info()["map_size"] // self.environment.stat()["psize"]
        self._usable = pages - min(max(pages // 16, _MIN_RESERVE), pages // 2)

    def begin(self, write: bool = False) -> lmdb.Transaction[bytes]:
        """Begin a transaction, on the main database where none is named."""
        main = self._databases[0]
        try:
            return self.environment.begin(main, write=write)
        except lmdb.MapResizedError:
            # Another process, with a larger map size, has let the file grow beyond our map.
            self.environment.set_mapsize(0)
            self._measure()
            return self.environment.begin(main, write=write)

    def hasRoom(self, transaction: lmdb.Transaction[bytes]) -> bool:
        """Whether anything may grow: there are pages that are not kept for other things."""
        used = 0
        for database in self._databases:
            stat = transaction.stat(database)
            used += stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        return used < self._usable


def _allocate(table: Path, size: int) -> None:
    """Take the room that the table of readers needs: LMDB maps a file with holes, and whoever
    touches one on a disk that is full is killed (SIGBUS).
    """
    descriptor = os.open(table, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)

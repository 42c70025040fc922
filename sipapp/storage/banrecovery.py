"""The ban list after the machine has been started anew.

Nobody waits for the disk when a ban is written. So after a power cut the file may hold pages of
several states, and whoever reads such a file may be killed for it. What can be read of it a process
of its own writes into a new one, before any worker has it open: C{python -m
sipapp.storage.banrecovery DIRECTORY}. If the machine was shut down in good order, that is
everything; and if the process fails, the file is put aside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import lmdb
from twisted.logger import Logger

from sipapp.sharedfile import SharedFile
from sipapp.sources import parseNetwork
from sipapp.storage.banfile import DATABASES, MAP_SIZE, SHELVES

__all__ = ["recoverBans", "salvage"]

_log = Logger()

_DATA = "data.mdb"
_LOCK = "lock.mdb"
_ASIDE = "data.unreliable"
_NEW = "salvaged"

_PATIENCE = 60.0
"""Seconds for what takes one, however many bans there are."""


def recoverBans(path: Path, boot: str) -> None:
    """See to it that the file can be used, if there is one. It blocks, and nobody has it open.

    @param path: of the directory. @param boot: what tells this boot of the machine from others.
    """
    mark = path / "boot"
    with suppress(OSError):
        if mark.read_text() == boot:
            return
    if (path / _DATA).exists() and not _isSalvaged(path):
        os.replace(path / _DATA, path / _ASIDE)
        (path / _LOCK).unlink(missing_ok=True)
        shutil.rmtree(path / _NEW, ignore_errors=True)
        _log.error(
            "The ban list cannot be read after a restart of the machine, and begins anew: what was"
            " there is {file}",
            file=str(path / _ASIDE),
        )
    path.mkdir(mode=0o750, parents=True, exist_ok=True)
    mark.write_text(boot)


def _isSalvaged(path: Path) -> bool:
    command = [sys.executable, "-m", __name__, str(path)]
    try:
        # The directory is one that the configuration names.
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def salvage(path: Path) -> None:
    """Have a new file with what can be read take the place of a file.

    @raise lmdb.Error: if it cannot be read; then it stays. What is worse ends the process.
    """
    new = path / _NEW
    shutil.rmtree(new, ignore_errors=True)
    fresh = SharedFile(new, MAP_SIZE, DATABASES)
    with lmdb.open(str(path), readonly=True, lock=False, max_dbs=DATABASES) as old:
        for name in SHELVES:
            database = fresh.database(name)
            with (
                suppress(lmdb.NotFoundError),
                old.begin() as reading,
                fresh.begin(write=True) as writing,
            ):
                for key, value in reading.cursor(old.open_db(name, reading, create=False)):
                    if _isNetwork(key):
                        writing.put(key, value, db=database)
    fresh.environment.sync(True)
    fresh.environment.close()
    os.replace(new / _DATA, path / _DATA)
    (path / _LOCK).unlink(missing_ok=True)
    shutil.rmtree(new)


def _isNetwork(key: bytes) -> bool:
    """Tell whether a record has the name of one."""
    try:
        parseNetwork(key.decode("ascii"))
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    salvage(Path(sys.argv[1]))

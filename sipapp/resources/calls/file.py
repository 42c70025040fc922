"""Call records in a text file: lines of JSON, for programs that follow it."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from typing import Any

import msgspec
from zope.interface import implementer

from sipapp.config.values import Text, makeAbsolute
from sipapp.interfaces import ICallRecords
from sipapp.resources.calls.record import CallRecord
from sipapp.resources.maker import ResourceMaker, Settings

__all__ = ["FileCalls", "FileCallsSettings", "callsFileMaker"]


class FileCallsSettings(Settings, frozen=True, kw_only=True):
    """C{[resource.calls-file]}.

    @ivar path: the file; C{None} is C{calls.jsonl} in the state directory.
    """

    path: Text | None = None

    def __post_init__(self) -> None:
        makeAbsolute(self, "path")


@implementer(ICallRecords)
class FileCalls:
    """Adds a line for each part of a record. The file is opened for each batch anew: it may be
    moved away at any time. What it has written is on the disk."""

    def __init__(self, settings: FileCallsSettings, worker: Any) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}.
        """
        self._path = settings.path or os.path.join(worker.stateDirectory, "calls.jsonl")
        self._encoder = msgspec.json.Encoder()

    def __repr__(self) -> str:
        return f"<calls in {self._path}>"

    def start(self) -> None:
        """
        @raise OSError: if the file cannot be written to.
        """
        self.write(())

    def write(self, records: Sequence[CallRecord]) -> None:
        """See L{sipapp.interfaces.ICallRecords}.

        @raise OSError: if the file has no room, or cannot be opened; then nothing was written.
        """
        data = self._encoder.encode_lines(records)
        # A pipe that nobody reads would be waited for.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        with open(os.open(self._path, flags, 0o600), "wb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                # What fails could not be taken back.
                raise OSError(errno.EINVAL, "Not a regular file", self._path)
            # Other workers write to it as well, and what fails is taken back.
            fcntl.flock(file, fcntl.LOCK_EX)
            size = os.fstat(file.fileno()).st_size
            try:
                written = 0
                while written < len(data):
                    written += file.write(data[written:])
                os.fdatasync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), size)
                raise

    def stop(self) -> None:
        """Nothing is open."""


callsFileMaker = ResourceMaker("calls-file", "calls", FileCallsSettings, FileCalls)

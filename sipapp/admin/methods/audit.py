"""The audit log: who has changed what, from where, and what has come of it.

One JSON object a line, in a file that only the user of the server reads. Its keys are C{time} (UTC,
ISO 8601), C{who}, C{role}, C{door}, C{source}, C{method}, C{parameters}, then C{result} or
C{fault}, and C{seconds}. Whoever rotates it may just rename it: the next line makes a new one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from twisted.logger import Logger

from sipapp.rpc import Caller, Fault
from sipapp.rpc.jsonrpc import encodeShown

__all__ = ["Audit"]

_log = Logger()

#: Bytes of a result, or of parameters, that are written down; of more it is said how much it is.
_KEPT = 4096


class Audit:
    """Writes the log. It is in the page cache of the machine when a call returns: that takes
    microseconds, and a crash of the server loses none of it."""

    def __init__(self, path: Path) -> None:
        """
        @param path: of the file, which is made when there is something to write.
        """
        self._path = path
        self._fd: int | None = None

    def write(
        self,
        caller: Caller,
        method: str,
        parameters: Mapping[str, Any],
        outcome: Any,
        seconds: float,
    ) -> None:
        """Write a line. If that cannot be, what was to be written is in the log.

        @param parameters: without what is secret.
        @param outcome: the result or the L{Fault}.
        @param seconds: that it took.
        """
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "who": caller.name,
            "role": caller.role,
            "door": caller.door,
            "source": caller.source,
            "method": method,
            "parameters": _bounded(parameters),
        }
        if isinstance(outcome, Fault):
            entry["fault"] = {"code": outcome.code, "text": outcome.text}
        else:
            entry["result"] = _bounded(outcome)
        entry["seconds"] = round(seconds, 3)
        line = msgspec.json.encode(entry) + b"\n"
        try:
            self._reopenIfMoved()
            assert self._fd is not None
            _append(self._fd, line)
        except OSError as error:
            _log.critical(
                "{path}: {cause}. Not written: {line}",
                path=self._path,
                cause=error.strerror,
                line=line.decode().rstrip(),
            )

    def close(self) -> None:
        """Let go of the file; one more line opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _reopenIfMoved(self) -> None:
        if self._fd is not None:
            try:
                there, ours = os.stat(self._path), os.fstat(self._fd)
            except FileNotFoundError:
                self.close()
            else:
                if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
                    self.close()
        if self._fd is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._fd = os.open(self._path, flags, 0o600)


def _append(fd: int, line: bytes) -> None:
    """Write a line, or nothing of it.

    @raise OSError: if it cannot be.
    """
    written = os.write(fd, line)
    if written < len(line):
        # The disk is full. The next line is not to go on where this one ends.
        os.ftruncate(fd, os.fstat(fd).st_size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _bounded(value: Any) -> Any:
    written = encodeShown(value)
    return msgspec.Raw(written) if len(written) <= _KEPT else {"bytes": len(written)}

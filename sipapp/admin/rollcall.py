"""C{workers.json} in the run directory: the workers there are, for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from twisted.logger import Logger

from sipapp.pool import WorkerState

__all__ = ["ROLL_CALL", "RollCall"]

ROLL_CALL = "workers.json"
"""Its name in the run directory."""

_log = Logger()


class RollCall:
    """Name, pid, state and restarts of each worker.

    While it cannot be written, as on a full disk, there is none: an old one has pids of processes
    that are gone. Nothing that the server does depends on it.
    """

    def __init__(self, runDirectory: str) -> None:
        self._file = Path(runDirectory, ROLL_CALL)

    def write(self, workers: Iterable[WorkerState]) -> None:
        """Whoever reads it sees it whole."""
        roll = [
            {
                "name": worker.name,
                "pid": worker.pid,
                "state": worker.state,
                "restarts": worker.restarts,
            }
            for worker in workers
        ]
        unfinished = self._file.with_suffix(".new")
        try:
            unfinished.write_text(json.dumps(roll, indent=1))
            unfinished.replace(self._file)
        except OSError as error:
            _log.error("There is no {file}: {cause}", file=str(self._file), cause=error.strerror)
            self.remove()

    def remove(self) -> None:
        """No server runs any more."""
        for file in (self._file, self._file.with_suffix(".new")):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                _log.error("{file} stays: {cause}", file=str(file), cause=error.strerror)

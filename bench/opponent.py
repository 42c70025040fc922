"""A process that does something to a server while others are looked after: C{python -m MODULE}.

It says on standard output when it begins. When its standard input is closed it stops, and says what
it has done.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Self

#: Seconds that the process may take to end.
_PATIENCE = 10.0


class Opponent:
    """This side of such a process."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        # With the programs that it has started.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def begun(self) -> None:
        """Wait until it begins."""
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise RuntimeError("it has not begun")

    def finish(self) -> str:
        """Have it stop.

        @return: what it has done.
        @raise RuntimeError: if it has ended before.
        """
        if self._process.poll() is not None:
            raise RuntimeError(f"it has ended with status {self._process.returncode}")
        said, _ = self._process.communicate(timeout=_PATIENCE)
        return said.strip()

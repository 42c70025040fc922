"""Programs as subprocesses: started, watched through /proc, and ended by their pid."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.deadlines import waitFor


def children(pid: int) -> list[int]:
    """
    @return: the pids of the direct children of a process, whichever thread started them.
    """
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.extend(map(int, task.read_text().split()))
    return sorted(found)


def isAlive(pid: int) -> bool:
    """Tell whether a process runs: a zombie that waits for its parent does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def commandLine(pid: int) -> list[str]:
    """
    @return: the arguments a process was started with; empty if it is gone.
    """
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except OSError:
        return []


def sendSignal(pid: int, number: signal.Signals) -> None:
    """Send a signal to one process; one that is gone already is left in peace."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Program:
    """A program that runs in the background, its output collected in a file."""

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        *,
        directory: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """
        @param log: takes standard output and standard error.
        @param environment: added to that of the tests.
        """
        self.arguments = list(arguments)
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env={**os.environ, **(environment or {})},
                process_group=0,  # a Ctrl-C at the terminal is for the tests, which clean up
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status; minus the number of the signal that ended it; None while it runs."""
        return self._process.poll()

    def output(self) -> str:
        return self.log.read_text(errors="backslashreplace") if self.log.exists() else ""

    def join(self, timeout: float) -> int:
        """Wait for the end.

        @return: the exit status.
        @raise TimeoutError: if it still runs then; it is left running.
        """
        waitFor(lambda: self.status is not None, f"the end of {self.arguments[0]}", timeout)
        assert self.status is not None
        return self.status

    def signal(self, number: signal.Signals) -> None:
        if self.status is None:
            self._process.send_signal(number)

    def terminate(self, timeout: float = 10.0) -> int:
        """Ask for the end with SIGTERM and wait for it."""
        self.signal(signal.SIGTERM)
        return self.join(timeout)

    def kill(self) -> None:
        """End it now, with SIGKILL. May be called again."""
        self.signal(signal.SIGKILL)
        self._process.wait()

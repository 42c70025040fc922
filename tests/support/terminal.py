"""A program that runs at a terminal, and what it shows there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence

from tests.support.deadlines import waitFor


class Terminal:
    """A terminal with a program.

    @ivar shown: all that has been written to it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        columns: int = 120,
        lines: int = 40,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """
        @param environment: added to that of the tests.
        """
        self.shown = ""
        self._fd, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
        self._program = subprocess.Popen(
            arguments,
            stdin=end,
            stdout=end,
            stderr=end,
            env={**os.environ, "TERM": "vt100", **(environment or {})},
            start_new_session=True,
        )
        self._end = end

    def settings(self) -> list[object]:
        """How it treats what is typed, as C{termios.tcgetattr} has it."""
        return termios.tcgetattr(self._end)

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def interrupt(self) -> None:
        """What Ctrl-C comes to where keys are not read."""
        self.signal(signal.SIGINT)

    def signal(self, number: int) -> None:
        self._program.send_signal(number)

    def await_(self, *texts: str) -> None:
        """Wait until it shows something: each of the texts, the one after the other."""
        for text in texts:
            try:
                waitFor(lambda text=text: self._look() and text in self.shown, f"{text!r} on it")
            except TimeoutError as error:
                raise TimeoutError(f"{error}, but {self.shown[-2000:]!r}") from None
            self.shown = self.shown.partition(text)[2]

    def join(self) -> int:
        """Wait for the end of the program.

        @return: the exit code.
        """
        waitFor(lambda: self._look() and self._program.poll() is not None, "the end of it")
        self._look()
        return self._program.wait()

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        os.close(self._fd)
        os.close(self._end)

    def _look(self) -> bool:
        while select.select([self._fd], [], [], 0)[0]:
            self.shown += os.read(self._fd, 65536).decode(errors="replace")
        return True

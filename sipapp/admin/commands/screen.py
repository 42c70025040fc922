"""A terminal as a screen that is drawn again and again. ANSI sequences do: no terminal of today
lacks them."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import NoReturn, Self

from sipapp.admin.commands.glance import Line

__all__ = ["Screen"]

_ENTER = "\x1b[?1049h\x1b[?25l"
"""The other screen, without a cursor: what stood on the first one is there again in the end."""
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_END_OF_LINE = "\x1b[K"
_REST = "\x1b[J"
_LOUD = "\x1b[1;31m"
_PLAIN = "\x1b[0m"

_LOCAL_FLAGS = 3
"""Their index in what C{tcgetattr} returns."""


_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Screen:
    """The terminal of this process, while it is entered. Keys are not shown and interrupt nothing:
    they are read. However the process is asked to end, the terminal is left as it was."""

    def __init__(self) -> None:
        self._input = sys.stdin.fileno()

    @staticmethod
    def isThere() -> bool:
        """Whether there is a terminal to draw on and keys to read from."""
        return sys.stdin.isatty() and sys.stdout.isatty()

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._input)
        tty.setcbreak(self._input)
        attributes = termios.tcgetattr(self._input)
        attributes[_LOCAL_FLAGS] &= ~termios.ISIG
        termios.tcsetattr(self._input, termios.TCSANOW, attributes)
        self._write(_ENTER)
        self._handlers = {number: signal.signal(number, _end) for number in _ENDING}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        # It may have gone.
        with suppress(OSError, termios.error):
            self._write(_LEAVE)
            termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now, and not as they were when a shell noted them."""
        size = os.get_terminal_size(sys.stdout.fileno())
        # Terminals at a serial line do not know.
        return size.columns or 80, size.lines or 24

    def draw(self, lines: Sequence[Line]) -> None:
        """
        @param lines: as many as there are at most, and as long.
        """
        drawn = (f"{_LOUD}{line.text}{_PLAIN}" if line.isLoud else line.text for line in lines)
        self._write(_HOME + "\r\n".join(text + _END_OF_LINE for text in drawn) + _REST)

    def keys(self, seconds: float) -> str | None:
        """
        @param seconds: to wait for one.
        @return: what was typed, C{""} if nothing was; C{None} when nobody types any more.
        """
        readable, _, _ = select.select([self._input], [], [], seconds)
        if not readable:
            return ""
        typed = os.read(self._input, 64)
        return typed.decode("ascii", "replace") if typed else None

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _end(number: int, frame: object) -> NoReturn:
    # What a shell makes of a signal.
    raise SystemExit(128 + number)

"""One input after the other, in the process that tries them.

Each input is written down before it is tried, in memory that outlives the process: however that
ends, whoever watches it knows what it was trying.
"""

from __future__ import annotations

import faulthandler
import mmap
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

#: Seconds of processor time that an input may take. One of the longest takes milliseconds, and
#: ten times that where the code that it reaches is watched.
LIMIT = 1.0

#: The most bytes of an input that are written down.
KEPT = 1 << 16

_HEAD = struct.Struct("=QII")


class TooSlow(BaseException):
    """An input has taken too much processor time. No C{Exception}: the code that is tried shall
    not catch it, and hypothesis not try again and again what takes so long."""


@dataclass(frozen=True)
class Note:
    """What the process has written down.

    @ivar count: how many inputs it has begun with.
    @ivar data: the last of them.
    @ivar isInHand: whether it has not passed.
    """

    count: int
    data: bytes
    isInHand: bool


def read(file: Path) -> Note:
    """
    @return: what a process that may have ended has written down in its file.
    """
    content = file.read_bytes() if file.exists() else b""
    if len(content) < _HEAD.size:
        return Note(0, b"", False)
    count, size, isInHand = _HEAD.unpack_from(content)
    return Note(count, content[_HEAD.size :][:size], bool(isInHand))


class Trials:
    """Tries the inputs that it is called with."""

    def __init__(self, check: Callable[[bytes], None], file: Path) -> None:
        """
        @param check: of the target.
        @param file: where each input is written down.
        """
        self._check = check
        self._count = 0
        file.write_bytes(bytes(_HEAD.size + KEPT))
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), 0)
        signal.signal(signal.SIGPROF, _tooSlow)
        faulthandler.enable()

    def __call__(self, data: bytes) -> None:
        """Try one input.

        @raise Exception: if the target breaks its promise.
        @raise TooSlow: if it takes too long.
        """
        kept = data[:KEPT]
        memory = self._memory
        self._count += 1
        memory[_HEAD.size : _HEAD.size + len(kept)] = kept
        _HEAD.pack_into(memory, 0, self._count, len(kept), 1)
        signal.setitimer(signal.ITIMER_PROF, LIMIT)
        try:
            self._check(data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        _HEAD.pack_into(memory, 0, self._count, len(kept), 0)


def _tooSlow(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"more than {LIMIT:g} s of processor time")

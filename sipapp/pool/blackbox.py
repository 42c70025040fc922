"""What a worker was working on, kept where its death does not reach.

Each slot has a piece of memory that the parent makes and every process of the slot inherits. The
worker notes each message in it before it works on it, and marks it as done afterwards: two or
three stores, no system call. When the worker has died, or hangs, the parent reads the note.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

#: What the inherited descriptor is called in a worker's boot specification.
LABEL = "blackbox"

#: How much of a message is kept.
KEPT = 2048

# Two words of the machine, the size of the message and whether it is being worked on; then its
# bytes.
_HEAD = 8
_SIZE, _MARK = 0, 1


@dataclass(frozen=True)
class Note:
    """What stands in a black box.

    @ivar data: the message, or the beginning of it.
    @ivar size: how long it was.
    @ivar isInHand: whether the worker was still working on it.
    """

    data: bytes
    size: int
    isInHand: bool


@dataclass(frozen=True)
class Name:
    """What to call a message in the log.

    @ivar words: what to say.
    @ivar about: what a line about it is about: see L{sipapp.pool.workerlog}.
    @ivar shown: what to write in its place; C{None} is the message as it is.
    """

    words: str
    about: Mapping[str, str] = field(default_factory=dict)
    shown: bytes | None = None


def tell(worker: str, note: Note, name: Name) -> str:
    """Put a note into words for the log, on one line whatever is in the message.

    @param name: what to call the message.
    """
    did = "was working on" if note.isInHand else "had finished with all it read; the last was"
    begin = f", the first {KEPT} of {note.size} bytes" if note.size > len(note.data) else ""
    shown = note.data if name.shown is None else name.shown
    return f"{worker} {did} {name.words}{begin}: {escape(shown)}"


def escape(data: bytes) -> str:
    """Write bytes as one line of ASCII."""
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")


class BlackBox:
    """The parent's end: the memory of one slot.

    @ivar fd: for the worker to inherit.
    """

    def __init__(self, fd: int | None = None) -> None:
        """
        @param fd: one that is there already, from an earlier image of this process.
        """
        if fd is None:
            fd = os.memfd_create("sipapp-blackbox", os.MFD_CLOEXEC)
            os.ftruncate(fd, _HEAD + KEPT)
        self.fd = fd

    def erase(self) -> None:
        """Forget what the last process has noted."""
        os.pwrite(self.fd, bytes(_HEAD), 0)

    def read(self) -> Note | None:
        """
        @return: the last message noted; C{None} if there is none.
        """
        content = os.pread(self.fd, _HEAD + KEPT, 0)
        words = memoryview(content)[:_HEAD].cast("I")
        size = words[_SIZE]
        if size == 0:
            return None
        return Note(content[_HEAD : _HEAD + min(size, KEPT)], size, words[_MARK] != 0)

    def close(self) -> None:
        os.close(self.fd)


class BlackBoxPen:
    """The worker's end."""

    __slots__ = ("_bytes", "_words")

    def __init__(self, fd: int) -> None:
        """
        @param fd: the inherited descriptor, which is closed.
        """
        memory = memoryview(mmap.mmap(fd, _HEAD + KEPT))
        os.close(fd)
        self._words = memory[:_HEAD].cast("I")
        self._bytes = memory[_HEAD:]

    def note(self, data: bytes) -> None:
        """A message has come and is worked on from now on."""
        size = len(data)
        words = self._words
        # Nothing half-written is ever taken for a note.
        words[_SIZE] = 0
        if size > KEPT:
            self._bytes[:] = data[:KEPT]
        else:
            self._bytes[:size] = data
        words[_MARK] = 1
        words[_SIZE] = size

    def done(self) -> None:
        """Nothing is in hand any more; the note stays, as what was read last."""
        self._words[_MARK] = 0

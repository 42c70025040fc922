"""What of the location store is sure to be on the disk: for the day the power fails.

LMDB's file is written without waiting for the disk, and pages are used again at once. After a crash
of the machine the disk holds some of them from earlier and some from later, which is no store at
all. So the parent process keeps two copies beside the file: at each interval it brings the older
one up to one state of the file, waits until the disk has that, and only then says in the mark that
this is the copy to go by. Only pages that have changed are written.

The mark also says under which boot of the machine the file is in use, and whether it was closed in
good order. As long as the machine has not gone down, the file itself holds everything, whoever was
killed: what was written is in the kernel. A file that was in use when the machine went down is not
even looked at; it is put aside, and a copy takes its place.

The decision, with figures, is C{docs/decisions/0007-copies-of-the-location-store.md}.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from sipapp.location.bindingfile import DATA, BindingFile

__all__ = ["Copies", "Mark", "MarkUnreadable", "thisBoot"]

_PIECE = 1 << 18
"""Bytes that are compared at once; where they differ, page by page."""


class MarkUnreadable(Exception):
    """There is a mark, and it does not say what it should. The text says what to do."""


class Mark(msgspec.Struct, frozen=True):
    """What is known of the file and its copies.

    @ivar boot: the boot of the machine that the file was opened under last.
    @ivar closed: whether all of the file is on the disk, and nobody has it open.
    @ivar copy: which copy to go by, 0 or 1.
    @ivar taken: when that was taken, in seconds since the epoch.
    """

    boot: str
    closed: bool
    copy: int
    taken: float


def thisBoot() -> str:
    """
    @return: what tells the time since the machine was started last from all other times.
    """
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Copies:
    """The copies of one L{BindingFile}. One process looks after them. All methods block."""

    def __init__(self, path: Path, boot: str) -> None:
        """
        @param path: the directory of the file.
        @param boot: L{thisBoot}.
        @raise MarkUnreadable: if the mark is not one of these.
        """
        self._path = path
        self._boot = boot
        self._markPath = path / "mark"
        self._mark = self._readMark()
        # The state of the file that the copy to go by holds, if that is known.
        self._state: int | None = None

    def _readMark(self) -> Mark | None:
        try:
            return msgspec.json.decode(self._markPath.read_bytes(), type=Mark)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except msgspec.DecodeError as error:
            raise MarkUnreadable(
                f"nobody knows which copy to go by, because {self._markPath} cannot be read:"
                f" {error}. Without that file {DATA} is taken as it is"
            ) from None

    def recover(self) -> Mark | None:
        """Put the copy in the place of the file, if the file cannot be relied upon. To be called
        while nobody has it open.

        @return: the mark of the copy; C{None} if the file has been left as it is.
        """
        mark = self._mark
        if mark is None or mark.closed or mark.boot == self._boot:
            return None
        data = self._path / DATA
        restored = data.with_suffix(".restored")
        shutil.copyfile(self._copy(mark.copy), restored)
        _sync(restored)
        if data.exists():
            data.replace(data.with_suffix(".unreliable"))
        restored.replace(data)
        _sync(self._path)
        return mark

    def begin(self, file: BindingFile, now: float) -> None:
        """Say that the file is in use from now on. There is a copy then."""
        mark = self._mark
        if mark is None:
            self.take(file, now)
            _sync(self._path.parent)
        elif mark.closed or mark.boot != self._boot:
            self._write(msgspec.structs.replace(mark, boot=self._boot, closed=False))

    def take(self, file: BindingFile, now: float) -> None:
        """Take a copy, if the file has changed since the last one."""
        with file.held() as (state, head, length):
            if state == self._state:
                return
            number = 0 if self._mark is None else 1 - self._mark.copy
            copy = self._copy(number)
            try:
                _bringUp(copy, self._path / DATA, head, length)
            except OSError:
                # What the kernel could not write it may still show as written.
                copy.unlink(missing_ok=True)
                raise
        self._write(Mark(self._boot, False, number, now))
        self._state = state

    def end(self, file: BindingFile, now: float) -> None:
        """Say that the file is closed in good order. Nobody else may have it open."""
        file.sync()
        try:
            # For the case that the machine goes down right after the next start.
            self.take(file, now)
        finally:
            if self._mark is not None:
                self._write(msgspec.structs.replace(self._mark, closed=True))

    def _copy(self, number: int) -> Path:
        return self._path / f"copy.{number}"

    def _write(self, mark: Mark) -> None:
        unfinished = self._markPath.with_suffix(".new")
        unfinished.write_bytes(msgspec.json.encode(mark))
        _sync(unfinished)
        unfinished.replace(self._markPath)
        _sync(self._path)
        self._mark = mark


def _bringUp(copy: Path, data: Path, head: bytes, length: int) -> None:
    """Make a copy like the data, writing only what differs, and wait for the disk.

    @param head: what the copy is to begin with instead.
    @param length: bytes of the data that count.
    """
    page = len(head) // 2
    target = os.open(copy, os.O_RDWR | os.O_CREAT, 0o640)
    source = os.open(data, os.O_RDONLY)
    try:
        for start in range(0, length, _PIECE):
            new = os.pread(source, min(_PIECE, length - start), start)
            if start == 0:
                new = head + new[len(head) :]
            old = os.pread(target, len(new), start)
            if new == old:
                continue
            for at in range(0, len(new), page):
                if new[at : at + page] != old[at : at + page]:
                    os.pwrite(target, new[at : at + page], start + at)
        os.ftruncate(target, min(length, os.fstat(source).st_size))
        os.fsync(target)
    finally:
        os.close(source)
        os.close(target)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

"""What a worker prints, told in the parent's log.

A worker writes its log to standard error, each event as JSON on a line of its own
(L{sipapp.pool.workerlog}). It becomes an event of the parent's log, with the worker's name beside
it. Anything else that appears there (a print, a fatal error of the interpreter) becomes a line of
its own.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from twisted.logger import ILogObserver, Logger, LogLevel

#: There is room for what L{sipapp.pool.workerlog} writes at most, whatever JSON makes of it.
_MAX_LINE = 131_072

RELAYED = "sipapp.pool.worker"
"""The namespace of what workers log: they have left out what nobody wants to know."""


class Told(msgspec.Struct, frozen=True):
    """What a worker has logged.

    @ivar system: the namespace that it was logged in there.
    @ivar about: what it is about.
    """

    level: Literal["debug", "info", "warn", "error", "critical"]
    system: str
    message: str
    about: dict[str, str] = {}
    traceback: str = ""


class LineSplitter:
    """Cuts a stream of bytes into lines of text.

    @ivar limit: bytes after which a line is broken in two, so that a worker that prints without
        end does not fill the parent's memory.
    """

    def __init__(self, limit: int = _MAX_LINE) -> None:
        self.limit = limit
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """
        @return: the lines that are complete now, without their ends.
        """
        *complete, self._rest = (self._rest + data).split(b"\n")
        lines = [piece for line in complete for piece in self._pieces(line)]
        if len(self._rest) > self.limit:
            *full, self._rest = self._pieces(self._rest)
            lines.extend(full)
        return [_text(line) for line in lines]

    def flush(self) -> list[str]:
        """
        @return: what came after the last line end.
        """
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []

    def _pieces(self, line: bytes) -> list[bytes]:
        starts = range(0, max(len(line), 1), self.limit)
        return [line[start : start + self.limit] for start in starts]


class LogRelay:
    """Puts the lines of one stream of one worker into the log.

    @ivar lastLine: the last thing that the worker has said, for a post-mortem.
    """

    def __init__(self, worker: str, observer: ILogObserver | None = None) -> None:
        self._worker = worker
        self._log = Logger(RELAYED, observer=observer)
        self._output = Logger("sipapp.pool.output", observer=observer)
        self._splitter = LineSplitter()
        self._decoder = msgspec.json.Decoder(Told)
        self.lastLine = ""

    def feed(self, data: bytes) -> None:
        for line in self._splitter.feed(data):
            self._relay(line)

    def flush(self) -> None:
        for line in self._splitter.flush():
            self._relay(line)

    def _relay(self, line: str) -> None:
        """Put a line into the log. Besides what other events have, its event has C{about}, with the
        worker as C{slot}, and C{told} if it is one that the worker has logged."""
        told = self._read(line)
        if told is not None:
            line = "\n".join(filter(None, (told.message, told.traceback)))
        if not line:
            return
        self.lastLine = line.rstrip().rpartition("\n")[2].strip(" \t\r")
        about = {"slot": self._worker}
        if told is None:
            self._output.info("{line}", line=line, log_system=self._worker, about=about)
            return
        system = self._worker
        if told.system != "-":
            system = f"{self._worker} {told.system}#{told.level}"
        self._log.emit(
            LogLevel.lookupByName(told.level),
            "{line}",
            line=line,
            log_system=system,
            about={**told.about, **about},
            told=told,
        )

    def _read(self, line: str) -> Told | None:
        """
        @return: C{None} if the line is none of the worker's log.
        """
        if not line.startswith("{"):
            return None
        try:
            return self._decoder.decode(line)
        except msgspec.MsgspecError:
            return None


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "backslashreplace")

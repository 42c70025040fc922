"""What a worker prints, told in the parent's log.

A worker writes its log to standard error in Twisted's text format. Its lines are taken apart
again, so that the parent's log has one time stamp a line, the level is known to whoever filters
by it, and the worker's name stands beside it. Anything else that appears there (a print, a fatal
error of the interpreter) becomes a line of its own.
"""

from __future__ import annotations

import re

from twisted.logger import ILogObserver, Logger, LogLevel

_MAX_LINE = 8192
_FORMATTED = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d{4} "
    r"\[(?P<system>[^\]]*?(?:#(?P<level>debug|info|warn|error|critical))?)\] "
    r"(?P<text>.*)",
    re.ASCII | re.DOTALL,
)


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
        self._log = Logger("sipapp.pool.worker", observer=observer)
        self._splitter = LineSplitter()
        self._system = worker
        self._level = LogLevel.info
        self.lastLine = ""

    def feed(self, data: bytes) -> None:
        for line in self._splitter.feed(data):
            self._relay(line)

    def flush(self) -> None:
        for line in self._splitter.flush():
            self._relay(line)

    def _relay(self, line: str) -> None:
        formatted = _FORMATTED.fullmatch(line)
        if formatted:
            line = formatted["text"]
            system = formatted["system"]
            self._system = f"{self._worker} {system}" if system != "-" else self._worker
            self._level = LogLevel.lookupByName(formatted["level"] or "info")
        elif not line.startswith("\t"):
            # A line that starts with a tab continues the one before, a traceback for instance.
            self._system, self._level = self._worker, LogLevel.info
        if line:
            self.lastLine = line.strip(" \t\r")
            self._log.emit(self._level, "{line}", line=line, log_system=self._system)


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "backslashreplace")

"""The log of the server: for people, or one JSON object a line for programs."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    textFileLogObserver,
)
from twisted.python.logfile import LogFile

from sipapp.config import LogSettings

__all__ = ["logObserver", "twistdLogFile"]


def logObserver(settings: LogSettings, file: Any) -> ILogObserver:
    """An observer that writes what is severe enough, in the format asked for."""
    write = jsonFileLogObserver(file) if settings.format == "json" else textFileLogObserver(file)
    level = LogLevel.lookupByName(settings.level)
    return FilteringLogObserver(write, [LogLevelFilterPredicate(level)])


def jsonFileLogObserver(file: TextIO) -> FileLogObserver:
    """An observer that writes each event as one flat JSON object on a line of its own.

    Control characters and whatever is not ASCII are escaped by JSON, so that nothing received
    reaches a terminal as it came.
    """
    return FileLogObserver(file, _formatJSON)


def _formatJSON(event: LogEvent) -> str:
    moment = datetime.fromtimestamp(event["log_time"], UTC)
    flat = {
        "time": moment.isoformat(timespec="milliseconds"),
        "level": event["log_level"].name,
        "system": event.get("log_system") or event.get("log_namespace"),
        "message": formatEvent(event),
    }
    failure = event.get("log_failure")
    if failure is not None:
        flat["traceback"] = failure.getTraceback()
    return json.dumps(flat) + "\n"


def twistdLogFile(options: Mapping[str, Any]) -> Any:
    """Open what C{twistd} was told to log to: C{--logfile}, or standard output for
    C{--nodaemon}. A file is rotated on SIGUSR1, as twistd does.

    @param options: those of twistd itself.
    """
    name = options.get("logfile")
    if options.get("nodaemon") and name in (None, "", "-"):
        return sys.stdout
    file = LogFile.fromFullPath(name or "twistd.log")
    signal.signal(signal.SIGUSR1, lambda number, frame: file.rotate())
    return file

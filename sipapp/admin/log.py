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
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    PredicateResult,
    formatEvent,
    formatEventAsClassicLogText,
)
from twisted.python.logfile import LogFile
from zope.interface import implementer

from sipapp.config import LogSettings
from sipapp.pool.lines import RELAYED, Told
from sipapp.pool.workerlog import setLevels

__all__ = ["ServerLog", "twistdLogFile"]

# Those who tell of every step.
_TALKATIVE = {"twisted.conch": "warn"}


@implementer(ILogObserver)
class ServerLog:
    """Writes what is severe enough, in the format asked for. What workers have logged is: they know
    their levels themselves.

    An event says by its field C{about}, a mapping of names to texts, what it is about.
    """

    def __init__(self, settings: LogSettings, file: TextIO) -> None:
        form = _formatJSON if settings.format == "json" else _formatText
        self._write = FileLogObserver(file, form)
        self._levels = LogLevelFilterPredicate()
        self.setLevels({"": settings.level})

    def setLevels(self, levels: Mapping[str, str]) -> None:
        """
        @param levels: the name of the least severe level that is logged, by the namespace that it
            is for, and those below; C{""} is everything else.
        """
        setLevels(self._levels, {**_TALKATIVE, **levels})
        self._levels.setLogLevelForNamespace(RELAYED, LogLevel.debug)

    def __call__(self, event: LogEvent) -> None:
        if self._levels(event) is not PredicateResult.no:
            self._write(event)


def _formatJSON(event: LogEvent) -> str:
    """One flat object on a line of its own. Control characters and whatever is not ASCII are
    escaped by JSON, so that nothing received reaches a terminal as it came.
    """
    told: Told | None = event.get("told")
    moment = datetime.fromtimestamp(event["log_time"], UTC)
    flat = {
        "time": moment.isoformat(timespec="milliseconds"),
        "level": event["log_level"].name,
        "system": event.get("log_system") or event.get("log_namespace"),
        "message": formatEvent(event),
    }
    if told is not None:
        flat["system"], flat["message"] = told.system, told.message
    for name, value in event.get("about", {}).items():
        # It does not get to say what else it is.
        flat.setdefault(name, value)
    traceback = _tracebackOf(event)
    if traceback:
        flat["traceback"] = traceback
    return json.dumps(flat) + "\n"


def _formatText(event: LogEvent) -> str | None:
    """As Twisted has it, and after the message what it is about."""
    told: Told | None = event.get("told")
    message = formatEvent(event) if told is None else told.message
    text = "\n".join(filter(None, (message + _aboutOf(event), _tracebackOf(event))))
    shown = {**event, "log_format": "{text}", "text": text}
    shown.pop("log_failure", None)
    return formatEventAsClassicLogText(shown)


def _aboutOf(event: LogEvent) -> str:
    about: Mapping[str, str] = event.get("about", {})
    words = []
    if "method" in about:
        words.append(_shown(about["method"]))
    if "source" in about:
        words.append(f"from {_shown(about['source'])}")
    said = [" ".join(words)] if words else []
    if "call_id" in about:
        said.append(f"Call-ID {_shown(about['call_id'])}")
    return f" ({', '.join(said)})" if said else ""


def _shown(text: str) -> str:
    """Text from the network, as a terminal may see it."""
    return text if text.isprintable() and text.isascii() else ascii(text)


def _tracebackOf(event: LogEvent) -> str:
    told: Told | None = event.get("told")
    if told is not None:
        return told.traceback
    failure = event.get("log_failure")
    return "" if failure is None else str(failure.getTraceback()).rstrip()


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

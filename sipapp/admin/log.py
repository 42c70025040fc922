"""The log of the server: for people, or one JSON object a line for programs; in a file, or with
C{syslog}."""

from __future__ import annotations

import json
import signal
import sys
import syslog
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from twisted.logger import (
    FileLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    PredicateResult,
    eventAsText,
    formatEvent,
    formatEventAsClassicLogText,
)
from twisted.python.logfile import LogFile
from zope.interface import implementer

from sipapp.config import LogSettings
from sipapp.pool.lines import RELAYED, Told
from sipapp.pool.workerlog import setLevels

__all__ = ["ServerLog", "SyslogObserver", "fileObserver", "serverLog", "twistdLogFile"]

# Those who tell of every step.
_TALKATIVE = {"twisted.conch": "warn"}

_PRIORITIES = {
    LogLevel.debug: syslog.LOG_DEBUG,
    LogLevel.info: syslog.LOG_INFO,
    LogLevel.warn: syslog.LOG_WARNING,
    LogLevel.error: syslog.LOG_ERR,
    LogLevel.critical: syslog.LOG_CRIT,
}


@implementer(ILogObserver)
class ServerLog:
    """Writes what is severe enough. What workers have logged is: they know their levels themselves.

    An event says by its field C{about}, a mapping of names to texts, what it is about.
    """

    def __init__(self, level: str, write: ILogObserver) -> None:
        """
        @param level: as in the configuration.
        @param write: what writes it.
        """
        self._write = write
        self._levels = LogLevelFilterPredicate()
        self.setLevels({"": level})

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


def fileObserver(format: str, file: TextIO) -> ILogObserver:
    """
    @param format: as in the configuration.
    @return: what writes it there.
    """
    return FileLogObserver(file, _formatJSON if format == "json" else _formatText)


@implementer(ILogObserver)
class SyslogObserver:
    """Hands events to C{syslog}, each with the priority that its level is."""

    def __init__(self, format: str, send: Callable[[int, str], object] = syslog.syslog) -> None:
        """
        @param format: as in the configuration.
        @param send: takes the priority, and a line.
        """
        self._isJSON = format == "json"
        self._send = send

    def __call__(self, event: LogEvent) -> None:
        if self._isJSON:
            text = _formatJSON(event)
        else:
            text = eventAsText(_readable(event), includeTimestamp=False)
        # It takes none of them.
        text = text.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode()
        first, *others = text.rstrip("\n").split("\n")
        for line in (first, *(f"\t{each}" for each in others)):
            self._send(_PRIORITIES[event["log_level"]], line)


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
    """As Twisted has it."""
    return formatEventAsClassicLogText(_readable(event))


def _readable(event: LogEvent) -> LogEvent:
    """
    @return: an event whose text is its message, what it is about, and its traceback.
    """
    told: Told | None = event.get("told")
    message = formatEvent(event) if told is None else told.message
    text = "\n".join(filter(None, (message + _aboutOf(event), _tracebackOf(event))))
    shown = {**event, "log_format": "{text}", "text": text}
    shown.pop("log_failure", None)
    return shown


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


def serverLog(settings: LogSettings, options: Mapping[str, Any]) -> ServerLog | None:
    """
    @param options: those of twistd itself.
    @return: the log where twistd was told to put it; C{None} if that is an observer of somebody
        else's: C{--logger}.
    """
    if options.get("logger"):
        return None
    if options.get("syslog"):
        syslog.openlog(options.get("prefix", "sipapp"))
        return ServerLog(settings.level, SyslogObserver(settings.format))
    return ServerLog(settings.level, fileObserver(settings.format, twistdLogFile(options)))


def twistdLogFile(options: Mapping[str, Any]) -> Any:
    """Open what C{twistd} was told to log to: C{--logfile}, or standard output for
    C{--nodaemon}. A file is rotated on SIGUSR1, as twistd does.

    @param options: those of twistd itself.
    """
    name = options.get("logfile")
    if options.get("nodaemon") and name in (None, "", "-"):
        return sys.stdout
    file = LogFile.fromFullPath(name or "twistd.log")

    def rotate(number: int, frame: object) -> None:
        # Between two turns: it might be writing now.
        from twisted.internet import reactor

        reactor.callFromThread(file.rotate)  # type: ignore[attr-defined]  # as all reactors have it

    signal.signal(signal.SIGUSR1, rotate)
    return file

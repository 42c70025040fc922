"""The log of a worker: lines of JSON on its standard error, which the parent reads and puts into
its own log (L{sipapp.pool.lines}).

A line says what it is about. An event may have a field C{about}, a mapping of names to texts; what
is being worked on when it is logged adds to that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TextIO

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    PredicateResult,
    formatEvent,
)
from zope.interface import implementer

#: Characters of a message, and of a traceback: more is left out in their middle.
_LONGEST = 8_000


@implementer(ILogObserver)
class WorkerLog:
    """Writes what a worker logs.

    @ivar context: gives what is being worked on right now, as C{about} of an event; empty if
        nothing is.
    """

    def __init__(self, level: str, file: TextIO) -> None:
        """
        @param level: the name of the least that is logged.
        """
        self.context: Callable[[], Mapping[str, str]] = dict
        self._file = file
        self._levels = LogLevelFilterPredicate(LogLevel.lookupByName(level))

    def setLevels(self, levels: Mapping[str, str]) -> None:
        """Log by other levels from now on: see L{setLevels}."""
        setLevels(self._levels, levels)

    def __call__(self, event: LogEvent) -> None:
        if self._levels(event) is PredicateResult.no:
            return
        line = {
            "level": event["log_level"].name,
            "system": event.get("log_system") or event.get("log_namespace") or "-",
            "message": _bounded(formatEvent(event)),
            "about": {**self.context(), **event.get("about", {})},
        }
        failure = event.get("log_failure")
        if failure is not None:
            line["traceback"] = _bounded(failure.getTraceback().rstrip())
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def setLevels(predicate: LogLevelFilterPredicate, levels: Mapping[str, str]) -> None:
    """
    @param levels: the name of the least severe level that is logged, by the namespace that it is
        for, and those below; C{""} is everything else.
    """
    predicate.clearLogLevels()
    for namespace, level in levels.items():
        predicate.setLogLevelForNamespace(namespace, LogLevel.lookupByName(level))


def _bounded(text: str) -> str:
    """Text that can be written anywhere, and is not too long."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"

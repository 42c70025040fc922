"""Call records in a SQLite file: a row for each call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from msgspec.structs import astuple
from zope.interface import implementer

from sipapp.config.values import Text, makeAbsolute
from sipapp.interfaces import ICallRecords
from sipapp.resources.calls.record import CallRecord
from sipapp.resources.maker import ResourceMaker, Settings
from sipapp.storage.sqlitefile import SQLiteFile

__all__ = ["CallFile", "SQLiteCalls", "SQLiteCallsSettings", "callsSQLiteMaker"]

_MERGE = """
    INSERT INTO call (
        call_id, tag, other_tag, caller, callee, user, source, worker,
        started, answered, ended, status
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        caller = ifnull(caller, excluded.caller),
        callee = ifnull(callee, excluded.callee),
        user = ifnull(user, excluded.user),
        source = ifnull(source, excluded.source),
        worker = ifnull(worker, excluded.worker),
        started = ifnull(started, excluded.started),
        answered = ifnull(answered, excluded.answered),
        ended = ifnull(max(ended, excluded.ended), ifnull(ended, excluded.ended)),
        status = ifnull(status, excluded.status)
"""
"""The fields of a L{CallRecord}, in their order. What was noted first stays: an INVITE that passes
twice came to us when it came first. But a BYE comes again when it has to prove who sends it."""


class CallFile(SQLiteFile):
    """The file. It is for one thread at a time."""

    version = 1
    schema = (
        """
        CREATE TABLE call (
            call_id TEXT NOT NULL,
            tag TEXT NOT NULL,
            other_tag TEXT NOT NULL,
            caller TEXT,
            callee TEXT,
            user TEXT,
            source TEXT,
            worker TEXT,
            started REAL,
            answered REAL,
            ended REAL,
            status INTEGER,
            PRIMARY KEY (call_id, tag, other_tag)
        ) STRICT
        """,
        "CREATE INDEX call_started ON call (started)",
    )

    def write(self, records: Sequence[CallRecord]) -> None:
        """Merge parts of records into those that there are, all or none.

        @raise sqlite3.Error: if that cannot be.
        """
        with self.transaction():
            self.database.executemany(_MERGE, map(_row, records))


def _row(record: CallRecord) -> tuple[Any, ...]:
    callID, tags, *others = astuple(record)
    return (callID, *tags, *others)


class SQLiteCallsSettings(Settings, frozen=True, kw_only=True):
    """C{[resource.calls-sqlite]}.

    @ivar path: the file; C{None} is C{calls.db} in the state directory.
    """

    path: Text | None = None

    def __post_init__(self) -> None:
        makeAbsolute(self, "path")


@implementer(ICallRecords)
class SQLiteCalls:
    """Keeps a row for each call. What it has written is on the disk."""

    def __init__(self, settings: SQLiteCallsSettings, worker: Any) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}.
        """
        self._path = settings.path or os.path.join(worker.stateDirectory, "calls.db")
        self._file: CallFile | None = None

    def __repr__(self) -> str:
        return f"<calls in {self._path}>"

    def start(self) -> None:
        """
        @raise sipapp.storage.SQLiteFileUnusable: if the file cannot be opened.
        """
        self._file = CallFile(self._path)

    def write(self, records: Sequence[CallRecord]) -> None:
        """See L{sipapp.interfaces.ICallRecords}."""
        assert self._file is not None, "not started"
        self._file.write(records)

    def stop(self) -> None:
        if self._file is not None:
            self._file.close()


callsSQLiteMaker = ResourceMaker("calls-sqlite", "calls", SQLiteCallsSettings, SQLiteCalls)

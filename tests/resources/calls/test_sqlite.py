"""Tests of L{sipapp.resources.calls.sqlite}."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sipapp.resources.calls import CallRecord
from sipapp.resources.calls.sqlite import CallFile, SQLiteCalls, SQLiteCallsSettings
from sipapp.storage import SQLiteFileUnusable
from tests.resources.calls.contract import HUNG_UP, INVITED, CallRecordsContract, Worker


class TestContract(CallRecordsContract):
    def make(self) -> SQLiteCalls:
        return SQLiteCalls(SQLiteCallsSettings(), Worker(self.directory))

    def kept(self) -> list[CallRecord]:
        with closing(sqlite3.connect(self.directory / "calls.db")) as database:
            database.row_factory = sqlite3.Row
            rows = [dict(row) for row in database.execute("SELECT * FROM call ORDER BY call_id")]
        return [
            CallRecord(
                callID=row.pop("call_id"), tags=(row.pop("tag"), row.pop("other_tag")), **row
            )
            for row in rows
        ]

    def test_theFirstStays(self) -> None:
        """An INVITE passes a second time, on its way back from somewhere."""
        again = CallRecord(
            callID=INVITED.callID,
            tags=INVITED.tags,
            source="udp 192.0.2.99:5060",
            started=1_800_000_001.0,
            answered=1_800_000_004.4,
            status=200,
        )
        assert self.write([INVITED, again]) == [INVITED]

    def test_aSecondBYE(self) -> None:
        later = CallRecord(callID=INVITED.callID, tags=INVITED.tags, ended=1_800_000_200.0)
        for order in ([HUNG_UP, later], [later, HUNG_UP]):
            (record,) = self.write([INVITED], order)
            assert record.ended == later.ended


def test_allOrNothing(tmp_path: Path) -> None:
    with CallFile(tmp_path / "calls.db") as file:
        with pytest.raises(UnicodeEncodeError):
            file.write([INVITED, CallRecord(callID="\udcff", tags=("", ""))])
        assert file.database.execute("SELECT count(*) FROM call").fetchone() == (0,)
        file.write([INVITED])


def test_path(tmp_path: Path) -> None:
    settings = SQLiteCallsSettings(path=str(tmp_path / "elsewhere.db"))
    provider = SQLiteCalls(settings, Worker(Path("/nowhere")))
    provider.start()
    provider.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere.db"]
    assert str(tmp_path) in repr(provider)


def test_unusable(tmp_path: Path) -> None:
    with pytest.raises(SQLiteFileUnusable):
        SQLiteCalls(SQLiteCallsSettings(), Worker(tmp_path / "nowhere")).start()

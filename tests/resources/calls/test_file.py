"""Tests of L{sipapp.resources.calls.file}."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sipapp.resources.calls import CallRecord
from sipapp.resources.calls.file import FileCalls, FileCallsSettings
from tests.resources.calls.contract import HUNG_UP, INVITED, CallRecordsContract, Worker
from tests.support.room import roomForFiles


class TestContract(CallRecordsContract):
    def make(self) -> FileCalls:
        return FileCalls(FileCallsSettings(), Worker(self.directory))

    def kept(self) -> list[CallRecord]:
        merged: dict[tuple[Any, ...], dict[str, Any]] = {}
        for line in (self.directory / "calls.jsonl").read_text().splitlines():
            part = json.loads(line)
            merged.setdefault((part["call_id"], *part["tags"]), {}).update(part)
        return [msgspec.convert(record, CallRecord) for record in merged.values()]


def test_lines(tmp_path: Path) -> None:
    FileCalls(FileCallsSettings(), Worker(tmp_path)).write([HUNG_UP])
    (line,) = (tmp_path / "calls.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "call_id": HUNG_UP.callID,
        "tags": list(HUNG_UP.tags),
        "ended": HUNG_UP.ended,
    }


def test_moved(tmp_path: Path) -> None:
    """Whoever rotates logs moves the file away and tells nobody."""
    provider = FileCalls(FileCallsSettings(), Worker(tmp_path))
    provider.write([INVITED])
    file = tmp_path / "calls.jsonl"
    file.rename(tmp_path / "calls.jsonl.1")
    provider.write([HUNG_UP])
    assert file.read_text().count("\n") == 1


def test_noRoom(tmp_path: Path) -> None:
    """Half a line is not left behind."""
    provider = FileCalls(FileCallsSettings(), Worker(tmp_path))
    provider.write([INVITED])
    file = tmp_path / "calls.jsonl"
    before = file.read_bytes()
    with roomForFiles(len(before) + 10), pytest.raises(OSError):
        provider.write([HUNG_UP])
    assert file.read_bytes() == before
    provider.write([HUNG_UP])
    assert file.read_bytes().count(b"\n") == 2


def test_unusable(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        FileCalls(FileCallsSettings(path=str(tmp_path)), Worker(tmp_path)).start()
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/null"):
        with pytest.raises(OSError, match=path):
            FileCalls(FileCallsSettings(path=path), Worker(tmp_path)).start()
    assert str(tmp_path) in repr(FileCalls(FileCallsSettings(), Worker(tmp_path)))

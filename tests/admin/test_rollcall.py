"""Tests of L{sipapp.admin.rollcall}."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.logger import capturedLogs

from sipapp.admin.rollcall import RollCall
from sipapp.pool import WorkerState
from tests.support.room import roomForFiles

WORKERS = [
    WorkerState("udp-0/0", 0, 4711, "ready", 100.0, 2, ""),
    WorkerState("udp-0/1", 1, None, "parked", 100.0, 9, "ended with status 1"),
]


def test_write(tmp_path: Path) -> None:
    RollCall(str(tmp_path)).write(WORKERS)
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text()) == [
        {"name": "udp-0/0", "pid": 4711, "state": "ready", "restarts": 2},
        {"name": "udp-0/1", "pid": None, "state": "parked", "restarts": 9},
    ]
    RollCall(str(tmp_path)).remove()
    RollCall(str(tmp_path)).remove()
    assert list(tmp_path.iterdir()) == []


def test_noRoom(tmp_path: Path) -> None:
    """A server goes on without it, and says why; pids of others are not left behind."""
    roll = RollCall(str(tmp_path))
    roll.write(WORKERS)
    with capturedLogs() as events, roomForFiles(100):
        roll.write(WORKERS)
    assert [event["cause"] for event in events] == ["File too large"]
    assert list(tmp_path.iterdir()) == []
    roll.write(WORKERS[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["workers.json"]


def test_inItsPlace(tmp_path: Path) -> None:
    """Neither does whatever stands there keep a server from going on."""
    (tmp_path / "workers.json").mkdir()
    roll = RollCall(str(tmp_path))
    with capturedLogs() as events:
        roll.write(WORKERS)
        roll.remove()
    assert len(events) == 3

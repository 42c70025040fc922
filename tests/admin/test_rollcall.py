"""Tests of L{sipapp.admin.rollcall}."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.logger import capturedLogs

from sipapp.admin.rollcall import RollCall
from sipapp.pool import WorkerState

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
    """A server goes on without it, and says why it is old."""
    roll = RollCall(str(tmp_path / "gone"))
    with capturedLogs() as events:
        roll.write(WORKERS)
    assert [event["cause"] for event in events] == ["No such file or directory"]
    (tmp_path / "workers.json").mkdir()
    with capturedLogs() as events:
        RollCall(str(tmp_path)).remove()
    assert len(events) == 1

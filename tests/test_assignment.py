"""What a worker is told survives the way to it."""

from __future__ import annotations

import pytest

from sipapp.assignment import Assignment, decodeAssignment, encodeAssignment, workerCode
from sipapp.config import encodeSettings, loadSettings, resolve
from sipapp.plugins import resourceTypes
from sipapp.transaction import Identifiers


def test_roundTrip() -> None:
    settings = loadSettings(None, resourceTypes())
    plan = resolve(settings)
    assignment = Assignment(
        settings=encodeSettings(settings),
        listeners=plan.listeners,
        pool="udp-0",
        code="a0",
        pools={"udp-0": ("a0", "a1"), "tcp": ("b0",)},
        busDirectory="/run/sipapp/bus",
        windows={0: 600},
        secret=b"\x00" * 32,
    )
    assert decodeAssignment(encodeAssignment(assignment)) == assignment
    assert [assignment.isServed(listener) for listener in plan.listeners] == [True, False]


@pytest.mark.parametrize(
    ("pool", "slot", "code"), [(0, 0, "a0"), (25, 3, "z3"), (26, 0, "aa0"), (27, 12, "ab12")]
)
def test_workerCode(pool: int, slot: int, code: str) -> None:
    assert workerCode(pool, slot) == code
    assert Identifiers(b"secret", code).code == code


def test_noTwoWorkersShareACode() -> None:
    codes = [workerCode(pool, slot) for pool in range(800) for slot in range(12)]
    assert len(set(codes)) == len(codes)

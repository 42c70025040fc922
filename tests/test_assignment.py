"""What a worker is told survives the way to it."""

from __future__ import annotations

import pytest

from sipapp.assignment import (
    Assignment,
    decodeAssignment,
    encodeAssignment,
    renewedCode,
    workerCode,
)
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


@pytest.mark.parametrize("pool", [0, 24, 50, 24 * 27])
@pytest.mark.parametrize("generation", [0, 7])
def test_everyRenewalHasACodeOfItsOwn(pool: int, generation: int) -> None:
    """Also in pools whose letters have a y."""
    codes = [workerCode(pool, 1, generation)]
    for count in range(1, 13):
        codes.append(renewedCode(codes[-1]))
        assert codes[-1] == f"{codes[0]}y{count}"
    assert Identifiers(b"secret", codes[-1]).code == codes[-1]

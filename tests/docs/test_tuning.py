"""C{docs/tuning.md} explains each check of the doctor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sipapp.admin.doctor.checks import CHECKS, LIVE_CHECKS
from sipapp.admin.doctor.checks.removed import REMOVED

TEXT = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text()
EXPLAINED = re.findall(r"^\| `([a-z-]+)` \|", TEXT, re.MULTILINE)
"""The first column of its tables."""


def test_everyCheckIsExplained() -> None:
    """Once, and nothing else is."""
    assert sorted(EXPLAINED) == sorted([*CHECKS, *LIVE_CHECKS])


@pytest.mark.parametrize("key", REMOVED)
def test_everythingRemovedIsNamed(key: str) -> None:
    assert f"`{key}`" in TEXT

"""Figures as people read them."""

from __future__ import annotations

import pytest

from sipapp.admin.figures import duration, milliseconds, percent, rate, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0s"), (119.4, "119s"), (120, "2m"), (7199, "120m"), (7200, "2h"), (172_800, "2d")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (2047, "2047 B"), (2048, "2 KiB"), (50 << 20, "50 MiB"), (1 << 60, "1048576 TiB")],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


def test_others() -> None:
    assert [milliseconds(0.00934), milliseconds(0.00996), milliseconds(2)] == [
        "9.3 ms",
        "10 ms",
        "2000 ms",
    ]
    assert [rate(0), rate(99.94), rate(99.96)] == ["0.0", "99.9", "100"]
    assert percent(0.567) == "57%"

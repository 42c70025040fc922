"""Figures as people read them."""

from __future__ import annotations

__all__ = ["UNITS", "duration", "milliseconds", "percent", "rate", "size"]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
"""Seconds in each unit of time."""

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def duration(seconds: float) -> str:
    """
    @return: in the largest unit that it has two of.
    """
    unit, length = max(
        ((unit, length) for unit, length in UNITS.items() if seconds >= 2 * length or unit == "s"),
        key=lambda each: each[1],
    )
    return f"{seconds / length:.0f}{unit}"


def size(count: float) -> str:
    """
    @param count: bytes.
    @return: in the largest unit that it has two of.
    """
    unit = 0
    while count >= 2048 and unit < len(_SIZES) - 1:
        count /= 1024
        unit += 1
    return f"{count:.0f} {_SIZES[unit]}"


def percent(part: float) -> str:
    """
    @param part: 1 is all of it.
    """
    return f"{part:.0%}"


def milliseconds(seconds: float) -> str:
    """
    @return: with one digit behind the point below 10 ms.
    """
    count = seconds * 1000
    return f"{count:.1f} ms" if count < 9.95 else f"{count:.0f} ms"


def rate(perSecond: float) -> str:
    """
    @return: with one digit behind the point below 100.
    """
    return f"{perSecond:.1f}" if perSecond < 99.95 else f"{perSecond:.0f}"

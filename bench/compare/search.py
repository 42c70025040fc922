"""The search for the highest rate that a server keeps up with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

#: How far a step goes as long as only one side is known.
_STRIDE = 1.5


def highestRate(holds: Callable[[float], bool], first: float, steps: int) -> float | None:
    """Try rates, away from the first one until the limit is passed, and then between.

    @param holds: tries a rate.
    @param steps: how many are tried.
    @return: the highest that held; C{None} if none did.
    """
    good: float | None = None
    bad: float | None = None
    rate = first
    for _ in range(steps):
        if holds(rate):
            good = rate
        else:
            bad = rate
        if good is None:
            rate /= _STRIDE
        elif bad is None:
            rate *= _STRIDE
        else:
            rate = sqrt(good * bad)
    return good


def quantile(ordered: Sequence[float], part: float) -> float | None:
    """
    @param ordered: values in order of size.
    @param part: from 0 to 1.
    @return: the value that this part of them does not exceed; C{None} if there are none.
    """
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

"""Waiting for something to become true, with an end to the patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds between two looks at a condition.
INTERVAL = 0.02


def waitFor(condition: Callable[[], T], what: str, timeout: float = 40.0) -> T:
    """Look at a condition until it is true.

    @param what: says in the failure what never happened.
    @param timeout: seconds.
    @return: what the condition returned.
    @raise TimeoutError: if the condition is still false at the end.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {timeout:g} s: {what}")
        time.sleep(INTERVAL)

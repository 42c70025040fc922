"""How much work a call is, as a number that is the same on any machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType


def callsOf(function: Callable[[], object]) -> int:
    """
    @return: how many functions, of Python and of C, run within a call of this one. What a single
        function of C does, such as matching a regular expression, counts as one.
    """
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count

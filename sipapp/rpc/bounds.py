"""How much there may be in a call. Its bytes are bounded by whoever reads them: an HTTP endpoint by
its C{body_size}."""

from __future__ import annotations

from typing import Any

from sipapp.rpc.fault import TooMuch

__all__ = ["MAX_CALLS", "MAX_DEPTH", "MAX_VALUES", "checkBounds"]

MAX_DEPTH = 32
"""Of arrays and structs in each other."""

MAX_VALUES = 20_000
"""Of values in one body. A byte of it can become fifty in memory."""

MAX_CALLS = 100
"""In one batch of JSON-RPC, and in one C{system.multicall}."""


def checkBounds(value: Any) -> None:
    """
    @param value: made of what JSON has.
    @raise TooMuch: if it is deeper than L{MAX_DEPTH}, or has more in it than L{MAX_VALUES}.
    """
    left = MAX_VALUES
    waiting = [(value, 0)]
    while waiting:
        value, depth = waiting.pop()
        if not isinstance(value, (dict, list)):
            continue
        left -= len(value)
        if depth == MAX_DEPTH or left < 0:
            raise tooMuch()
        inside = value.values() if isinstance(value, dict) else value
        waiting += [(each, depth + 1) for each in inside]


def tooMuch() -> TooMuch:
    """
    @return: what a body is that is beyond the bounds.
    """
    return TooMuch(f"there are more than {MAX_VALUES} values, or they are deeper than {MAX_DEPTH}")

"""Timing that means the same on another machine, and on one that others use too.

A step's cost is a number of I{units}: its processor time divided by that of L{calibrate}, which
does what the steps do (it takes text apart, looks things up and makes objects) and never changes.
Both are timed in turn, a few milliseconds each, so that what slows the machine down meets both; and
the middle one of many such quotients counts.
"""

from __future__ import annotations

import gc
import re
import statistics
import time
from collections.abc import Callable, Mapping

from bench.micro.steps import Step

_ALTERNATIONS = 31
#: Seconds that one timing takes.
_SLICE = 0.005

_TEXT = "colour=red; shape = round;weight=12;; taste=sour;origin=here,there;count=3" * 2
_PAIR = re.compile(r"[ ]*([a-z]+)[ ]*=([^;]*)\Z").match


class _Pair:
    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value

    @property
    def isPlain(self) -> bool:
        return "," not in self.value


def calibrate() -> str:
    """The unit: some 10 µs of pure Python. To change it is to change every baseline."""
    found: dict[str, _Pair] = {}
    for part in _TEXT.split(";"):
        match = _PAIR(part)
        if match is None:
            continue
        name, value = match.groups()
        pair = _Pair(name.lower(), value.strip(" "))
        if pair.isPlain and pair.name not in found:
            found[pair.name] = pair
    return "".join([f"{pair.name}={pair.value};" for pair in found.values()])


def measure(steps: Mapping[str, Step]) -> dict[str, float]:
    """
    @return: units for one call of each step, by its name.
    """
    gc.collect()
    gc.disable()
    try:
        return {name: _units(step) for name, step in steps.items()}
    finally:
        gc.enable()


def microsecondsPerUnit() -> float:
    """
    @return: what L{calibrate} takes here, at its best.
    """
    loops = _loops(calibrate)
    return min(_time(calibrate, loops) for _ in range(_ALTERNATIONS)) * 1e6


def _units(step: Step) -> float:
    loops, reference = _loops(step), _loops(calibrate)
    quotients = []
    for _ in range(_ALTERNATIONS):
        unit = _time(calibrate, reference)
        cost = _time(step, loops)
        quotients.append(2 * cost / (unit + _time(calibrate, reference)))
    return statistics.median(quotients)


def _loops(step: Step) -> int:
    """
    @return: how many calls fill a slice.
    """
    loops = 1
    while (spent := _time(step, loops) * loops) < _SLICE / 2:
        loops *= 2
    return max(1, round(loops * _SLICE / spent))


def _time(step: Callable[[], object], loops: int) -> float:
    """
    @return: seconds of processor time for one call.
    """
    started = time.process_time()
    for _ in range(loops):
        step()
    return (time.process_time() - started) / loops

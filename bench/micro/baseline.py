"""The baseline: what each step has cost, in units, as a file that is committed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: How much dearer a step may be than its baseline.
TOLERANCE = 0.2


@dataclass(frozen=True)
class Comparison:
    """A step beside its baseline.

    @ivar units: what it costs now.
    @ivar before: what it has cost, C{None} if there is no baseline for it.
    """

    name: str
    units: float
    before: float | None

    @property
    def change(self) -> float | None:
        """0.25 for a quarter more, C{None} if it is new."""
        return None if self.before is None else self.units / self.before - 1

    @property
    def isRegression(self) -> bool:
        return self.change is not None and self.change > TOLERANCE

    def line(self, unit: float) -> str:
        """
        @param unit: microseconds that it takes here.
        """
        change = "     new" if self.change is None else f"{self.change:+8.0%}"
        mark = "  DEARER" if self.isRegression else ""
        return f"{self.units * unit:8.1f} µs {change}  {self.name}{mark}"


def compare(measured: Mapping[str, float], baseline: Mapping[str, float]) -> list[Comparison]:
    """
    @return: all steps that were measured, in their order.
    """
    return [Comparison(name, units, baseline.get(name)) for name, units in measured.items()]


def cheapest(*measurements: Mapping[str, float]) -> dict[str, float]:
    """
    @return: the least that each step has cost in any of some measurements.
    """
    least: dict[str, float] = {}
    for measured in measurements:
        for name, units in measured.items():
            least[name] = min(units, least.get(name, units))
    return least


def load(file: Path) -> dict[str, float]:
    """
    @return: the units of each step by its name; nothing if there is no such file.
    @raise ValueError: if it is no baseline.
    """
    if not file.exists():
        return {}
    rows = json.loads(file.read_text())
    if not isinstance(rows, dict):
        raise ValueError(f"{file} is no baseline")
    return {str(name): float(units) for name, units in rows.items()}


def save(file: Path, measured: Mapping[str, float]) -> None:
    rows = {name: round(units, 3) for name, units in measured.items()}
    file.write_text(json.dumps(rows, indent=2) + "\n")

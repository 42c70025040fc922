"""The baseline of the micro-benchmarks, and the quotient that makes it hold on other machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.micro.baseline import Comparison, cheapest, compare, load, save
from bench.micro.steps import steps
from bench.micro.timing import calibrate, measure


@pytest.mark.parametrize(
    ("units", "before", "regression"),
    [
        (1.0, 1.0, False),
        (1.2, 1.0, False),
        (1.21, 1.0, True),
        (0.5, 1.0, False),
        (9.0, None, False),
    ],
)
def test_regression(units: float, before: float | None, regression: bool) -> None:
    assert Comparison("step", units, before).isRegression is regression


def test_theLineNamesWhatIsDearer() -> None:
    assert Comparison("parse", 1.5, 1.0).line(10.0) == "    15.0 µs     +50%  parse  DEARER"
    assert Comparison("parse", 1.1, 1.0).line(10.0) == "    11.0 µs     +10%  parse"
    assert Comparison("parse", 1.1, None).line(10.0) == "    11.0 µs      new  parse"


def test_whatIsNotMeasuredAnyMoreIsNotCompared() -> None:
    assert compare({"b": 2.0, "c": 3.0}, {"a": 1.0, "b": 1.0}) == [
        Comparison("b", 2.0, 1.0),
        Comparison("c", 3.0, None),
    ]


def test_timedAgainTheLeastCounts() -> None:
    assert cheapest({"a": 3.0, "b": 1.0}, {"a": 2.0}, {"a": 4.0, "b": 2.0}) == {"a": 2.0, "b": 1.0}


def test_whatIsSavedIsLoaded(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    assert load(file) == {}
    save(file, {"parse": 1.23456, "write": 2.0})
    assert load(file) == {"parse": 1.235, "write": 2.0}
    file.write_text("[]")
    with pytest.raises(ValueError, match="no baseline"):
        load(file)


def test_aUnitIsOneUnit() -> None:
    """Whatever else the machine does: both sides of the quotient are the same."""

    def threeUnits() -> None:
        for _ in range(3):
            calibrate()

    measured = measure({"one": calibrate, "three": threeUnits})
    assert measured["one"] == pytest.approx(1.0, rel=0.3)
    assert measured["three"] == pytest.approx(3.0, rel=0.3)


def test_theCommittedBaselineNamesTheSteps(tmp_path: Path) -> None:
    file = Path(__file__).parents[2] / "bench" / "micro" / "baseline.json"
    assert list(load(file)) == [name for name, _ in steps(tmp_path)]

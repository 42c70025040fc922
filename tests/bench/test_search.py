"""The search for the highest rate, and quantiles."""

from __future__ import annotations

import pytest

from bench.compare.search import highestRate, quantile


@pytest.mark.parametrize("limit", [130.0, 700.0, 1000.0, 4900.0])
def test_limitIsFound(limit: float) -> None:
    """From wherever it starts, the search comes close from below."""
    tried = []

    def holds(rate: float) -> bool:
        tried.append(rate)
        return rate <= limit

    found = highestRate(holds, 1000.0, 12)
    assert found is not None
    assert 0.95 * limit < found <= limit
    assert len(tried) == 12


def test_fewSteps() -> None:
    """With few steps the result is rough, but it held."""
    assert highestRate(lambda rate: rate < 1600, 1000.0, 3) == pytest.approx(1000 * 1.5)


def test_nothingHolds() -> None:
    assert highestRate(lambda rate: False, 1000.0, 4) is None


def test_quantiles() -> None:
    ordered = [float(number) for number in range(100)]
    assert quantile(ordered, 0.5) == 50
    assert quantile(ordered, 0.99) == 99
    assert quantile([7.0], 0.99) == 7


def test_quantileOfNothing() -> None:
    assert quantile([], 0.5) is None

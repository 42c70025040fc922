"""Builds inputs from the target's description of them, and makes those that fail as small as it
can (hypothesis).

What fails is in C{examples/} in the target's directory, and the next campaign begins with it.
"""

from __future__ import annotations

import time

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.fuzz.means.arguments import Arguments
from tests.fuzz.target import Target, found, load
from tests.fuzz.trial import Trials

#: How many inputs make a round. Hypothesis makes the later ones of a round larger, and varies
#: what the earlier ones were.
_ROUND = 300


def _round(target: Target, trials: Trials, number: int, examples: str) -> None:
    @seed(number)
    @settings(
        max_examples=_ROUND,
        database=DirectoryBasedExampleDatabase(examples),
        deadline=None,
        derandomize=False,
        phases=[Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def attempt(data: bytes) -> None:
        trials(data)

    attempt()


def main(arguments: Arguments) -> None:
    """
    @raise Exception: what the target raises; the last input tried is the smallest that fails.
    """
    target = load(arguments.target)
    end = time.monotonic() + arguments.seconds
    trials = Trials(target.check, arguments.note)
    for data in [*target.seeds, *(path.read_bytes() for path in found(arguments.target))]:
        trials(data)
    number = time.time_ns()
    while time.monotonic() < end:
        _round(target, trials, number, str(arguments.directory / "examples"))
        number += 1


if __name__ == "__main__":
    main(Arguments.read())

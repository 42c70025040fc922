"""Runs the campaigns and prints what they found.

C{python -m tests.fuzz [PATTERN...]}; C{--help} says what can be chosen. The exit status is 1 if
something was found.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

from tests.fuzz.campaign import MEANS, Campaign, Outcome, missing
from tests.fuzz.target import NAMES, load

DIRECTORY = Path(__file__).parents[2] / "build" / "fuzz"


def choose(patterns: Sequence[str]) -> list[tuple[str, str]]:
    """
    @param patterns: as C{parser}, C{*/guided} or C{framing/generated}; all campaigns without any.
    @return: target and means of each campaign, in the order in which they are to run.
    @raise ValueError: for a pattern that nothing is meant by.
    """
    all_ = [(target, means) for target in NAMES for means in MEANS if not missing(means)]
    if not patterns:
        return all_
    chosen = []
    for pattern in patterns:
        found = [
            (target, means)
            for target, means in all_
            if fnmatchcase(f"{target}/{means}", pattern) or fnmatchcase(target, pattern)
        ]
        if not found:
            raise ValueError(f"no such campaign: {pattern}")
        chosen += found
    return [each for each in all_ if each in chosen]


def table(outcomes: Sequence[tuple[str, Outcome]]) -> str:
    """
    @return: the outcomes in columns, and below them what was found.
    """
    head = ("campaign", "result", "inputs", "per s", "MiB", "grown by", "time")
    rows = [head]
    for name, outcome in outcomes:
        rows.append(
            (
                name,
                "holds" if outcome.fault is None else "FAILS",
                f"{outcome.inputs:,}",
                f"{outcome.inputs / max(outcome.seconds, 1.0):,.0f}",
                f"{outcome.after:.0f}",
                f"{outcome.after - outcome.before:+.0f}",
                f"{outcome.seconds:.0f} s",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for name, outcome in outcomes:
        if outcome.fault is not None:
            lines.append(f"{name}: {outcome.fault}")
            if outcome.finding is not None:
                lines.append(
                    f"  the input is {outcome.finding}, what was said {outcome.finding}.log"
                )
    return "\n".join(lines)


def main(arguments: Sequence[str], directory: Path = DIRECTORY) -> int:
    """
    @param directory: for everything that the campaigns write.
    @return: the exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("pattern", nargs="*", help=f"TARGET or TARGET/MEANS; {NAMES}, {MEANS}")
    parser.add_argument("--seconds", type=int, default=30, help="how long each campaign takes")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time")
    options = parser.parse_args(arguments)
    try:
        chosen = choose(options.pattern)
    except ValueError as error:
        parser.error(str(error))
    minutes = math.ceil(len(chosen) / options.jobs) * (options.seconds + 5) / 60
    print(
        f"{len(chosen)} campaigns of {options.seconds} s, {options.jobs} at a time:"
        f" about {math.ceil(minutes)} minutes",
        file=sys.stderr,
        flush=True,
    )
    for means in filter(missing, MEANS):
        print(f"{means} is left out: {missing(means)}", file=sys.stderr, flush=True)
    for target in dict.fromkeys(target for target, _ in chosen):
        print(f"{target}: {load(target).what}", file=sys.stderr, flush=True)

    def run(campaign: Campaign) -> tuple[str, Outcome]:
        outcome = campaign.run()
        verdict = "holds" if outcome.fault is None else "FAILS"
        print(f"{campaign.name}: {verdict}", file=sys.stderr, flush=True)
        return campaign.name, outcome

    campaigns = [Campaign(*each, options.seconds, directory) for each in chosen]
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(run, campaigns))
    print(table(outcomes))
    return 0 if all(outcome.fault is None for _, outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

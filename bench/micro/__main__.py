"""Times the steps and compares them with the baseline: C{make bench-micro}."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.micro.baseline import cheapest, compare, load, save
from bench.micro.steps import steps
from bench.micro.timing import measure, microsecondsPerUnit

_BASELINE = Path(__file__).with_name("baseline.json")
#: How often a step that seems to have become dearer is timed again.
_DOUBTS = 3


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.micro", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make what was found the baseline")
    parser.add_argument("--baseline", type=Path, default=_BASELINE, help="the file")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """
    @return: the exit status: 1 if a step is dearer than the baseline allows.
    """
    options = _parse(arguments)
    baseline = load(options.baseline)
    with tempfile.TemporaryDirectory() as directory:
        every = dict(steps(Path(directory)))
        measured = measure(every)
        for _ in range(_DOUBTS):
            doubtful = [one.name for one in compare(measured, baseline) if one.isRegression]
            again = list(every) if options.write else doubtful
            measured = cheapest(measured, measure({name: every[name] for name in again}))
    unit = microsecondsPerUnit()
    compared = compare(measured, baseline)
    print("\n".join(one.line(unit) for one in compared))
    if options.write:
        save(options.baseline, measured)
        print(f"written to {options.baseline}")
        return 0
    dearer = [one.name for one in compared if one.isRegression]
    if dearer:
        print(f"more than 20 % dearer than the baseline: {', '.join(dearer)}", file=sys.stderr)
    return 1 if dearer else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

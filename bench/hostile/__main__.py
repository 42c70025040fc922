"""Runs the lines that are named, or all: C{python -m bench.hostile [LINE...]}; C{--help} names
them and says what can be chosen.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.hostile.course import Effort, run
from bench.hostile.lines import LINES
from bench.hostile.rows import Row, table
from bench.rowfile import load, merged, save


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("line", nargs="*", help=f"one of {', '.join(LINES)}; all without any")
    parser.add_argument("--seconds", type=float, help="how long a line attacks")
    parser.add_argument("--rate", type=float, help="questions in a second, in each way")
    parser.add_argument(
        "--json",
        type=Path,
        default=Path("build", "hostile.json"),
        help="where the rows go; other rows there stay",
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.line if name not in LINES]
    if unknown:
        parser.error(f"no such line: {', '.join(unknown)}")
    return options


def main(arguments: list[str]) -> int:
    """
    @return: the exit status: 1 if a line does not hold.
    """
    options = _parse(arguments)
    # An exception, so that servers and attackers are ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    effort = Effort()
    effort = replace(
        effort, seconds=options.seconds or effort.seconds, rate=options.rate or effort.rate
    )
    found: list[Row] = []
    for name in options.line or LINES:
        directory = Path(tempfile.mkdtemp(prefix=f"sipapp-{name}-"))
        try:
            row = run(name, directory, effort)
        except Exception as error:
            # The others are worth having.
            row = Row(name, LINES[name].what, faults=[f"{type(error).__name__}: {error}"])
        found.append(row)
        save(options.json, merged(load(options.json, Row), found))
        if row.reasons():
            verdict = f"FAILS; what was logged is in {directory}"
        else:
            verdict = "holds"
            shutil.rmtree(directory)
        print(f"{name}: {row.attack or 'no attack'}: {verdict}", file=sys.stderr, flush=True)
    print(table(found).forTerminal())
    return 1 if any(row.reasons() for row in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

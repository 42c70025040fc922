"""Runs the lines that are named, or both: C{python -m bench.xcap [answers] [updates]}."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.rowfile import save
from bench.table import Table
from bench.xcap import answers, updates
from bench.xcap.rows import (
    ANSWERS_FILE,
    UPDATES_FILE,
    answersTable,
    reasons,
    updatesTable,
)

#: How long one document is updated.
_SECONDS = 20.0


def _answers(directory: Path, options: argparse.Namespace) -> tuple[Table, bool]:
    """
    @return: what was found, and whether it is as it should be.
    """
    effort = answers.Effort()
    effort = replace(
        effort,
        rounds=options.rounds or effort.rounds,
        seconds=options.seconds or effort.seconds,
        rate=options.rate or effort.rate,
    )
    rows = answers.run(directory, effort)
    save(options.build / ANSWERS_FILE, rows)
    return answersTable(rows), not reasons(*rows)


def _updates(directory: Path, options: argparse.Namespace) -> tuple[Table, bool]:
    outcome = updates.run(directory, options.seconds or _SECONDS)
    save(options.build / UPDATES_FILE, [outcome])
    return updatesTable([outcome]), not outcome.faults


LINES: dict[str, Callable[[Path, argparse.Namespace], tuple[Table, bool]]] = {
    "answers": _answers,
    "updates": _updates,
}


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.xcap", description=__doc__)
    parser.add_argument("line", nargs="*", help=f"one of {', '.join(LINES)}; both without any")
    parser.add_argument("--rounds", type=int, help="how often each turn of answers comes")
    parser.add_argument("--seconds", type=float, help="of a turn of answers, or of updates")
    parser.add_argument("--rate", type=float, help="questions over SIP in a second, in each way")
    parser.add_argument("--build", type=Path, default=Path("build"), help="where the rows go")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.line if name not in LINES]
    if unknown:
        parser.error(f"no such line: {', '.join(unknown)}")
    return options


def main(arguments: list[str]) -> int:
    """
    @return: the exit status: 1 if something is not as it should be.
    """
    options = _parse(arguments)
    # An exception, so that servers and loads are ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    status = 0
    for name in options.line or LINES:
        directory = Path(tempfile.mkdtemp(prefix=f"sipapp-{name}-"))
        table, isGood = LINES[name](directory, options)
        print(table.forTerminal(), end="\n\n", flush=True)
        if isGood:
            shutil.rmtree(directory)
        else:
            print(f"{name}: what was logged is in {directory}", file=sys.stderr, flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

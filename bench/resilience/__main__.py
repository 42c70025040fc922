"""Runs the lines that are named, or all, and prints what they found.

C{python -m bench.resilience [LINE...]}; C{--help} names the lines and what can be chosen.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.resilience import underload
from bench.resilience.badreloads import badReloads
from bench.resilience.connections import connections
from bench.resilience.outcome import Outcome, Row, table
from bench.resilience.soak import soak


@dataclass(frozen=True)
class Line:
    """Something that the server has to survive."""

    what: str
    load: Callable[[argparse.Namespace], str]
    run: Callable[[Path, argparse.Namespace], Outcome]


def _calls(options: argparse.Namespace) -> str:
    return f"{options.rate} calls/s for {options.seconds:g} s"


LINES = {
    "kill": Line(
        "a worker of four killed every second",
        _calls,
        lambda directory, options: underload.kill(directory, options.rate, options.seconds),
    ),
    "renew": Line(
        "every worker over its memory limit",
        _calls,
        lambda directory, options: underload.renew(directory, options.rate, options.seconds),
    ),
    "reload": Line(
        "SIGHUP every 3 s",
        _calls,
        lambda directory, options: underload.reload(directory, options.rate, options.seconds),
    ),
    "resize": Line(
        "a pool of 2, 4, 1, 3 workers, 3 s each",
        _calls,
        lambda directory, options: underload.resize(directory, options.rate, options.seconds),
    ),
    "exec": Line(
        "SIGUSR2 every 5 s",
        _calls,
        lambda directory, options: underload.exec_(directory, options.rate, options.seconds),
    ),
    "connections": Line(
        "five reloads, then a call to each phone",
        lambda options: f"{options.connections} TCP connections",
        lambda directory, options: connections(directory, options.connections, 5),
    ),
    "badreloads": Line(
        "broken file, certificate, port, resource",
        _calls,
        lambda directory, options: badReloads(directory, options.rate, options.seconds),
    ),
    "soak": Line(
        "memory, descriptors, transactions",
        lambda options: f"{options.rate} calls/s for {options.minutes:g} min",
        lambda directory, options: soak(directory, options.rate, 60 * options.minutes),
    ),
}


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.resilience", description=__doc__)
    parser.add_argument("line", nargs="*", help=f"one of {', '.join(LINES)}; all without any")
    parser.add_argument("--rate", type=int, default=150, help="calls begun in a second")
    parser.add_argument("--seconds", type=float, default=30, help="how long a line disturbs")
    parser.add_argument("--connections", type=int, default=1000, help="phones over TCP")
    parser.add_argument("--minutes", type=float, default=30, help="how long the soak takes")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.line if name not in LINES]
    if unknown:
        parser.error(f"no such line: {', '.join(unknown)}")
    return options


def main(arguments: list[str]) -> int:
    """
    @return: the exit status: 1 if a line fails.
    """
    options = _parse(arguments)
    rows = []
    for name in options.line or LINES:
        line = LINES[name]
        directory = Path(tempfile.mkdtemp(prefix=f"sipapp-{name}-"))
        try:
            outcome = line.run(directory, options)
        except Exception as error:
            outcome = Outcome(faults=[f"{type(error).__name__}: {error}"])
        if outcome.holds:
            shutil.rmtree(directory)
        else:
            outcome.faults.append(f"what was logged is in {directory}")
        rows.append(Row(name, line.what, line.load(options), outcome))
        print(f"{name}: {'holds' if outcome.holds else 'FAILS'}", file=sys.stderr, flush=True)
    print(table(rows))
    return 0 if all(row.outcome.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

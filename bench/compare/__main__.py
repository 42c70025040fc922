"""Compares sipapp with Kamailio: C{make bench}, C{make bench-quick}; C{--help} says what can be
chosen.
"""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from dataclasses import replace
from pathlib import Path

from bench.compare.cell import compare
from bench.compare.contender import QUICK, Effort
from bench.compare.idle import IDLE, compareIdle
from bench.compare.rows import Row
from bench.compare.scenarios import SCENARIOS
from bench.compare.selection import Cell, everything, quick, select
from bench.compare.servers import Wanted, program
from bench.compare.tables import secondWorker, tables
from bench.rowfile import load, merged, save


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument(
        "only",
        nargs="*",
        metavar="SCENARIO/TRANSPORT/WORKERS/SERVER",
        help="what to run, such as call/udp or */udp/1/sipapp; everything without any",
    )
    parser.add_argument("--quick", action="store_true", help="UDP, one worker, a few minutes")
    parser.add_argument("--rounds", type=int, help="rounds in which processor time is measured")
    parser.add_argument("--load", type=float, help="a factor for the rates of that")
    parser.add_argument("--cpu", action="store_true", help="processor time and memory alone")
    parser.add_argument("--json", type=Path, help="where the rows go; other rows there stay")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """
    @return: the exit status: 1 if there is nothing to run, nothing to run it with, or a cell fails.
    """
    options = _parse(arguments)
    # An exception, so that servers and clients are ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cells = select(quick() if options.quick else everything(), options.only)
    missing = _missing(cells) if cells else ["nothing of what there is matches"]
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 1
    effort = QUICK if options.quick else Effort()
    effort = replace(
        effort,
        rounds=options.rounds or effort.rounds,
        load=options.load or effort.load,
        steps=0 if options.cpu else effort.steps,
    )
    file = options.json or Path("build", "bench-quick.json" if options.quick else "bench.json")
    found: list[Row] = []
    status = 0
    for cell in cells:
        _say(f"{cell.scenario}/{cell.transport}/{cell.workers}")
        try:
            found += _run(cell, effort)
        except Exception:
            # The others are worth having, the more so after an hour.
            traceback.print_exc()
            status = 1
        save(file, merged(load(file, Row), found))
    _write(found)
    return status


def _run(cell: Cell, effort: Effort) -> list[Row]:
    if cell.scenario in IDLE:
        wanted = Wanted(cell.transport, cell.workers, connections=IDLE[cell.scenario])
        return compareIdle(cell.scenario, wanted, cell.servers, effort.idle, _say)
    accounts = SCENARIOS[cell.scenario].accounts
    wanted = Wanted(cell.transport, cell.workers, accounts=accounts)
    return compare(cell.scenario, wanted, cell.servers, effort, _say)


def _write(found: list[Row]) -> None:
    print("\n\n".join(table.forTerminal() for table in tables(found)))
    marks = list(secondWorker(found))
    if marks:
        print("", *marks, sep="\n")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _missing(cells: list[Cell]) -> list[str]:
    """
    @return: what has to be installed first.
    """
    names = {"sipp"}
    if any(server.startswith("kamailio") for cell in cells for server in cell.servers):
        names.add("kamailio")
    missing = []
    for name in sorted(names):
        try:
            program(name)
        except LookupError as error:
            missing.append(str(error))
    return missing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

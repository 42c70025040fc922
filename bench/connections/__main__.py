"""Has many phones register over TCP and stay, and calls go through their connections meanwhile:
C{python -m bench.connections}."""

from __future__ import annotations

import argparse
import resource
import shutil
import signal
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from bench.connections.rows import FILE, Row, faults, table
from bench.connections.run import Effort, run
from bench.rowfile import load, merged, save

_HELP = {
    "connections": "how many phones",
    "workers": "processes of the server that hold them",
    "rate": "calls in a second",
    "seconds": "for which calls are made",
    "interval": "seconds between two keep-alives of a phone",
}


def _parse(arguments: list[str]) -> tuple[Effort, Path]:
    parser = argparse.ArgumentParser(
        prog="python -m bench.connections",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for each in fields(Effort):
        kind = type(each.default)
        parser.add_argument(
            f"--{each.name}", type=kind, default=each.default, help=_HELP[each.name]
        )
    parser.add_argument("--build", type=Path, default=Path("build"), help="where the rows go")
    options = vars(parser.parse_args(arguments))
    build = options.pop("build")
    for name, value in options.items():
        if value <= 0:
            parser.error(f"--{name} {value:g}: it has to be more than nothing")
    return Effort(**options), build


def main(arguments: list[str]) -> int:
    """
    @return: the exit status: 1 if something is not as it should be.
    """
    effort, build = _parse(arguments)
    # The server and the phones inherit it.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # An exception, so that the server and the phones are ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    directory = Path(tempfile.mkdtemp(prefix="sipapp-connections-"))
    row = run(directory, effort)
    save(build / FILE, merged(load(build / FILE, Row), [row]))
    print(table(row).forTerminal(), flush=True)
    if faults(row):
        print(f"what was logged is in {directory}", file=sys.stderr, flush=True)
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

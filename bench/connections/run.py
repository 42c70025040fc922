"""One run: a server, as many processes of phones as their connections need, and calls."""

from __future__ import annotations

import json
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.connections.phones import Order, Report
from bench.connections.rows import Row, Share
from bench.usage import Usage
from tests.support import netsockets
from tests.support.configuration import Configuration
from tests.support.server import Server
from tests.support.siptext import Address

#: Files that a process of phones has open besides connections.
_SPARE = 100


@dataclass(frozen=True)
class Effort:
    """How much is done.

    @ivar workers: how many of the server hold the connections. @ivar rate: calls in a second.
    @ivar seconds: for which calls are made. @ivar interval: seconds between two keep-alives of a
        phone.
    """

    connections: int = 50_000
    workers: int = 4
    rate: float = 50.0
    seconds: float = 600.0
    interval: float = 30.0


def run(directory: Path, effort: Effort) -> Row:
    """
    @param directory: for the server.
    """
    unused = directory / "unused.pem"
    configuration = Configuration(directory, unused, unused)
    limits = dict.fromkeys(("connections", "connections_per_address"), effort.connections)
    endpoint = configuration.listen("tcp", workers=effort.workers, limits=limits)
    with ExitStack() as cleanUp:
        server = Server(configuration)
        cleanUp.callback(server.end)
        server.awaitReady()
        workers = server.workers()
        empty = {name: _privateMiB(pid) for name, pid in workers.items()}
        began = time.monotonic()
        phones = _Processes(endpoint.address, effort)
        cleanUp.callback(phones.end)
        registered = phones.registered()
        registering = time.monotonic() - began
        before = Usage(server.pid)
        phones.call()
        time.sleep(effort.seconds)
        now = Usage(server.pid)
        spent = now.eachSince(before)
        connections = {each.inode for each in netsockets.connections(endpoint.port)}
        shares = [
            Share(
                name,
                len(connections & netsockets.inodes(pid)),
                _privateMiB(pid),
                _privateMiB(pid) - empty[name],
                spent.get(pid, 0.0) / (now.at - before.at),
            )
            for name, pid in workers.items()
        ]
        seconds = time.monotonic() - before.at
        reports = phones.finish()
    return _row(effort, registered, registering, seconds, reports, shares)


class _Processes:
    """The processes of phones, each with a source address of its own: a process may open so many
    files, and an address has so many ports."""

    def __init__(self, server: Address, effort: Effort) -> None:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE
        count = max(2, -(-effort.connections // most))
        sources = {
            f"127.0.1.{number + 1}": len(range(number, effort.connections, count))
            for number in range(count)
        }
        self._processes = [
            self._start(Order(source, sources, server, effort.interval, effort.rate / count))
            for source in sources
        ]

    @staticmethod
    def _start(order: Order) -> subprocess.Popen[bytes]:
        # A group of its own: who interrupts the run ends it here.
        return subprocess.Popen(
            [sys.executable, "-m", "bench.connections.phones", json.dumps(asdict(order))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )

    def registered(self) -> int:
        """Wait until all have tried.

        @return: how many could.
        """
        return sum(self._said(process)["registered"] for process in self._processes)

    def call(self) -> None:
        """Have them make calls from now on."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()

    def finish(self) -> list[Report]:
        """Have them end, and wait for what they have to say."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        return [Report(**self._said(process)) for process in self._processes]

    @staticmethod
    def _said(process: subprocess.Popen[bytes]) -> dict[str, Any]:
        assert process.stdout is not None
        facts: dict[str, Any] = json.loads(process.stdout.readline())
        return facts

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def _row(
    effort: Effort,
    registered: int,
    registering: float,
    seconds: float,
    reports: Sequence[Report],
    shares: Sequence[Share],
) -> Row:
    waits = sorted(1000 * wait for report in reports for wait in report.waits)
    percent = statistics.quantiles(waits, n=100) if len(waits) > 1 else [None] * 99
    return Row(
        wanted=effort.connections,
        registered=registered,
        registering=registering,
        seconds=seconds,
        rate=effort.rate,
        interval=effort.interval,
        pings=sum(each.pings for each in reports),
        pongs=sum(each.pongs for each in reports),
        closed=sum(each.closed for each in reports),
        calls=sum(each.made for each in reports),
        failed=sum(each.failed for each in reports),
        p50_ms=percent[49],
        p99_ms=percent[98],
        longest_ms=waits[-1] if waits else None,
        reasons=[reason for each in reports for reason in each.reasons][:10],
        shares=[asdict(each) for each in shares],
    )


def _privateMiB(pid: int) -> float:
    """
    @return: what would come free if the process ended: what it shares with others is not its own.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE)
    return sum(map(int, found)) / 1024

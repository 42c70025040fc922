"""Connections that do nothing: what they take of memory, and what keeping them alive costs."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.compare.rows import Row
from bench.compare.servers import SERVERS, Wanted, workingDirectory
from bench.usage import Usage, residentMiB
from tests.support.siptext import Address

#: Connections of the scenarios, by name.
IDLE = {"idle-5000": 5_000, "idle-50000": 50_000}
#: Seconds between two keep-alives of a phone.
_INTERVAL = 30.0
#: Seconds until a server has done what the registrations left it to do: transactions included.
_SETTLING = 3.0
#: Descriptors that a process of phones needs for anything else.
_SPARE = 100

Say = Callable[[str], None]


def compareIdle(
    scenario: str, wanted: Wanted, names: Sequence[str], seconds: float, say: Say
) -> list[Row]:
    """One server after the other holds the connections.

    @param seconds: how long they are watched at rest.
    """
    rows = []
    for name in names:
        with workingDirectory() as directory:
            rows.append(_measure(scenario, wanted, name, directory, seconds))
        say(f"  {name}: {rows[-1].note}")
    return rows


def _measure(scenario: str, wanted: Wanted, name: str, directory: Path, seconds: float) -> Row:
    server = SERVERS[name](directory, wanted)
    with ExitStack() as cleanUp:
        cleanUp.callback(server.end)
        empty = residentMiB(server.pid)
        phones = PhoneProcesses(server.address, wanted.connections)
        cleanUp.callback(phones.end)
        registered = phones.registered()
        time.sleep(_SETTLING)
        full = residentMiB(server.pid)
        before = Usage(server.pid)
        time.sleep(seconds)
        now = Usage(server.pid)
        pings, pongs, closed = phones.finish()
    each = (full - empty) * 1024 / registered if registered else None
    busy = now.since(before)
    # A server that is full is not at rest: others knock.
    atRest = registered == wanted.connections
    return Row(
        scenario,
        wanted.transport,
        wanted.workers,
        name,
        cpu_us=busy * 1e6 / (registered / _INTERVAL * seconds) if atRest else None,
        rss_mib=full,
        failed=wanted.connections - registered + closed,
        kib_per_connection=each,
        cpu_percent=100 * busy / (now.at - before.at) if atRest else None,
        note=_note(wanted.connections, registered, closed, pings - pongs),
    )


def _note(wanted: int, registered: int, closed: int, unanswered: int) -> str:
    said = [f"{registered:,} connections"]
    if registered < wanted:
        said[0] += f" of {wanted:,}: it takes no more here"
    if closed:
        said.append(f"{closed:,} closed by the server")
    if unanswered > 1 + registered / 100:
        said.append(f"{unanswered:,} keep-alives without an answer")
    return ", ".join(said)


class PhoneProcesses:
    """As many processes as are needed: each may open so many files, from an address of its own."""

    def __init__(self, server: Address, connections: int) -> None:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE
        count = -(-connections // most)
        self._processes = []
        for number in range(count):
            share = len(range(number, connections, count))
            arguments = [f"127.0.1.{number + 1}", str(share), str(_INTERVAL), *map(str, server)]
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "bench.compare.phones", *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    process_group=0,
                )
            )

    def registered(self) -> int:
        """Wait until all have tried.

        @return: how many could.
        """
        return sum(self._said(process)["registered"] for process in self._processes)

    def finish(self) -> tuple[int, int, int]:
        """
        @return: keep-alives sent, those that were answered, and connections that the server closed.
        """
        pings = pongs = closed = 0
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in self._processes:
            said = self._said(process)
            pings, pongs = pings + said["pings"], pongs + said["pongs"]
            closed += said["closed"]
            process.wait()
        return pings, pongs, closed

    @staticmethod
    def _said(process: subprocess.Popen[bytes]) -> dict[str, int]:
        assert process.stdout is not None
        facts: dict[str, int] = json.loads(process.stdout.readline())
        return facts

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

"""Lines that disturb a server under sipp's calls: killed workers, workers that are renewed for
their memory, reloads, resizes, re-execs."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.resilience.load import Load
from bench.resilience.outcome import Outcome
from bench.resilience.stage import Ended, checkRuns, every, makeConfiguration, running
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.processes import sendSignal
from tests.support.server import Server

#: Seconds that a new generation of workers may take to be the only one.
_TAKEOVER = 60.0

Disturbance = Callable[[Server, int], None]


def kill(directory: Path, rate: int, seconds: float) -> Outcome:
    """One of four workers killed each second, one slot after the other."""
    return _run(directory, rate, seconds, 1.0, _killOne, afterwards=_allReplaced)


def renew(directory: Path, rate: int, seconds: float, workers: int = 4) -> Outcome:
    """Every worker is over its memory limit from the start: the parent renews one after the other,
    whenever it looks, which is every five seconds. By then the last one has to have left."""
    return _run(
        directory,
        rate,
        seconds,
        5.0,
        lambda server, number: None,
        workers=workers,
        tables={"pools": {"memory_limit": 1}, "server": {"drain_timeout": 2.0}},
        afterwards=_allRenewed,
    )


def reload(directory: Path, rate: int, seconds: float) -> Outcome:
    return _run(directory, rate, seconds, 3.0, _hangUp, afterwards=_allNew)


def resize(directory: Path, rate: int, seconds: float) -> Outcome:
    sizes = [2, 4, 1, 3]
    return _run(
        directory,
        rate,
        seconds,
        3.0,
        partial(_resize, sizes),
        workers=sizes[0],
        afterwards=_hasSizeOf(sizes),
    )


def exec_(directory: Path, rate: int, seconds: float) -> Outcome:
    return _run(directory, rate, seconds, 5.0, _execAgain, afterwards=_allNew)


def _run(
    directory: Path,
    rate: int,
    seconds: float,
    period: float,
    disturbance: Disturbance,
    *,
    workers: int = 4,
    tables: Mapping[str, dict[str, Any]] | None = None,
    afterwards: Callable[[Server, list[int], int], None] | None = None,
) -> Outcome:
    """Calls for some time, a disturbance in every period.

    @param tables: what the configuration has beyond the defaults.
    @param afterwards: told the server, the children it had at first and how often it was disturbed;
        raises if that has had no effect.
    """
    configuration = makeConfiguration(directory)
    configuration.listen("udp", workers=workers)
    for name, keys in (tables or {}).items():
        configuration.table(name, **keys)
    with running(configuration) as server:
        before = server.children()
        load = Load(configuration.directory, server.endpoint("udp"), rate, seconds + period)
        problems = []
        try:
            times = every(period, seconds, partial(_disturb, server, disturbance))
            if afterwards is not None:
                afterwards(server, before, times)
        except (Ended, TimeoutError) as error:
            problems.append(str(error))
        if server.program.status is not None:
            load.end()
            return Outcome(faults=problems)
        outcome = load.finish()
        outcome.faults += problems
        return outcome


def _disturb(server: Server, disturbance: Disturbance, number: int) -> None:
    checkRuns(server)
    disturbance(server, number)


def _killOne(server: Server, number: int) -> None:
    """Slot after slot; one that is being refilled has no worker to kill, then it is the next that
    has. A machine that needs seconds to start a worker is given them: half of the workers are left,
    or there would be nobody to call."""
    turn = number % len(server.workers())

    def serving() -> list[int]:
        checkRuns(server)
        states = server.states()
        slots = sorted(server.workers().items())
        pids = [pid for name, pid in slots[turn:] + slots[:turn] if states[name] == "ready"]
        return pids if len(pids) > len(slots) / 2 else []

    pid = waitFor(serving, "a worker to kill")[0]
    sendSignal(pid, signal.SIGKILL)
    waitFor(lambda: pid not in server.workers().values(), f"the end of {pid}")


def _allReplaced(server: Server, before: list[int], times: int) -> None:
    """Each kill has hit, but for those that came while no worker was there."""

    def back() -> bool:
        checkRuns(server)
        states = json.loads(server.workersFile.read_text())
        restarts = sum(row["restarts"] for row in states)
        return restarts >= 0.9 * times and all(row["state"] == "ready" for row in states)

    waitFor(back, f"{times} workers that have replaced another", _TAKEOVER)


def _allRenewed(server: Server, before: list[int], times: int) -> None:
    _allNew(server, before, times)
    log = server.output()
    for name in server.workers():
        if f"{name} is over its memory limit" not in log:
            raise Ended(f"{name} was not renewed")
        if f"{name} has crashed" in log:
            raise Ended(f"{name} has crashed")


def _hangUp(server: Server, number: int) -> None:
    server.program.signal(signal.SIGHUP)


def _execAgain(server: Server, number: int) -> None:
    server.program.signal(signal.SIGUSR2)


def _resize(sizes: list[int], server: Server, number: int) -> None:
    configuration: Configuration = server.configuration
    configuration.blocks[0]["socket_workers"] = sizes[(number + 1) % len(sizes)]
    configuration.write()
    server.program.signal(signal.SIGHUP)


def _allNew(server: Server, before: list[int], times: int) -> None:
    def replaced() -> bool:
        checkRuns(server)
        now = server.children()
        return len(now) == len(before) and not set(now) & set(before)

    waitFor(replaced, "as many workers as before, all of them new", _TAKEOVER)


def _hasSizeOf(sizes: list[int]) -> Callable[[Server, list[int], int], None]:
    def check(server: Server, before: list[int], times: int) -> None:
        size = sizes[times % len(sizes)]

        def fits() -> bool:
            checkRuns(server)
            return len(server.children()) == size and not set(server.children()) & set(before)

        waitFor(fits, f"{size} workers, all of them new", _TAKEOVER)

    return check

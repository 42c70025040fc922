"""The line about time: calls for long, and what the workers have of that in the end."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections import defaultdict
from pathlib import Path

from bench.resilience.load import Load
from bench.resilience.outcome import Outcome
from bench.resilience.stage import Ended, checkRuns, makeConfiguration, running
from tests.support.server import Server

#: Seconds between two looks at the workers.
_INTERVAL = 2.0
#: Seconds of a call.
_CALL = 6.0
#: How many times the length of a call and of what is remembered of it (Timer J, RFC 3261 §17.2.2)
#: pass until as much is forgotten as begins, with a margin.
_ROUNDS = 1.6
#: What the memory of a worker may grow by from the first half after the warm-up to the second, as a
#: part of the whole: the allocator's noise.
_GROWTH = 0.03
#: Seconds beyond Timer J until no timer of a transaction runs.
_MARGIN = 3.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


def soak(directory: Path, rate: int, seconds: float, t1: float = 0.5) -> Outcome:
    """
    @param seconds: how long calls are begun, the warm-up included.
    @param t1: of the server. Most is remembered for 64 times as long, so a small one makes the
        warm-up short.
    """
    remembered = 64 * t1
    warmUp = _ROUNDS * (_CALL + remembered)
    if seconds < 1.3 * warmUp:
        raise ValueError(f"the memory is not steady before {warmUp:g} s: soak for longer")
    configuration = makeConfiguration(directory)
    configuration.table("sip", t1=t1, t2=8 * t1)
    configuration.listen("udp", workers=2)
    begun = time.monotonic()
    with running(configuration) as server:
        watch = Watch(server)
        load = Load(configuration.directory, server.endpoint("udp"), rate, seconds)
        try:
            while time.monotonic() < begun + seconds and load.isRunning:
                checkRuns(server)
                if time.monotonic() > begun + warmUp:
                    watch.look()
                time.sleep(_INTERVAL)
        except Ended as error:
            load.end()
            return Outcome(faults=[str(error)])
        outcome = load.finish()
        time.sleep(remembered + _MARGIN)
        outcome.faults += watch.leaks()
        server.stop()
        outcome.faults += _leftTransactions(server)
        outcome.seconds = time.monotonic() - begun
        return outcome


class Watch:
    """What the kernel says of the workers' memory and descriptors."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._pids = server.workers()
        self._memory: dict[str, list[int]] = defaultdict(list)
        self._descriptors = {name: _descriptors(pid) for name, pid in self._pids.items()}

    def look(self) -> None:
        for name, pid in self._pids.items():
            self._memory[name].append(_resident(pid))

    def leaks(self) -> list[str]:
        """
        @return: what has grown, when there are no calls any more.
        """
        if self._server.workers() != self._pids:
            return ["workers have been replaced"]
        found = []
        for name, pid in self._pids.items():
            samples = self._memory[name]
            half = len(samples) // 2
            early, late = (statistics.median(part) for part in (samples[:half], samples[half:]))
            if late > early * (1 + _GROWTH):
                found.append(f"{name}: memory grew from {early / 1e6:.1f} to {late / 1e6:.1f} MB")
            descriptors = _descriptors(pid)
            if descriptors > self._descriptors[name]:
                found.append(f"{name}: {self._descriptors[name]} descriptors, now {descriptors}")
        return found


def _leftTransactions(server: Server) -> list[str]:
    """Each worker says it in its last words."""
    said = re.findall(r"(Ends with (\d+) server and (\d+) client transactions)", server.output())
    if not said:
        return ["no worker has said how many transactions it has left"]
    return [whole for whole, servers, clients in said if (servers, clients) != ("0", "0")]


def _resident(pid: int) -> int:
    """
    @return: bytes of memory that the process has of its own and shares.
    """
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * _PAGE


def _descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))

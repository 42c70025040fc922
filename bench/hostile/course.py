"""The course of a line: a server, a good client, an attack, and what is left of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.compare.search import quantile
from bench.hostile.attacker import Attacker
from bench.hostile.attacks import Target
from bench.hostile.goodclient import Answers, GoodClient, Way, waysTo
from bench.hostile.lines import LINES
from bench.hostile.rows import Row, isBack
from bench.usage import descriptors, residentMiB
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.server import Server

#: Where the good client asks from.
_GOOD = "127.0.0.1"
#: Seconds in which it has to answer everything afterwards.
_AFTER = 1.0


@dataclass(frozen=True)
class Effort:
    """How long a line takes.

    @ivar seconds: how long is attacked.
    @ivar rate: questions of the good client in a second, in each way.
    @ivar warmUp: seconds in which it asks before the attack, so that what is made at the first use
        is there.
    @ivar memory: seconds that the memory may take to be back. RFC 3261 §17.2.2 has the answer to a
        request remembered for 32 s.
    """

    seconds: float = 20.0
    rate: float = 20.0
    warmUp: float = 5.0
    memory: float = 60.0


def run(name: str, directory: Path, effort: Effort) -> Row:
    """Run a line.

    @param directory: an empty one, for everything that it writes.
    """
    authority = CertificateAuthority(directory)
    configuration = Configuration(directory, *authority.issue("localhost", "127.0.0.1"))
    # Whoever shares a worker with the attack has the worst of it, so there is but one of each.
    configuration.tcpChildren = 1
    # Addresses of loopback are spared otherwise; and this one stands for many clients.
    configuration.table("sources", exempt=[_GOOD])
    target = Target(
        udp=configuration.listen("udp", workers=1).address,
        tcp=configuration.listen("tcp").address,
        tls=configuration.listen("tls").address,
    )
    ways = waysTo(target, authority.clientContext())
    server = Server(configuration)
    try:
        server.awaitReady()
        _ask(ways, effort.rate, effort.warmUp)
        before = _Trace(server)
        with Attacker(name, target) as attacker:
            client = GoodClient(ways, effort.rate)
            try:
                attacker.begun()
                time.sleep(effort.seconds)
                during = _Trace(server)
                attack = attacker.finish()
            finally:
                answers = client.finish()
        after = _forgotten(server, before, effort.memory)
        faults = after.changesSince(before)
        # It is not enough to be there: it has to answer.
        faults += [f"afterwards: {reason}" for reason in _lost(_ask(ways, effort.rate, _AFTER))]
    finally:
        server.end()
    return _row(name, answers, (before, during, after), attack, faults)


class _Trace:
    """What the kernel says of a server at one moment.

    @ivar memory: of all its processes, in MiB.
    """

    def __init__(self, server: Server) -> None:
        self.workers = server.workers()
        self.memory = residentMiB(server.pid)
        self.descriptors = descriptors(server.pid)

    def isBackAt(self, earlier: _Trace) -> bool:
        return isBack(earlier.memory, self.memory) and self.descriptors <= earlier.descriptors

    def changesSince(self, earlier: _Trace) -> list[str]:
        """
        @return: what should be as it was, and is not, but for the memory.
        """
        changes = []
        if self.workers != earlier.workers:
            changes.append("workers have been replaced")
        if self.descriptors > earlier.descriptors:
            changes.append(f"{earlier.descriptors} descriptors were open, now {self.descriptors}")
        return changes


def _forgotten(server: Server, before: _Trace, seconds: float) -> _Trace:
    """
    @return: how the server is when the attack is forgotten, at the latest after so many seconds.
    """
    latest = before

    def isBack() -> bool:
        nonlocal latest
        latest = _Trace(server)
        return latest.isBackAt(before)

    with contextlib.suppress(TimeoutError):
        waitFor(isBack, "the memory of before", seconds)
    return latest


def _ask(ways: Mapping[str, Way], rate: float, seconds: float) -> dict[str, Answers]:
    client = GoodClient(ways, rate)
    time.sleep(seconds)
    return client.finish()


def _lost(answers: Mapping[str, Answers]) -> list[str]:
    """
    @return: for each way in which something was lost, the first reason.
    """
    return [f"{name}: {found.lost[0]}" for name, found in answers.items() if found.lost]


def _row(
    name: str,
    answers: Mapping[str, Answers],
    traces: tuple[_Trace, _Trace, _Trace],
    attack: str,
    faults: list[str],
) -> Row:
    times = sorted((time * 1e3, way) for way, found in answers.items() for time in found.times)
    ordered = [time for time, _ in times]
    lost = sum(len(found.lost) for found in answers.values())
    before, during, after = (trace.memory for trace in traces)
    return Row(
        name,
        LINES[name].what,
        asked=len(ordered) + lost,
        lost=lost,
        p50_ms=quantile(ordered, 0.5),
        p99_ms=quantile(ordered, 0.99),
        longest_ms=times[-1][0] if times else None,
        longest=times[-1][1] if times else "",
        before_mib=before,
        during_mib=during,
        after_mib=after,
        attack=attack,
        faults=[*_lost(answers), *faults],
    )

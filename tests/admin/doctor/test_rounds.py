"""The doctor of a server that runs."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, LogLevel, capturedLogs, formatEvent

from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.rounds import Rounds
from tests.admin.doctor.surroundings import build, demand, host

NETSTAT = "/proc/net/netstat"
OVERFLOWS = "TcpExt: ListenOverflows ListenDrops\nTcpExt: {0} {0}\n"


class Patient:
    """A server that a doctor looks at once a minute."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = Clock()
        self.rounds = Rounds(self.demand, self.clock, lambda: host(root), inThread=maybeDeferred)

    def demand(self) -> Demand:
        return demand()

    def minute(self, changes: dict[str, str] | None = None) -> list[str]:
        """
        @return: what is logged in a minute that begins with these changes.
        """
        build(self.root, changes)
        with capturedLogs() as events:
            self.clock.advance(60)
        return [_text(event) for event in events]


def _text(event: LogEvent) -> str:
    assert event["log_level"] == LogLevel.warn
    return formatEvent(event)


def test_whatIsNew(tmp_path: Path) -> None:
    """Said once, and again when there is more of it; not what was there at the start."""
    build(tmp_path, {NETSTAT: OVERFLOWS.format(50)})
    patient = Patient(tmp_path)
    with capturedLogs() as events:
        patient.rounds.startService()
    assert events == []
    assert patient.rounds.report is not None
    assert [each.name for each in patient.rounds.report.findings] == ["accept-overflows"]
    worse = {NETSTAT: OVERFLOWS.format(60)}
    (line,) = patient.minute(worse)
    assert line.startswith("The doctor finds accept-overflows: ListenOverflows = 60 since boot;")
    assert patient.minute(worse) == []
    assert patient.minute({}) == []
    assert len(patient.minute(worse)) == 1
    patient.rounds.stopService()
    assert patient.minute({NETSTAT: OVERFLOWS.format(70)}) == []


def test_notesAreNoNews(tmp_path: Path) -> None:
    patient = Patient(build(tmp_path))
    patient.rounds.startService()
    assert patient.minute({NETSTAT: OVERFLOWS.format(3)}) == []
    assert patient.rounds.report is not None
    assert patient.rounds.report.worst == "note"
    patient.rounds.stopService()


def test_failure(tmp_path: Path) -> None:
    """Is logged, and he comes back a minute later."""
    patient = Patient(build(tmp_path))
    patient.rounds.startService()
    build(tmp_path, {NETSTAT: "TcpExt: A\nTcpExt: much\n"})
    with capturedLogs() as events:
        patient.clock.advance(60)
    (event,) = events
    assert event["log_failure"].check(ValueError)
    assert len(patient.minute({NETSTAT: OVERFLOWS.format(60)})) == 1
    patient.rounds.stopService()


def test_stopWaitsForTheRound(tmp_path: Path) -> None:
    build(tmp_path)
    running: Deferred[object] = Deferred()
    rounds = Rounds(demand, Clock(), lambda: host(tmp_path), inThread=lambda *_: running)
    rounds.startService()
    ended = rounds.stopService()
    assert ended is not None
    assert not ended.called
    running.errback(OSError())
    assert ended.called

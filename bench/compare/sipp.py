"""sipp as a subprocess, and what it says of a run."""

from __future__ import annotations

import csv
import re
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.compare.servers import program
from tests.support.processes import Program
from tests.support.siptext import Address

_SCENARIOS = Path(__file__).with_name("sipp")
#: Seconds that sipp may take beyond the time that its calls need, until it is ended.
_PATIENCE = 10
#: How a final response begins, but for a challenge.
_FINAL = re.compile(r"SIP/2\.0 (?!401|407)[2-6]")
#: Seconds that a sipp waits for calls at most.
_WAITING = 600


@dataclass(frozen=True)
class Report:
    """What sipp says of a run.

    @ivar created: calls, in sipp's words: one transaction where the scenario has only that.
    @ivar seconds: from the begin of the first to the end of the last.
    @ivar answers: milliseconds from request to answer, one for each call, in order of size.
    """

    created: int
    failed: int
    retransmissions: int
    seconds: float
    answers: Sequence[float] = ()

    @classmethod
    def ofAll(cls, reports: Sequence[Report]) -> Report:
        """
        @param reports: of clients that have run at the same time.
        """
        return cls(
            created=sum(report.created for report in reports),
            failed=sum(report.failed for report in reports),
            retransmissions=sum(report.retransmissions for report in reports),
            seconds=max(report.seconds for report in reports),
            answers=sorted(time for report in reports for time in report.answers),
        )

    def answeredBy(self, other: Report) -> Report:
        """
        @param other: of who was called.
        @return: this one, with what went wrong there. A call that failed at both ends is one.
        """
        return replace(
            self,
            failed=max(self.failed, other.failed),
            retransmissions=self.retransmissions + other.retransmissions,
        )


class SIPp:
    """One run of sipp."""

    def __init__(
        self,
        directory: Path,
        scenario: str,
        *,
        local: Address,
        mode: str,
        server: Address | None = None,
        calls: int | None = None,
        rate: float = 0.0,
        limit: int = 100_000,
        users: Path | None = None,
        run: int = 1,
        callID: str | None = None,
        traced: bool = False,
    ) -> None:
        """
        @param directory: where its files go; those of the last run are replaced.
        @param scenario: which file in C{sipp/}.
        @param mode: sipp's C{-t}: u1 (one socket) or t1 (one connection).
        @param server: where the messages go; C{None} for a scenario that waits for them.
        @param calls: how many; C{None} for as many as come.
        @param rate: calls begun in a second.
        @param limit: how many calls may be open at once: sipp begins no more while there are.
        @param run: what stands for C{[run]} in the scenario.
        @param callID: a pattern for Call-IDs, with C{%u} for the number of the call.
        @param traced: whether each answer time is wanted.
        """
        self.calls = calls
        self._deadline = _PATIENCE + (calls / rate if calls else _WAITING)
        self._statistics = directory / f"{scenario}.csv"
        self._statistics.unlink(missing_ok=True)
        arguments = [program("sipp"), "-sf", str(_SCENARIOS / f"{scenario}.xml"), "-t", mode]
        arguments += ["-i", local[0], "-p", str(local[1]), "-nostdin", "-timer_resol", "1"]
        arguments += ["-trace_stat", "-stf", str(self._statistics), "-fd", "1"]
        arguments += ["-timeout", f"{self._deadline:.0f}", "-l", str(limit)]
        arguments += ["-key", "run", str(run), "-buff_size", "4194304"]
        # sipp warns of its own slowness; what suffers from that is counted.
        arguments += ["-watchdog_minor_threshold", "60000", "-watchdog_major_threshold", "60000"]
        if calls is not None:
            arguments += ["-m", str(calls), "-r", f"{rate:.0f}"]
        if users is not None:
            arguments += ["-inf", str(users)]
        if callID is not None:
            arguments += ["-cid_str", callID]
        self._trace = directory / f"{scenario}.messages"
        if traced:
            arguments += ["-trace_shortmsg", "-shortmessage_file", str(self._trace)]
        if server is not None:
            arguments.append(f"{server[0]}:{server[1]}")
        self.program = Program(arguments, directory / f"{scenario}.out", directory=directory)
        self._traced = traced

    def finish(self, within: float | None = None) -> Report:
        """Wait for the end of the run.

        @param within: seconds after which it is ended; C{None} for as long as the calls need.
        @raise RuntimeError: if sipp cannot do its part.
        """
        try:
            self.program.join(self._deadline + 5 if within is None else within)
        except TimeoutError:
            self.program.kill()
        if not self._statistics.exists():
            raise RuntimeError(f"sipp has failed: {self.program.output()[-2000:]}")
        with self._statistics.open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        created = int(last["TotalCallCreated"])
        good = int(last["SuccessfulCall(C)"])
        return Report(
            created=created,
            failed=max((self.calls or 0) - good, int(last["FailedCall(C)"])),
            retransmissions=int(last["Retransmissions(C)"]),
            seconds=_epoch(last["CurrentTime"]) - _epoch(last["StartTime"]),
            answers=self._answers() if self._traced else (),
        )

    def stopWaiting(self) -> None:
        """End a run that waits for calls, when those that have come have ended."""
        self.program.signal(signal.SIGUSR1)

    def end(self) -> None:
        """Stop at once."""
        self.program.kill()

    def _answers(self) -> list[float]:
        with self._trace.open(errors="replace") as trace:
            times = answerTimes(trace)
        self._trace.unlink()
        return times


def answerTimes(trace: Iterable[str]) -> list[float]:
    """What the client has waited for, to the microsecond: sipp's own response times are in
    milliseconds.

    @param trace: the lines of C{-trace_shortmsg}: date, time, seconds, S or R (sent, received),
        Call-ID, CSeq and start line.
    @return: milliseconds from the first request of each call to its final response that is not a
        challenge, in order of size.
    """
    asked: dict[str, float] = {}
    answered: dict[str, float] = {}
    for line in trace:
        fields = line.rstrip("\n").split("\t")
        if len(fields) < 7:
            continue
        at, direction, callID, _, start = fields[2:7]
        if direction == "S":
            asked.setdefault(callID, float(at))
        elif callID in asked and _FINAL.match(start):
            answered.setdefault(callID, (float(at) - asked[callID]) * 1e3)
    return sorted(answered.values())


def _epoch(text: str) -> float:
    """
    @param text: a date, a time, and the same as seconds since 1970, which sipp parts with tabs.
    """
    return float(text.split("\t")[2])

"""sipp as a subprocess: a scenario of ours at one address, and its own count of the outcome."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import Program
from tests.support.sipclient import bracketed
from tests.support.siptext import Address

SCENARIOS = Path(__file__).with_name("sipp")
#: Columns of the statistics that have to be zero for a run to be clean.
FAULTS = (
    "FailedCall(C)",
    "OutOfCallMsgs(C)",
    "DeadCallMsgs(C)",
    "FatalErrors(C)",
    "Warnings(C)",
)


@dataclass(frozen=True)
class Outcome:
    """How a run ended, in sipp's words."""

    status: int
    statistics: dict[str, str]
    errors: str
    output: str

    def count(self, column: str) -> int:
        return int(self.statistics[column])

    def faults(self) -> dict[str, int]:
        """
        @return: every counter that is not zero and should be.
        """
        failures = [name for name in self.statistics if name.startswith("Failed")]
        names = [name for name in (*FAULTS, *failures) if name.endswith("(C)")]
        return {name: self.count(name) for name in names if self.count(name)}

    def assertClean(self, calls: int) -> None:
        """Every call has succeeded and no message has come that the scenario does not expect."""
        said = f"{self.errors[-3000:]}\n{self.output[-3000:]}"
        assert self.status == 0, f"sipp's exit status is {self.status}\n{said}"
        assert not self.faults(), f"{self.faults()}\n{said}"
        assert not self.errors, said
        assert self.count("SuccessfulCall(C)") == calls, said


def userFile(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    """Write the file that gives each call its fields, one line after the other."""
    path.write_text("SEQUENTIAL\n" + "".join(f"{';'.join(row)};\n" for row in rows))
    return path


class SIPp:
    """One run of sipp."""

    def __init__(
        self,
        path: str,
        directory: Path,
        scenario: str,
        *,
        name: str | None = None,
        server: Address | None = None,
        local: Address,
        mode: str = "u1",
        calls: int,
        rate: int = 100,
        limit: int | None = None,
        users: Path | None = None,
        tls: tuple[Path, Path] | None = None,
        deadline: int = 120,
    ) -> None:
        """
        @param path: of the program.
        @param directory: where its files go.
        @param scenario: which file in C{sipp/}.
        @param server: where the messages go; C{None} for a scenario that waits for them.
        @param mode: sipp's C{-t}: u1, t1 (one connection), tn (one for each call), l1 (TLS)
        @param rate: calls started in a second.
        @param limit: how many calls may be open at once.
        @param deadline: seconds after which sipp gives up by itself.
        """
        name = name or scenario
        self.calls = calls
        self.deadline = deadline
        self.local = local
        self._statistics = directory / f"{name}.csv"
        self._errors = directory / f"{name}.errors"
        arguments = [path, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-t", mode]
        arguments += ["-i", bracketed(local[0]), "-p", str(local[1]), "-m", str(calls)]
        arguments += ["-r", str(rate), "-nostdin", "-timeout", str(deadline), "-timeout_error"]
        arguments += ["-trace_stat", "-stf", str(self._statistics), "-fd", "1"]
        arguments += ["-trace_err", "-error_file", str(self._errors)]
        arguments += ["-recv_timeout", "20000", "-max_socket", "20000"]
        # On a busy machine sipp warns of its own slowness; what suffers from that is counted.
        arguments += ["-watchdog_minor_threshold", "60000", "-watchdog_major_threshold", "60000"]
        if limit is not None:
            arguments += ["-l", str(limit)]
        if users is not None:
            arguments += ["-inf", str(users)]
        if tls is not None:
            arguments += ["-tls_cert", str(tls[0]), "-tls_key", str(tls[1])]
        if server is not None:
            arguments.append(f"{bracketed(server[0])}:{server[1]}")
        self.program = Program(arguments, directory / f"{name}.out", directory=directory)

    def finish(self) -> Outcome:
        """Wait for the end of the run, which C{deadline} bounds."""
        status = self.program.join(self.deadline + 15)
        with self._statistics.open(newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        errors = self._errors.read_text(errors="replace") if self._errors.exists() else ""
        return Outcome(status, rows[-1], errors, self.program.output())

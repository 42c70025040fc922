"""One target tried by one means for a time, in a process that is watched."""

from __future__ import annotations

import hashlib
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz import trial
from tests.fuzz.means.arguments import Arguments

#: The modules of C{means/} that make inputs up.
MEANS = ("guided", "generated")

#: What each needs that is not there for every machine.
_NEEDS = {"guided": "atheris"}

#: Seconds between two looks at the process.
_INTERVAL = 0.25
#: Seconds by which it may be late: hypothesis finishes its round, or makes a finding smaller.
GRACE = 120.0
#: MiB that it may grow by after the first third of its time, in which caches and coverage fill; and
#: seconds that this takes at least: hypothesis makes tables when it is used for the first time.
GROWTH = 48.0
WARM_UP = 20.0

_PAGE = os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def missing(means: str) -> str | None:
    """
    @return: why a means cannot be used here; C{None} if it can.
    """
    package = _NEEDS.get(means)
    if package is None or find_spec(package) is not None:
        return None
    return f"{package} is not installed, as there is none for every interpreter and machine"


@dataclass(frozen=True)
class Outcome:
    """What has come of a campaign.

    @ivar inputs: how many were tried.
    @ivar seconds: how long it took.
    @ivar before: MiB resident when growth began to count.
    @ivar after: MiB resident at the end.
    @ivar fault: why it does not hold; C{None} if it does.
    @ivar finding: the input that shows it, if there is one.
    """

    inputs: int
    seconds: float
    before: float
    after: float
    fault: str | None = None
    finding: Path | None = None


class Campaign:
    """A target and a means, and the process."""

    def __init__(self, target: str, means: str, seconds: int, directory: Path) -> None:
        """
        @param directory: for everything that all campaigns write.
        """
        self.name = f"{target}/{means}"
        self._target = target
        self._seconds = seconds
        self._findings = directory / "findings"
        own = directory / target
        own.mkdir(parents=True, exist_ok=True)
        self._findings.mkdir(parents=True, exist_ok=True)
        self.log = own / f"{means}.log"
        self._note = own / f"{means}.note"
        arguments = Arguments(target, seconds, own, self._note)
        self._command = [sys.executable, "-m", f"tests.fuzz.means.{means}", *arguments.write()]

    def run(self, grace: float = GRACE, warmUp: float = WARM_UP) -> Outcome:
        """Start the process and watch it until it ends, or has to be ended.

        @param grace: seconds by which it may be late.
        @param warmUp: seconds from the first input until growth counts, at least.
        """
        warmUp = max(warmUp, self._seconds / 3)
        self._note.unlink(missing_ok=True)
        begun = time.monotonic()
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        before = after = 0.0
        first = math.inf
        fault = None
        try:
            while process.poll() is None and fault is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_INTERVAL)
                now = time.monotonic()
                if first == math.inf and trial.read(self._note).count:
                    first = now
                after = _resident(process.pid) or after
                if now - first <= warmUp:
                    before = after
                elif after - before > GROWTH:
                    fault = f"grows: {before:.0f} MiB after {warmUp:.0f} s, now {after:.0f}"
                if now - begun > self._seconds + grace:
                    fault = "hangs"
        finally:
            if process.poll() is None:
                # The interpreter writes down where it was.
                process.send_signal(signal.SIGABRT)
                process.wait()
        note = trial.read(self._note)
        if fault is None and process.returncode:
            fault = self._cause(process.returncode)
        finding = None
        if fault is not None and note.isInHand and after - before <= GROWTH:
            finding = self._keep(note.data)
        return Outcome(note.count, time.monotonic() - begun, before, after, fault, finding)

    def _cause(self, status: int) -> str:
        """
        @return: the last thing that the process has said of an exception, or how it ended.
        """
        lines = self.log.read_text(errors="backslashreplace").splitlines()
        named = [line for line in lines if _isCause(line)]
        if named:
            return named[-1][:200]
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    def _keep(self, data: bytes) -> Path:
        """Write down what was found, and the log beside it."""
        name = f"{self._target}-{hashlib.sha256(data).hexdigest()[:12]}"
        finding = self._findings / name
        finding.write_bytes(data)
        finding.with_name(f"{name}.log").write_bytes(self.log.read_bytes())
        return finding


def _isCause(line: str) -> bool:
    """Tell whether a line of the log begins with the name of an exception."""
    name = line.partition(":")[0]
    last = name.rpartition(".")[2]
    return last.isidentifier() and last.endswith(("Error", "Exception", "TooSlow", "Failed"))


def _resident(pid: int) -> float:
    """
    @return: MiB of memory that a process has; 0 if it is gone.
    """
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0.0

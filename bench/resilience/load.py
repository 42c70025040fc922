"""The load: calls that sipp makes, and sipp answers, through the server."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

from bench.resilience.outcome import Outcome
from tests.peers.sipprun import Outcome as Report
from tests.peers.sipprun import SIPp, userFile
from tests.support import netsockets
from tests.support.configuration import Endpoint
from tests.support.deadlines import waitFor
from tests.support.ports import freePort

_SCENARIOS = Path(__file__).with_name("sipp")
_USERS = 20
#: What a call takes at most beyond its own time: everything is repeated for up to 32 s.
_TAIL = 60
#: Messages that a scenario does not expect, in the columns of sipp's statistics.
_UNEXPECTED = ("FailedUnexpectedMessage(C)", "OutOfCallMsgs(C)", "DeadCallMsgs(C)")


class Load:
    """Calls at a steady rate, from now on."""

    def __init__(self, directory: Path, endpoint: Endpoint, rate: int, seconds: float) -> None:
        """
        @param endpoint: of the server, for UDP.
        @param seconds: how long calls are begun.
        """
        path = shutil.which("sipp")
        if path is None:
            raise SystemExit("sipp is not installed: apt-get install sip-tester")
        self._path = path
        self._directory = directory
        self._endpoint = endpoint
        self.calls = int(rate * seconds)
        local = endpoint.host, freePort()
        self._users = userFile(
            directory / "users.csv",
            [(f"u{n}", f"sip:u{n}@{local[0]}:{local[1]}") for n in range(_USERS)],
        )
        self._register()
        deadline = int(seconds) + _TAIL
        self._began = time.monotonic()
        self._callee = SIPp(
            path,
            directory,
            str(_SCENARIOS / "callee"),
            name="callee",
            local=local,
            calls=self.calls,
            deadline=deadline,
        )
        waitFor(lambda: netsockets.datagramSockets(local[1]), "a sipp that waits for calls")
        self._caller = SIPp(
            path,
            directory,
            str(_SCENARIOS / "caller"),
            name="caller",
            server=endpoint.address,
            local=(endpoint.host, freePort()),
            calls=self.calls,
            rate=rate,
            limit=100 * rate,
            users=self._users,
            deadline=deadline,
        )

    def _register(self) -> None:
        run = SIPp(
            self._path,
            self._directory,
            "register",
            server=self._endpoint.address,
            local=(self._endpoint.host, freePort()),
            calls=_USERS,
            users=self._users,
        )
        run.finish().assertClean(_USERS)

    @property
    def isRunning(self) -> bool:
        return self._caller.program.status is None

    def finish(self) -> Outcome:
        """Wait for the end of the calls and count."""
        try:
            caller = self._caller.finish()
            # A call that failed on the way has never come here: do not wait for it.
            self._callee.program.signal(signal.SIGUSR1)
            callee = self._callee.finish()
        finally:
            self.end()
        return self._count(caller, callee)

    def end(self) -> None:
        """Stop at once."""
        self._caller.program.kill()
        self._callee.program.kill()

    def _count(self, caller: Report, callee: Report) -> Outcome:
        reports = {"caller": caller, "callee": callee}
        outcome = Outcome(
            calls=caller.count("TotalCallCreated"),
            failed=max(
                caller.count("FailedCall(C)"),
                callee.count("FailedCall(C)"),
                self.calls - caller.count("SuccessfulCall(C)"),
            ),
            unexpected=sum(r.count(name) for r in reports.values() for name in _UNEXPECTED),
            retransmissions=sum(r.count("Retransmissions(C)") for r in reports.values()),
            seconds=time.monotonic() - self._began,
        )
        for name, report in reports.items():
            for counter, number in report.faults().items():
                if counter != "Warnings(C)":
                    outcome.faults.append(f"{name}: {counter.removesuffix('(C)')} {number}")
        return outcome

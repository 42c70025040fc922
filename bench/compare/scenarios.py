"""What the servers are asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.compare.servers import HOST
from bench.compare.sipp import Report, SIPp
from tests.support import netsockets
from tests.support.deadlines import waitFor
from tests.support.ports import freePort
from tests.support.siptext import Address


@dataclass(frozen=True)
class Scenario:
    """Something that clients want from a server.

    @ivar unit: what is counted.
    @ivar script: the file in C{sipp/} that the client runs.
    @ivar rate: units in a second while processor time is measured. It is the same for all servers,
        and none has much more to do than half of what it can: what a unit costs depends on how many
        of them a server finds waiting.
    @ivar users: how many are registered.
    @ivar called: whether they are called, so that there has to be somebody who answers.
    @ivar lasting: seconds that a call takes by itself.
    """

    unit: str
    script: str
    rate: int
    users: int = 0
    called: bool = False
    lasting: float = 0.0


#: The scenarios that are made of requests; C{idle}, which is made of connections, is by itself.
SCENARIOS = {
    "options": Scenario("OPTIONS", "options", 1500),
    "register": Scenario("REGISTER", "register", 1000, users=10_000),
    "call": Scenario("call", "caller", 100, users=1_000, called=True, lasting=0.2),
}

#: Calls beyond those that are in their pause that may be open at once: half a second's worth, so
#: that a client of a server that cannot keep up falls behind, and is seen to.
_PATIENCE = 0.5
#: Registrations in a second while users are registered for the first time.
_REGISTRATIONS = 1500


class Load:
    """The clients of one server."""

    def __init__(
        self, scenario: Scenario, transport: str, workers: int, server: Address, directory: Path
    ) -> None:
        """
        @param server: its address.
        @param directory: for the files of the clients.
        """
        self.scenario = scenario
        self._server = server
        self._directory = directory
        self._isStream = transport == "tcp"
        self._workers = workers
        self._callee = HOST, freePort()
        self._run = 0
        self._users: Path | None = None

    def prepare(self) -> None:
        """Register the users."""
        count = self.scenario.users
        if not count:
            return
        self._users = self._directory / "users.csv"
        contact = f"{self._callee[0]}:{self._callee[1]}"
        rows = (f"u{number};sip:u{number}@{contact};\n" for number in range(count))
        self._users.write_text("SEQUENTIAL\n" + "".join(rows))
        report = self._client("register", count, _REGISTRATIONS, 2000).finish()
        if report.failed:
            raise RuntimeError(f"{report.failed} of {count} users could not register")

    def run(self, rate: float, seconds: float, traced: bool = False) -> Sequence[Report]:
        """Ask for some time.

        @param rate: units begun in a second.
        @param traced: whether the times of the answers are wanted.
        @return: what the client says, and if there is one, who is called.
        """
        scenario = self.scenario
        callee = self._answering() if scenario.called else None
        try:
            limit = rate * (scenario.lasting + _PATIENCE)
            calls = round(rate * seconds)
            client = self._client(scenario.script, calls, rate, limit, traced)
            reports = [client.finish()]
            if callee is not None:
                callee.stopWaiting()
                reports.append(callee.finish())
            return reports
        finally:
            if callee is not None:
                callee.end()

    def _client(
        self, script: str, calls: int, rate: float, limit: float, traced: bool = False
    ) -> SIPp:
        self._run += 1
        return SIPp(
            self._directory,
            script,
            local=(HOST, freePort()),
            server=self._server,
            mode="t1" if self._isStream else "u1",
            calls=calls,
            rate=rate,
            limit=round(limit),
            users=self._users,
            run=self._run,
            callID="%u-bench@%s" if script == "register" else None,
            traced=traced,
        )

    def _answering(self) -> SIPp:
        """
        @return: a sipp that waits for the calls of the users.
        """
        mode = "t1" if self._isStream else "u1"
        callee = SIPp(self._directory, "callee", local=self._callee, mode=mode)
        table = netsockets.listeningSockets if self._isStream else netsockets.datagramSockets
        waitFor(lambda: table(self._callee[1]), "a sipp that waits for calls")
        return callee

"""The clients of one server."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bench.compare.scenarios import Scenario
from bench.compare.servers import HOST, password
from bench.compare.sipp import Report, SIPp
from tests.support import netsockets
from tests.support.deadlines import waitFor
from tests.support.ports import freePort
from tests.support.siptext import Address

#: Calls beyond those that are in their pause that may be open at once: half a second's worth, so
#: that a client of a server that cannot keep up falls behind, and is seen to.
_PATIENCE = 0.5
#: Registrations in a second while users are registered for the first time; fewer of those who are
#: asked for their passwords.
_REGISTRATIONS = 2500
_CHALLENGES = 800
#: How many of these are open at once: who answers more slowly is asked more slowly, and none fails.
_OPEN = 100
#: Seconds in which calls have to end for who is called, when they have for who calls.
_ENDING = 3.0
#: Clients over TCP, one connection each: a connection stays with one worker.
_CONNECTIONS = 4


class Load:
    """What is asked of a server: over UDP by one sipp with one socket, over TCP by several."""

    def __init__(
        self, scenario: Scenario, transport: str, server: Address, directory: Path
    ) -> None:
        """
        @param server: its address.
        @param directory: for the files of the clients.
        """
        self.scenario = scenario
        self._server = server
        self._directory = directory
        self._isStream = transport == "tcp"
        self._mode = "t1" if self._isStream else "u1"
        self._clients = _CONNECTIONS if self._isStream else 1
        self._callee = HOST, freePort()
        self._run = 0
        self._users: list[Path] = []

    def prepare(self) -> None:
        """Register the users."""
        if not self.scenario.users:
            return
        for client in range(self._clients):
            numbers = range(client, self.scenario.users, self._clients)
            self._users.append(self._userFile(f"users{client}.csv", numbers))
        rate = _CHALLENGES if self.scenario.challenged else _REGISTRATIONS
        report = self._ask(self.scenario.registration, self.scenario.users, rate, _OPEN)
        if report.failed:
            raise RuntimeError(f"{report.failed} of {self.scenario.users} users not registered")

    def _userFile(self, name: str, numbers: range) -> Path:
        path = self._directory / name
        host, port = self._callee
        rows = (
            f"u{number};sip:u{number}@{host}:{port};"
            f"[authentication username=u{number} password={password(f'u{number}')}];\n"
            for number in numbers
        )
        path.write_text("SEQUENTIAL\n" + "".join(rows))
        return path

    def run(self, rate: float, seconds: float, traced: bool = False) -> Report:
        """Ask for some time.

        @param rate: units begun in a second.
        @param traced: whether the times of the answers are wanted.
        @return: what all clients say together. What fails for those who are called counts too.
        """
        scenario = self.scenario
        limit = rate * (scenario.lasting + _PATIENCE)
        calls = round(rate * seconds)
        if not scenario.called:
            return self._ask(scenario.script, calls, rate, limit, traced)
        callee = SIPp(self._directory, "callee", local=self._callee, mode=self._mode)
        try:
            table = netsockets.listeningSockets if self._isStream else netsockets.datagramSockets
            waitFor(lambda: table(self._callee[1]), "a sipp that waits for calls")
            report = self._ask(scenario.script, calls, rate, limit, traced)
            callee.stopWaiting()
            # A request that comes again after its call has ended begins one that never does.
            return report.answeredBy(callee.finish(_ENDING))
        finally:
            callee.end()

    def _ask(
        self, script: str, calls: int, rate: float, limit: float, traced: bool = False
    ) -> Report:
        self._run += 1
        count = self._clients
        with ExitStack() as cleanUp:
            clients = []
            for number in range(count):
                directory = self._directory / f"client{number}"
                directory.mkdir(exist_ok=True)
                client = SIPp(
                    directory,
                    script,
                    local=(HOST, freePort()),
                    server=self._server,
                    mode=self._mode,
                    calls=calls // count,
                    rate=rate / count,
                    limit=max(1, round(limit / count)),
                    users=self._users[number] if self._users else None,
                    run=self._run,
                    callID=f"%u-{number}@bench" if script == self.scenario.registration else None,
                    traced=traced,
                )
                cleanUp.callback(client.end)
                clients.append(client)
            return Report.ofAll([client.finish() for client in clients])

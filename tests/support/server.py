"""A real server: C{twistd sipapp} as a subprocess with worker processes of its own."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import netsockets
from tests.support.configuration import DOMAIN, Configuration, Endpoint
from tests.support.deadlines import waitFor
from tests.support.processes import Program, children, isAlive, sendSignal
from tests.support.sipclient import StreamSocket
from tests.support.siptext import workerCode

TWISTD = (str(Path(sys.executable).with_name("twistd")),)
#: Seconds that a start may take on a machine that does other things as well.
START = 120.0
#: Seconds that a stop may take: a drain with nothing to wait for.
STOP = 40.0


class Server:
    """One running server and what can be seen of it from outside."""

    def __init__(
        self,
        configuration: Configuration,
        environment: Mapping[str, str] | None = None,
        twistd: Sequence[str] = TWISTD,
    ) -> None:
        """
        @param environment: variables beyond those of the tests.
        @param twistd: the command to start it with.
        """
        self.configuration = configuration
        self.workersFile = configuration.runDirectory / "workers.json"
        file = configuration.write()
        self.program = Program(
            [*twistd, "-n", "--pidfile=", "sipapp", "--config", str(file)],
            configuration.directory / "sipapp.log",
            directory=configuration.directory,
            environment=environment,
        )

    @property
    def pid(self) -> int:
        return self.program.pid

    def output(self) -> str:
        """The log so far."""
        return self.program.output()

    def lineWith(self, *parts: str) -> str:
        """
        @return: the first line of the log that has all the parts, as soon as there is one.
        """

        def found() -> list[str]:
            return [
                line for line in self.output().splitlines() if all(part in line for part in parts)
            ]

        waitFor(lambda: bool(found()), f"a line of the log with {parts}", START)
        return found()[0]

    def endpoint(self, transport: str, host: str = "127.0.0.1") -> Endpoint:
        return self.configuration.endpoint(transport, host)

    def awaitReady(self) -> Server:
        """Wait until every pool is ready.

        @raise AssertionError: if the server has ended instead.
        """

        def readyOrEnded() -> bool:
            return self.program.status is not None or self._workersFileIsOurs()

        waitFor(readyOrEnded, "a server that is ready", START)
        assert self.program.status is None, "the server has ended: see its log"
        return self

    def _workersFileIsOurs(self) -> bool:
        """A file left by an earlier server in the same directory names none of our children."""
        if not self.workersFile.exists():
            return False
        named = set(self.workers().values())
        return bool(named) and named <= set(self.children())

    def workers(self) -> dict[str, int]:
        """
        @return: the pid of each worker by its name (pool and slot), as the server states them;
            C{None} in the place of one that is about to be started again.
        """
        rows = json.loads(self.workersFile.read_text())
        return {row["name"]: row["pid"] for row in rows}

    def states(self) -> dict[str, str]:
        """
        @return: the state of each worker by its name, as the server states it.
        """
        return {row["name"]: row["state"] for row in json.loads(self.workersFile.read_text())}

    def children(self) -> list[int]:
        """
        @return: the pids of the child processes, as the kernel states them.
        """
        return children(self.pid)

    def pools(self) -> dict[str, int]:
        """
        @return: how many child processes each pool has. Every child counts: one that no pool
            owns up to is counted under its pid.
        """
        names = {pid: name for name, pid in self.workers().items()}
        return dict(
            Counter(names.get(pid, f"pid {pid}").rpartition("/")[0] for pid in self.children())
        )

    @property
    def _bus(self) -> Path:
        return self.configuration.runDirectory / "bus"

    def codes(self) -> list[str]:
        """
        @return: the names of all inboxes on the bus, by which branches and tags name workers.
        """
        return sorted(inbox.name for inbox in self._bus.iterdir())

    def workerOf(self, code: str) -> int:
        """
        @param code: what a branch or tag names its worker by.
        @return: the pid of the worker that reads the inbox of that name.
        """
        inode = netsockets.unixSocketInode(self._bus / code)
        assert inode is not None, f"no inbox is named {code}"
        readers = [pid for pid in self.children() if inode in netsockets.inodes(pid)]
        assert len(readers) == 1, f"inbox {code} is open in {readers}"
        return readers[0]

    def connect(self, transport: str, worker: str) -> StreamSocket:
        """
        @param worker: the name of the one that is to hold the connection: they are opened until
            the kernel gives it one.
        """
        pid = self.workers()[worker]
        for _ in range(100):
            client = StreamSocket(self.endpoint(transport).address)
            code = workerCode(client.options(f"sip:{DOMAIN}").toTag)
            if self.workerOf(code) == pid:
                return client
            client.close()
        raise AssertionError(f"none of 100 connections has come to {worker}")

    def crashLoop(self, name: str) -> None:
        """Have a worker crash, and those that replace it, until its slot is parked."""
        others = set(self.children()) - {self.workers()[name]}
        for count in range(1, 6):
            waitFor(lambda: set(self.children()) - others, f"a worker as {name}", START)
            [pid] = set(self.children()) - others
            sendSignal(pid, signal.SIGSEGV)
            waitFor(
                lambda count=count: self.output().count(f"{name} has gone") == count,
                f"the end of {name}",
                START,
            )
        self.lineWith(f"{name} IS PARKED: 5 crashes within 30 s, the last: killed by SIGSEGV")
        waitFor(lambda: self.states()[name] == "parked", f"{name} being parked")

    def stop(self) -> None:
        """SIGTERM: the server has to drain, to exit with 0 and to leave no child behind."""
        before = self.children()
        status = self.program.terminate(STOP)
        assert status == 0, f"exit status {status}: see the log"
        left = [pid for pid in before if isAlive(pid)]
        assert not left, f"children outlive the server: {left}"

    def kill(self) -> None:
        """SIGKILL to the parent, and wait until its children have gone as well."""
        before = self.children() if self.program.status is None else []
        self.program.kill()
        waitFor(lambda: not any(map(isAlive, before)), "the end of all children", STOP)

    def end(self) -> None:
        """Clean up after a test, whatever state the server is in."""
        remaining = self.children() if self.program.status is None else []
        self.program.kill()
        for pid in remaining:
            # One that a test has halted does not see that its parent is gone.
            sendSignal(pid, signal.SIGKILL)

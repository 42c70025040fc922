"""The servers that are compared: started with equivalent configurations, ended by their pids."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.usage import family
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.ports import freePort
from tests.support.processes import Program, sendSignal
from tests.support.server import Server as SipappServer
from tests.support.sipclient import NoMessage, StreamSocket, UDPSocket
from tests.support.siptext import Address
from tests.support.users import addUsers

HOST = "127.0.0.1"
_CONFIGURATION = Path(__file__).with_name("kamailio.cfg")
#: How many connections are given another MiB of shared memory.
_CONNECTIONS = 16
#: Seconds that a start may take on a machine that does other things as well.
_START = 60.0
#: Seconds that a stop may take before it is made short.
_STOP = 5.0


@dataclass(frozen=True)
class Wanted:
    """What the server of a cell has to be like.

    @ivar connections: how many it has to hold at once, if that is more than a few.
    @ivar accounts: how many users have a password, and have to prove it; 0 if nobody has to.
    """

    transport: str
    workers: int
    connections: int = 0
    accounts: int = 0


def password(user: str) -> str:
    """
    @return: what everybody who is compared takes for the password of a user.
    """
    return f"secret-{user}"


class Server(Protocol):
    """A running server."""

    @property
    def address(self) -> Address: ...

    @property
    def pid(self) -> int:
        """The parent of all its processes."""

    def end(self) -> None:
        """Stop it, whatever state it is in."""


class Sipapp:
    """sipapp with its built-in resources, and no setting that its administrator would not find."""

    def __init__(self, directory: Path, wanted: Wanted) -> None:
        unused = directory / "unused.pem"
        configuration = Configuration(directory, unused, unused)
        endpoint = configuration.listen(wanted.transport, HOST, workers=wanted.workers)
        if wanted.connections:
            names = ("connections", "connections_per_address")
            configuration.blocks[0]["limits"] = dict.fromkeys(names, wanted.connections)
        if wanted.accounts:
            users = [f"u{number}" for number in range(wanted.accounts)]
            addUsers(configuration, {user: password(user) for user in users})
            configuration.blocks[0]["resources"] = [
                "authenticate",
                "options",
                "registrar",
                "proxy",
            ]
            # sipp 3.6 knows no other algorithm.
            configuration.table("resource.authenticate", algorithms=["MD5"])
        self.address = endpoint.address
        self._server = SipappServer(configuration)
        with _endedUnlessReady(self):
            self._server.awaitReady()

    @property
    def pid(self) -> int:
        return self._server.pid

    def end(self) -> None:
        self._server.end()


class Kamailio:
    """Kamailio with the configuration beside this file."""

    def __init__(
        self,
        directory: Path,
        wanted: Wanted,
        memory: int,
        arguments: Sequence[str],
        prefix: str,
    ) -> None:
        """
        @param memory: MiB that its processes share, if it does not have to hold many connections.
        @param arguments: how it manages memory.
        @param prefix: what its log says of a message. Kamailio makes it of each, logged or not.
        """
        self._prefix = prefix
        self.address = HOST, freePort()
        file = directory / "kamailio.cfg"
        file.write_text(self._text(wanted))
        self._program = Program(
            [
                *(program("kamailio"), "-DD", "-f", str(file), "-Y", str(directory)),
                *("-m", str(memory + wanted.connections // _CONNECTIONS)),
                *(("-A", f"ACCOUNTS={wanted.accounts}") if wanted.accounts else ()),
                *arguments,
            ],
            directory / "kamailio.log",
            directory=directory,
        )
        with _endedUnlessReady(self):
            waitFor(self._isReady(wanted.transport), "Kamailio, which answers", _START)

    def _text(self, wanted: Wanted) -> str:
        limits = [] if wanted.transport == "tcp" else ["disable_tcp=yes"]
        if wanted.connections:
            limits += [
                f"tcp_max_connections={wanted.connections + 1024}",
                "tcp_connection_lifetime=3605",
            ]
        text = _CONFIGURATION.read_text()
        for name, value in {
            "WORKERS": str(wanted.workers),
            "LISTEN": f"listen={wanted.transport}:{self.address[0]}:{self.address[1]}",
            "LIMITS": "\n".join(limits),
            "PREFIX": f'log_prefix="{self._prefix}"' if self._prefix else "",
            "DOMAIN": DOMAIN,
            "LOOPS": str(max(wanted.accounts, 100) + 1),
        }.items():
            text = text.replace(f"@{name}@", value)
        return text

    def _isReady(self, transport: str) -> Callable[[], bool]:
        def answersOrEnded() -> bool:
            if self._program.status is not None:
                raise RuntimeError(f"Kamailio has ended:\n{self._program.output()[-2000:]}")
            return _answers(transport, self.address)

        return answersOrEnded

    @property
    def pid(self) -> int:
        return self._program.pid

    def end(self) -> None:
        members = family(self.pid) if self._program.status is None else []
        try:
            self._program.terminate(_STOP)
        except TimeoutError:
            self._program.kill()
        for pid in members:
            sendSignal(pid, signal.SIGKILL)


@contextmanager
def _endedUnlessReady(server: Server) -> Iterator[None]:
    try:
        yield
    except BaseException:
        server.end()
        raise


def _answers(transport: str, address: Address) -> bool:
    try:
        kind = UDPSocket if transport == "udp" else StreamSocket
        with kind(address) as client:
            return bool(client.options(f"sip:{DOMAIN}", timeout=1.0).status == 200)
    except (OSError, NoMessage):
        return False


@contextmanager
def workingDirectory() -> Iterator[Path]:
    """A directory for servers and clients. If something goes wrong it stays, for what they have
    logged.
    """
    directory = Path(tempfile.mkdtemp(prefix="sipapp-bench-"))
    try:
        yield directory
    except BaseException as error:
        error.add_note(f"what was logged is in {directory}")
        raise
    shutil.rmtree(directory)


def program(name: str) -> str:
    """
    @return: the path of a program.
    @raise LookupError: with the way to get it.
    """
    # Debian has servers where only root looks for programs.
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise LookupError(f"{name} is not installed: apt-get install {PACKAGES[name]}")
    return path


#: Where programs come from, on Debian.
PACKAGES = {"kamailio": "kamailio", "sipp": "sip-tester"}


def _kamailio(memory: int, *arguments: str, prefix: str = "") -> Callable[[Path, Wanted], Server]:
    return lambda directory, wanted: Kamailio(directory, wanted, memory, arguments, prefix)


#: How each server is started, by the name that it has in the results. Debian's unit starts Kamailio
#: with 64 MiB of shared memory, 8 MiB for each process, the allocator that looks for errors, and a
#: prefix for its log.
SERVERS: dict[str, Callable[[Path, Wanted], Server]] = {
    "sipapp": Sipapp,
    "kamailio-stock": _kamailio(64, "-M", "8", prefix="{$mt $hdr(CSeq) $ci} "),
    "kamailio-tuned": _kamailio(1024, "-M", "16", "-x", "fm", "-X", "fm"),
}

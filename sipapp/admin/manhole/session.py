"""What somebody who has logged in may have: a console in a terminal, or one command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.conch.avatar import ConchUser
from twisted.conch.insults.insults import ServerProtocol
from twisted.conch.interfaces import IConchUser, ISession
from twisted.conch.ssh import common
from twisted.conch.ssh.session import SSHSession, SSHSessionProcessProtocol
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.components import registerAdapter
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.admin.manhole.console import Console
from sipapp.admin.manhole.places import Here, InWorker
from sipapp.evaluation import Answer, Leave
from sipapp.rpc import Caller, Conflict

__all__ = ["CONCH", "Avatar", "Opening", "Realm"]

_log = Logger()

_NO_TERMINAL = "A console needs a terminal: give ssh -t, or a command to run.\n"


class Opening:
    """What opens places for somebody.

    @ivar here: called with them, and with what enters a worker; makes the place in the parent.
    @ivar inWorker: called with the name of a worker and with them.
    @ivar greeting: what a console begins with.
    @ivar noted: called when they open a console.
    """

    def __init__(
        self,
        here: Callable[[Caller, Callable[[str], None]], Here],
        inWorker: Callable[[str, Caller], InWorker],
        greeting: Callable[[], str],
        noted: Callable[[Caller], None],
    ) -> None:
        self.here = here
        self.inWorker = inWorker
        self.greeting = greeting
        self.noted = noted


class Avatar(ConchUser):
    """Somebody who has logged in. There are sessions for them, and nothing else that SSH knows:
    no forwarding of ports, no files."""

    def __init__(self, name: str, opening: Opening) -> None:
        super().__init__()
        self.name = name
        self.opening = opening
        self.channelLookup[b"session"] = _Channel

    @property
    def caller(self) -> Caller:
        peer = self.conn.transport.transport.getPeer()
        return Caller(self.name, "admin", peer.host, "manhole")


@implementer(IRealm)
class Realm:
    """Makes them of the names that keys were found for."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def requestAvatar(
        self, avatarId: bytes | tuple[()], mind: object, *interfaces: Any
    ) -> tuple[Any, Avatar, Callable[[], None]]:
        """See C{twisted.cred.portal.IRealm}."""
        if IConchUser not in interfaces:
            raise NotImplementedError("there is only SSH")
        return (
            IConchUser,
            Avatar(bytes(avatarId).decode("utf-8", "replace"), self._opening),
            _nothing,
        )


class _Named:
    """A logger that keeps its name where it is the attribute of a class."""

    def __init__(self, name: str) -> None:
        self._logger = Logger(name)

    def __get__(self, instance: object, owner: type) -> Logger:
        return self._logger


CONCH: Any = _Named("twisted.conch")
"""The log of what is conch's: it tells of every step, under a name that hardly anybody reads."""


class _Channel(SSHSession):
    """A session whose command is not in the log: there may be a password in it."""

    _log = CONCH

    def request_exec(self, data: bytes) -> int:
        if self.client is not None:
            return 0
        command, _ = common.getNS(data)
        self.client = SSHSessionProcessProtocol(self)
        # The one that knows of the terminal, if there is one.
        self._session.execCommand(self.client, command)
        return 1


@implementer(ISession)
class _Session:
    """See C{twisted.conch.interfaces.ISession}."""

    def __init__(self, avatar: Avatar) -> None:
        self._avatar = avatar
        self._size: tuple[int, int] | None = None
        self._console: Console | None = None
        self._command: Deferred[None] | None = None

    def getPty(
        self, term: bytes, windowSize: Sequence[int], modes: Sequence[tuple[int, int]]
    ) -> None:
        self._setSize(windowSize)

    def windowChanged(self, newWindowSize: Sequence[int]) -> None:
        self._setSize(newWindowSize)
        if self._console is not None and self._size is not None:
            self._console.terminalSize(*self._size)

    def openShell(self, proto: Any) -> None:
        caller, opening = self._avatar.caller, self._avatar.opening
        if self._size is None:
            _connect(proto, lambda data: None, _nothing)
            proto.errReceived(_NO_TERMINAL.encode())
            _end(proto, 1)
            return
        opening.noted(caller)

        def enter(worker: str) -> None:
            console.enter(opening.inWorker(worker, caller))

        console = Console(opening.here(caller, enter), opening.greeting())
        self._console = console
        terminal = _Terminal(lambda: console)
        _connect(proto, terminal.dataReceived, lambda: terminal.connectionLost(connectionDone))
        terminal.makeConnection(_Ends(proto.write, lambda: _end(proto, 0)))
        console.terminalSize(*self._size)

    def execCommand(self, proto: Any, command: bytes) -> None:
        caller, opening = self._avatar.caller, self._avatar.opening

        def enter(worker: str) -> None:
            raise Conflict(f"a console in {worker} needs a terminal: give ssh -t, and no command")

        _connect(proto, lambda data: None, self._giveUp)
        here = opening.here(caller, enter)
        lineEnd = "\n" if self._size is None else "\r\n"

        async def run() -> None:
            try:
                answer = await here.run(command.decode("utf-8", "replace"))
            except Leave:
                answer = Answer("", False)
            written = answer.output.replace("\n", lineEnd).encode("utf-8", "replace")
            (proto.errReceived if answer.isError else proto.outReceived)(written)
            _end(proto, int(answer.isError))

        self._command = Deferred.fromCoroutine(run())
        self._command.addErrback(lambda failure: _log.failure("A command has failed", failure))

    def eofReceived(self) -> None:
        if self._console is not None:
            self._console.endOfInput()

    def closed(self) -> None:
        """The channel tells the console itself."""

    def _setSize(self, windowSize: Sequence[int]) -> None:
        rows, columns, *_ = windowSize
        self._size = columns or 80, rows or 24

    def _giveUp(self) -> None:
        if self._command is not None:
            self._command.cancel()


class _Terminal(ServerProtocol):
    """A terminal that bears what has come in one piece with what has ended it."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        console = self.terminalProtocol
        super().connectionLost(reason)
        self.terminalProtocol = console


class _Ends:
    """A transport that ends where it is told."""

    def __init__(self, write: Callable[[bytes], Any], loseConnection: Callable[[], Any]) -> None:
        self.write = write
        self.loseConnection = loseConnection


def _connect(proto: Any, write: Callable[[bytes], Any], lost: Callable[[], Any]) -> None:
    """
    @param proto: the channel's end of what somebody has.
    @param write: called with what they type.
    @param lost: called when they are gone.
    """
    proto.makeConnection(_Ends(write, lost))


def _end(proto: Any, status: int) -> None:
    ended = ProcessTerminated(status) if status else ProcessDone(0)
    proto.processEnded(Failure(ended))


def _nothing(*_: Any) -> None:
    """There is nothing to do."""


registerAdapter(_Session, Avatar, ISession)

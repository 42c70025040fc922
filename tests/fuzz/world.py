"""A worker with its resources, the phones around it, and a network that reaches nobody else, all on
one clock: what a datagram can bring about, from the socket to the location store."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure

from bench.rig import WorkerRig
from sipapp.location import MemoryLocation
from sipapp.resources.sip.authenticate import Authenticate, AuthenticateSettings
from sipapp.resources.sip.options import Options, OptionsSettings
from sipapp.resources.sip.proxy import Proxy, ProxySettings
from sipapp.resources.sip.registrar import Registrar, RegistrarSettings
from sipapp.sip import Request, Response, parseMessage
from sipapp.storage import newAccount
from sipapp.storage.accounts import OwnAccounts
from sipapp.storage.memoryaccounts import MemoryAccounts
from sipapp.storage.noncecounts import NonceCounts
from sipapp.transport.target import Address, LocateError, Target, numeric

#: Where what arrives is from.
PHONE = ("198.51.100.10", 5060)
#: The one whose password is known here.
USER, REALM, PASSWORD = "carol", "example.com", "singer"
#: Seconds after which everything is over: the longest registration, and Timer C before it.
LONG = 90_000.0

_STEPS = (0.0, 0.3, 1.0, 5.0, 33.0, 33.0, 200.0, 600.0, LONG)


class _Nowhere(MemoryReactorClock):
    """Nobody listens at any address."""

    def connectTCP(self, host: str, port: int, factory: Any, *options: Any) -> Any:
        connector = super().connectTCP(host, port, factory, *options)
        self.tcpClients.clear()
        reason = Failure(ConnectionRefusedError())
        self.callLater(0.01, factory.clientConnectionFailed, connector, reason)
        return connector


class _NoNames:
    """Finds nothing but numeric addresses."""

    def locate(
        self, target: Target, supported: frozenset[str], random: Any = None
    ) -> list[Address] | Deferred[list[Address]]:
        direct = numeric(target, supported)
        if direct is None:
            raise LocateError("there are no names")
        return [direct]


class _NoBans:
    """Bans nobody."""

    def offence(self, address: str, kind: str, proven: bool) -> None:
        pass

    def vouch(self, address: str) -> None:
        pass


class World(WorkerRig):
    """
    @ivar failures: what the worker has logged of exceptions.
    """

    domains = frozenset(("example.com", "example.net", "example.test"))
    location: Any

    def __init__(self, asks: bool) -> None:
        """
        @param asks: whether users have to prove who they are.
        """
        directory = Path(tempfile.mkdtemp(prefix="sipapp-fuzz-"))
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        super().__init__(directory, _Nowhere(), _NoNames())  # type: ignore[arg-type]
        self.location.close()
        self.location = MemoryLocation(self.reactor.seconds)
        self.endOfTurn = self.driver.turns.atEnd
        # Who is banned for what he sends would not be heard again.
        self.bans = _NoBans()
        self.accounts = OwnAccounts(MemoryAccounts(newAccount(USER, REALM, PASSWORD)))
        self.nonceCounts = NonceCounts(
            directory, self.endOfTurn, mapSize=1 << 24, clock=self.reactor.seconds
        )
        chain: list[Any] = [Authenticate(AuthenticateSettings(), self)] if asks else []
        chain += [
            Options(OptionsSettings(), self),
            Registrar(RegistrarSettings(), self),
            Proxy(ProxySettings(), self),
        ]
        self.serve(*chain)
        dispatch: Any = self.driver.layer.user
        self.driver.receiver.answered = dispatch.answered
        self.failures: list[LogEvent] = []
        globalLogPublisher.addObserver(self._observe)

    def _observe(self, event: LogEvent) -> None:
        if event.get("log_failure") is not None:
            self.failures.append(event)

    def receive(self, data: bytes, source: tuple[str, int] = PHONE) -> list[Request | Response]:
        """Let a datagram arrive.

        @return: what is sent for it at once.
        """
        self.wire.arrived.append((data, source))
        self.port.doRead()
        return self.take()

    def take(self) -> list[Request | Response]:
        """
        @return: what was sent since the last time.
        @raise AssertionError: if some of it is no message.
        """
        sent = [parseMessage(data) for data, _ in self.wire.sent]
        self.wire.sent.clear()
        for message in sent:
            assert message.defect is None, message.defect
        return sent

    def passTime(self) -> list[Request | Response]:
        """Let so much time pass that everything is over.

        @return: what is sent meanwhile.
        """
        sent = []
        for seconds in _STEPS:
            self.reactor.advance(seconds)
            sent += self.take()
        self.location.purge(1 << 20)
        return sent

    def left(self) -> dict[str, int]:
        """
        @return: what is still there of what has come.
        """
        layer = self.driver.layer
        return {
            "server transactions": layer.serverCount,
            "client transactions": layer.clientCount,
            "without a final response": layer.pending,
            "timers": len(layer.timers),
            "calls of the reactor": len(self.reactor.getDelayedCalls()),
        }

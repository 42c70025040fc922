"""A whole worker without its parent and without a kernel, for benchmarks of one process.

The driver reads datagrams from a socket that is a list, and everything else is as in a server, the
location store in its file included.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.testing import MemoryReactorClock

from sipapp.location import LMDBLocation
from sipapp.resources.sip import Dispatch
from sipapp.sip import SIPURI
from sipapp.transaction import Identifiers, TimerSettings
from sipapp.transport.assembly import Served, assemble
from sipapp.transport.endpoints import Endpoint
from sipapp.transport.locate import Locator, makeLocator

_SERVER = ("192.0.2.1", 5060)


class Wire:
    """A UDP socket without a kernel."""

    def __init__(self) -> None:
        self.arrived: deque[tuple[bytes, tuple[str, int]]] = deque()
        self.sent: list[tuple[bytes, tuple[str, int]]] = []

    def setblocking(self, flag: bool) -> None:
        pass

    def setsockopt(self, *option: object) -> None:
        pass

    def recvfrom(self, size: int, *flags: int) -> tuple[bytes, tuple[str, int]]:
        if not self.arrived:
            raise BlockingIOError(11, "nothing there")
        return self.arrived.popleft()

    def sendto(self, data: bytes, *where: Any) -> int:
        self.sent.append((data, where[-1]))
        return len(data)

    def fileno(self) -> int:
        return -1


class WorkerRig:
    """One worker with one UDP endpoint; also the surroundings of its resources.

    @ivar wire: what arrives, and what is sent.
    @ivar port: reads what has arrived.
    @ivar driver: has the transactions, and the time.
    """

    domains = frozenset(("example.test",))
    name = "udp-0/0"
    server = None

    def __init__(
        self,
        directory: Path,
        reactor: MemoryReactorClock | None = None,
        locator: Locator | None = None,
    ) -> None:
        """
        @param locator: finds servers; C{None} asks a DNS server that never answers.
        """
        self.reactor = reactor = reactor or MemoryReactorClock()
        reactor.advance(1000.0)
        self.identifiers = Identifiers(b"secret", "a0")
        self.timers = TimerSettings()
        self.callRecords: Any = None
        self.wire = Wire()
        self._chains: dict[int, Sequence[Any]] = {}
        dispatch = Dispatch(self._chains, self.identifiers)
        inbox, self._peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        transport = assemble(
            reactor,
            identifiers=self.identifiers,
            endpoints=[Endpoint(0, "UDP", *_SERVER)],
            served=[Served(0, self.wire, codes=("a0",))],  # type: ignore[arg-type]
            sendOnly={},
            inbox=inbox,
            busDirectory=str(directory),
            user=dispatch,
            locator=locator or makeLocator(reactor, ["192.0.2.53"])[0],
            timers=self.timers,
        )
        self.sender = transport.sender
        self._endpoints = transport.endpoints
        self.driver = driver = transport.driver
        driver.receiver.answered = dispatch.answered
        driver.receiver.strayResponse = dispatch.strayResponse
        self.location = LMDBLocation(directory, driver.turns.atEnd, clock=reactor.seconds)
        self.port = driver.flows.ports[0]
        self.port.start()

    def serve(self, *resources: Any) -> None:
        """Make them the resources of the endpoint."""
        self._chains[0] = resources

    def isLocal(self, uri: SIPURI) -> bool:
        host = uri.host.lower()
        if host in self.domains:
            return True
        return self._endpoints.isOurs(host, uri.port or 5060)

    def isTrusted(self, flow: Any) -> bool:
        return False

    def close(self) -> None:
        self.location.close()
        self._peer.close()

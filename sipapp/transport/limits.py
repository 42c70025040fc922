"""What a peer may use of an endpoint, and the log line when one wants more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.logger import Logger

from sipapp.sip import MessageBounds
from sipapp.sources import sourceOf
from sipapp.transport.networks import NONE, Networks

_log = Logger()

#: One line for each kind of limit and endpoint in so many seconds.
_QUIET = 10.0


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The limits of one endpoint, in each worker; sizes in bytes, times in seconds. For datagrams
    there is but the first.

    @ivar message: how large a message may be.
    @ivar connections: inbound connections at once.
    @ivar connectionsPerAddress: inbound connections at once from one address, or /64 of IPv6.
    @ivar exempt: addresses that C{connectionsPerAddress} is not for.
    @ivar idleTimeout: a connection that has received nothing for so long is closed.
    @ivar messageTimeout: for a TLS handshake, or the rest of a message that has begun.
    @ivar backlog: what may wait to be sent to a peer that reads too slowly.
    @ivar connectTimeout: for an outgoing connection.
    """

    message: MessageBounds = field(default_factory=MessageBounds)
    connections: int = 4096
    connectionsPerAddress: int = 1024
    exempt: Networks = NONE
    idleTimeout: float = 3600.0
    messageTimeout: float = 10.0
    backlog: int = 4 << 20
    connectTimeout: float = 5.0


class ConnectionCount:
    """The inbound connections of one endpoint, all together and by source: an IPv4 address, or the
    /64 of an IPv6 address, which is what one customer has.

    @ivar admitted: how many were admitted so far.
    """

    def __init__(self, limits: StreamLimits, limitLog: LimitLog, name: str) -> None:
        """
        @param name: of the endpoint, for the log.
        """
        self._limits = limits
        self._limitLog = limitLog
        self._name = name
        self.admitted = 0
        self._all = 0
        self._bySource: dict[str, int] = {}

    def __len__(self) -> int:
        """How many there are."""
        return self._all

    def admit(self, host: str) -> bool:
        """Count a connection, unless it is one too many.

        @param host: the address it comes from.
        """
        limits = self._limits
        if self._all >= limits.connections:
            self._limitLog.hit("connections", self._name, host, "too many, refused")
            return False
        here = self._bySource.get(_sourceOf(host), 0)
        if here >= limits.connectionsPerAddress and host not in limits.exempt:
            self._limitLog.hit("connectionsPerAddress", self._name, host, "too many, refused")
            return False
        self.admitted += 1
        self.enter(host)
        return True

    def enter(self, host: str) -> None:
        """Count a connection that another worker has admitted."""
        self._all += 1
        source = _sourceOf(host)
        self._bySource[source] = self._bySource.get(source, 0) + 1

    def leave(self, host: str) -> None:
        """A connection that was counted has ended."""
        self._all -= 1
        source = _sourceOf(host)
        self._bySource[source] -= 1
        if not self._bySource[source]:
            del self._bySource[source]


def _sourceOf(host: str) -> str:
    """What an address counts as: of IPv6, the /64."""
    return str(sourceOf(host)) if ":" in host else host


class LimitLog:
    """Says once, and then not for a while, that a limit was hit. The counts are kept for all.

    @ivar counts: how often each limit was hit, by its name.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.counts: dict[str, int] = {}
        self._clock = clock
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, limit: str) -> None:
        """Count what needs no line."""
        self.counts[limit] = self.counts.get(limit, 0) + 1

    def hit(self, limit: str, endpoint: str, remote: str, detail: str) -> None:
        """A limit was hit.

        @param limit: its name. @param endpoint: whose limit it is.
        @param remote: the address of the peer, or some of it.
        @param detail: what happened and what became of it, in words.
        """
        self.count(limit)
        now = self._clock()
        spoken, silent = self._last.get((limit, endpoint), (now - _QUIET, 0))
        if now - spoken < _QUIET:
            self._last[limit, endpoint] = (spoken, silent + 1)
            return
        self._last[limit, endpoint] = (now, 0)
        _log.warn(
            "Limit {limit} of {endpoint} hit by {remote}: {detail}"
            " ({silent} more since the last line)",
            limit=limit,
            endpoint=endpoint,
            remote=remote,
            detail=detail,
            silent=silent,
            about={"source": remote},
        )

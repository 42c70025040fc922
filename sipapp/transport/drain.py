"""The end of a worker's work: when nobody needs it any more.

A worker that is told to stop may have no transaction of its own and still be needed: the response
to a request of another worker comes to its socket, or leaves over its connection. When a server
stops, all its workers are told at about the same time. So one that has nothing to do asks the
others over the bus, and stays while one that is stopping as well has something pending. Those that
are not stopping do not count: they get by without it. Those that do not answer are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed

from sipapp.transport.bus import Ask, Tell

if TYPE_CHECKING:
    from sipapp.transport.driver import Driver

#: How often the others are asked, in seconds.
_INTERVAL = 0.05
#: How long nothing must have been pending: time for an ACK to follow the last response, and for
#: workers that were told later.
_QUIET = 0.25
#: How long a worker that has said it is busy is believed without saying so again.
_BELIEVED = 1.0
#: How long connections may take to send what was written to them.
_FLUSH = 1.0


class Drain:
    """One worker's way out."""

    def __init__(self, driver: Driver, peers: list[str], timeout: float) -> None:
        """
        @param peers: the codes of the other workers.
        @param timeout: seconds after which it goes whatever is pending.
        """
        self._driver = driver
        self._peers = peers
        self._reactor: Any = driver.reactor
        self._end = self._reactor.seconds() + timeout
        self._busyAt = self._reactor.seconds()
        self._told: dict[str, float] = {}
        self._done: Deferred[bool] = Deferred()

    def start(self) -> Deferred[bool]:
        """
        @return: fires with true when nothing is pending, with false after the timeout; in either
            case when the connections are closed.
        """
        self._look()
        return self._done.addCallback(self._flush)

    def told(self, tell: Tell) -> None:
        """Another worker has answered."""
        if tell.draining and tell.pending:
            self._told[tell.sender] = self._reactor.seconds()
        else:
            self._told.pop(tell.sender, None)

    def _look(self) -> None:
        now = self._reactor.seconds()
        if self._isBusy(now):
            self._busyAt = now
        if now - self._busyAt >= _QUIET:
            self._done.callback(True)
        elif now >= self._end:
            self._done.callback(not self._isBusy(now))
        else:
            for peer in self._peers:
                self._driver.bus.send(peer, Ask(self._driver.identifiers.code))
            self._reactor.callLater(min(self._end - now, _INTERVAL), self._look)

    def _isBusy(self, now: float) -> bool:
        driver = self._driver
        if driver.layer.pending:
            return True
        if not driver.streams.flows and not any(one.codes for one in driver.flows.ports.values()):
            # Nothing comes or goes through this worker that is not its own.
            return False
        return any(now - then < _BELIEVED for then in self._told.values())

    def _flush(self, result: bool) -> Deferred[bool]:
        streams = self._driver.streams
        if not streams.flows:
            return succeed(result)
        closed = streams.closeGently(_FLUSH)
        return closed.addCallback(lambda _: result)

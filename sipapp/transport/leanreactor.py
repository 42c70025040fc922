"""The reactor of a worker: Twisted's for epoll, with a shorter way from event to reader.

Twisted makes a dictionary of context for the old C{log.msg} around every event. Nothing here logs
that way, and for a worker that is woken for each datagram it costs as much as to parse one; see
C{docs/decisions/0008-lean-reactor.md}.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor

__all__ = ["LeanReactor", "install"]


class LeanReactor(EPollReactor):
    """Calls readers and writers directly. What they raise is logged, and they are disconnected, by
    C{_doReadOrWrite}, as ever.

    @ivar waited: seconds that it has waited for events so far; the rest of the time it worked.
    """

    waited = 0.0

    def doPoll(self, timeout: float | None) -> None:
        """Wait for events and pass them on.

        @param timeout: in seconds; C{None} waits until there is one.
        """
        selectables = self._selectables
        began = perf_counter()
        events = self._poller.poll(-1 if timeout is None else timeout, len(selectables))
        self.waited += perf_counter() - began
        for fd, event in events:
            # Somebody who was called before may have closed it.
            selectable = selectables.get(fd)
            if selectable is not None:
                self._doReadOrWrite(selectable, fd, event)

    doIteration = doPoll


def install() -> Any:
    """Make it the reactor of this process, before anybody has imported another.

    @return: the reactor.
    """
    reactor = LeanReactor()
    installReactor(reactor)
    return reactor

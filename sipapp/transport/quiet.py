"""Wait until nothing has been going on for a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

#: How often is looked, in seconds.
_INTERVAL = 0.05
#: How long nothing must have been going on, if something was.
_QUIET = 0.25


def whenQuiet(reactor: Any, timeout: float, isBusy: Callable[[], bool]) -> Deferred[bool]:
    """
    @return: fires with true when nothing is going on, with false if that took longer than
        C{timeout} seconds.
    """
    done: Deferred[bool] = Deferred()
    end = reactor.seconds() + timeout

    def look(quietFrom: float) -> None:
        now = reactor.seconds()
        if isBusy():
            quietFrom = now + _QUIET
        if now >= quietFrom:
            done.callback(True)
        elif now >= end:
            done.callback(False)
        else:
            reactor.callLater(min(end - now, _INTERVAL), look, quietFrom)

    look(0.0)
    return done

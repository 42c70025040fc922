"""Reloading: the configuration, certificates, plugins and code are read anew.

Nothing changes unless all of it can: the whole configuration is validated first, then everything
is bound and started, and only then L{sipapp.succession} lets the new workers take over. What is
wrong is said in the log, and the server goes on as it was.

What operators adjust while the server runs comes in the same way: it is another configuration, that
of the file with what they have changed. The next reload of the file forgets it, and says so.

A request during a reload is remembered: when that reload is over the next one begins, because
the file may have changed since it was read. A third request adds nothing to a second, unless
something is adjusted: that is done in the order in which it was asked for, one thing after the
other, so that each has an outcome of its own. The start of the server counts as a reload.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sipapp.config import ConfigurationError, Plan, Settings
from sipapp.outcomes import Reloaded
from sipapp.pool import BindError, BootFailure, PoolStopped
from sipapp.succession import Succession

__all__ = ["Load", "Reload", "changes"]

_log = Logger()

Load = Callable[[], tuple[Settings, Plan]]
"""Gives a configuration and what it comes to."""

# What the parent and all generations have in common is settled at the start.
_FIXED = (
    "server.run_directory",
    "server.state_directory",
    "server.secret_file",
    "server.user",
    "server.group",
    "location",
    "administration",
    "manhole",
    "log",
)

IDLE = "idle"
RELOADING = "reloading"
AGAIN = "reloading, to be done again"

REQUEST = "request"
DONE = "done"

# STATE -> INPUT -> (next state, whether a reload begins).
TABLE: dict[str, dict[str, tuple[str, bool]]] = {
    IDLE: {REQUEST: (RELOADING, True)},
    RELOADING: {REQUEST: (AGAIN, False), DONE: (IDLE, False)},
    AGAIN: {REQUEST: (AGAIN, False), DONE: (RELOADING, True)},
}


class _Wish:
    """A reload that has not begun.

    @ivar load: gives the configuration; C{None} reads the file.
    @ivar waiting: who wants to know what has come of it.
    """

    def __init__(self, load: Load | None) -> None:
        self.load = load
        self.waiting: list[Deferred[Reloaded]] = []

    def fulfil(self, outcome: Reloaded) -> None:
        for each in self.waiting:
            each.callback(outcome)

    def refuse(self, failure: Failure) -> None:
        for each in self.waiting:
            each.errback(failure)


class Reload:
    """Reloads a server, one time after the other.

    @ivar state: one of the keys of L{TABLE}.
    """

    def __init__(
        self,
        succession: Succession,
        load: Load,
        onBegin: Callable[[], None] = lambda: None,
        onEnd: Callable[[str], None] = lambda outcome: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        @param load: reads the configuration and works out what it comes to.
        @param onBegin: called when a reload begins.
        @param onEnd: called with what has come of it, in a sentence.
        """
        self.state = RELOADING
        self._succession = succession
        self._load = load
        self._onBegin = onBegin
        self._onEnd = onEnd
        self._clock = clock
        self._wishes: deque[_Wish] = deque()

    def request(self, load: Load | None = None) -> Deferred[Reloaded]:
        """Reload as soon as may be.

        @param load: gives the configuration, when it is its turn; C{None} reads the file.
        @return: fires when the server is as it was asked to be. Fails with what was wrong if it
            goes on as it was: L{ConfigurationError}, L{BindError}, L{BootFailure}, L{OSError}, or
            L{PoolStopped} as it is being stopped. The log has been told by then.
        """
        outcome: Deferred[Reloaded] = Deferred()
        if load is not None or not self._wishes or self._wishes[-1].load is not None:
            self._wishes.append(_Wish(load))
        self._wishes[-1].waiting.append(outcome)
        if self.state != IDLE:
            _log.info("Asked to reload during a reload: does it once more afterwards")
        self._receive(REQUEST)
        return outcome

    def started(self) -> None:
        """The server is ready: from now on it can be reloaded."""
        self._receive(DONE)

    def _receive(self, event: str) -> None:
        self.state, begins = TABLE[self.state][event]
        if begins:
            wish = self._wishes.popleft()
            if self._wishes:
                self._receive(REQUEST)
            reloading = Deferred.fromCoroutine(self._reload(wish.load))
            reloading.addCallbacks(wish.fulfil, wish.refuse)
            reloading.addCallback(lambda _: self._receive(DONE))

    async def _reload(self, load: Load | None) -> Reloaded:
        began = self._clock()
        self._onBegin()
        old = self._succession.current
        try:
            settings, plan = self._load() if load is None else load()
            changed = changes(old.settings, settings)
            _log.info("Reload of {file}: {changes}", file=settings.file, changes=_told(changed))
            _checkFixed(settings, changed)
            await self._succession.replace(settings, plan)
        except PoolStopped:
            self._onEnd("The reload was given up")
            raise
        except (ConfigurationError, BindError, BootFailure, OSError) as error:
            self._refused(str(error))
            raise
        except Exception as error:
            _log.failure("The reload has met an error")
            self._refused(f"{type(error).__name__}: {error}")
            raise
        seconds = self._clock() - began
        number = self._succession.current.number
        outcome = f"Reloaded in {seconds:.1f} s: {plan.processes} workers, generation {number}"
        _log.info("{outcome}", outcome=outcome)
        forgotten = old.settings.adjustments.describe() if load is None else []
        if forgotten:
            _log.warn("What was adjusted is forgotten: {it}", it="; ".join(forgotten))
        self._onEnd(outcome)
        return Reloaded(number, plan.processes, round(seconds, 3), changed)

    def _refused(self, cause: str) -> None:
        _log.critical(
            "Not reloaded, the server goes on as it was. {cause}",
            cause=cause,
        )
        self._onEnd(f"Not reloaded. {cause}")


def changes(old: Settings, new: Settings) -> list[str]:
    """
    @return: the keys that have another value in one configuration than in the other, as they
        stand in a file. Values may be secret.
    """
    found = _differences("", msgspec.to_builtins(old), msgspec.to_builtins(new))
    return sorted({key for key in found if key != "file"})


def _differences(key: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    prefix = f"{key}." if key else ""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            yield from _differences(f"{prefix}{name}", old.get(name), new.get(name))
    elif key == "listen" and isinstance(old, list | tuple) and isinstance(new, list | tuple):
        longer, shorter = (old, new) if len(old) > len(new) else (new, old)
        for index, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from _differences(f"listen[{index}]", one, other)
        for index in range(len(shorter), len(longer)):
            yield f"listen[{index}]"
    else:
        yield key


def _told(changed: list[str]) -> str:
    if not changed:
        return "the configuration is the same, everything else is read anew"
    return f"changed are {', '.join(changed)}"


def _checkFixed(new: Settings, changed: list[str]) -> None:
    """
    @raise ConfigurationError: if something has changed that cannot while the server runs.
    """
    for key in changed:
        if any(key == fixed or key.startswith(f"{fixed}.") for fixed in _FIXED):
            raise ConfigurationError(
                new.file, key, "cannot be changed while the server runs: restart it"
            )

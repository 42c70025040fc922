"""Reloading: the configuration, certificates, plugins and code are read anew.

Nothing changes unless all of it can: the whole configuration is validated first, then everything
is bound and started, and only then L{sipapp.succession} lets the new workers take over. What is
wrong is said in the log, and the server goes on as it was.

A request during a reload is remembered: when that reload is over the next one begins, because
the file may have changed since it was read. A third request adds nothing to a second. The start of
the server counts as a reload.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sipapp.config import ConfigurationError, Plan, Settings
from sipapp.pool import BindError, BootFailure, PoolStopped
from sipapp.succession import Succession

__all__ = ["Reload", "changes"]

_log = Logger()

# What the parent and all generations have in common is settled at the start.
_FIXED = (
    "server.run_directory",
    "server.state_directory",
    "server.secret_file",
    "server.user",
    "server.group",
    "location",
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


class Reload:
    """Reloads a server, one time after the other.

    @ivar state: one of the keys of L{TABLE}.
    """

    def __init__(
        self,
        succession: Succession,
        load: Callable[[], tuple[Settings, Plan]],
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

    def request(self) -> None:
        """Reload as soon as may be."""
        self._receive(REQUEST)

    def started(self) -> None:
        """The server is ready: from now on it can be reloaded."""
        self._receive(DONE)

    def _receive(self, event: str) -> None:
        self.state, begins = TABLE[self.state][event]
        if begins:
            reloading = Deferred.fromCoroutine(self._reload())
            reloading.addErrback(lambda failure: _log.failure("The reload failed", failure))
            reloading.addCallback(lambda _: self._receive(DONE))
        elif self.state == AGAIN:
            _log.info("Asked to reload during a reload: does it once more afterwards")

    async def _reload(self) -> None:
        began = self._clock()
        self._onBegin()
        old = self._succession.current
        try:
            settings, plan = self._load()
            _log.info(
                "Reload of {file}: {changes}", file=settings.file, changes=_told(old, settings)
            )
            _checkFixed(old.settings, settings)
            await self._succession.replace(settings, plan)
        except PoolStopped:
            # The server is being stopped.
            self._onEnd("The reload was given up")
        except (ConfigurationError, BindError, BootFailure, OSError) as error:
            self._refused(str(error))
        except Exception as error:
            _log.failure("The reload has met an error")
            self._refused(f"{type(error).__name__}: {error}")
        else:
            outcome = (
                f"Reloaded in {self._clock() - began:.1f} s: {plan.processes} workers,"
                f" generation {self._succession.current.number}"
            )
            _log.info("{outcome}", outcome=outcome)
            self._onEnd(outcome)

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


def _told(old: Any, settings: Settings) -> str:
    changed = changes(old.settings, settings)
    if not changed:
        return "the configuration is the same, everything else is read anew"
    return f"changed are {', '.join(changed)}"


def _checkFixed(old: Settings, new: Settings) -> None:
    """
    @raise ConfigurationError: if something has changed that cannot while the server runs.
    """
    for key in changes(old, new):
        if any(key == fixed or key.startswith(f"{fixed}.") for fixed in _FIXED):
            raise ConfigurationError(
                new.file, key, "cannot be changed while the server runs: restart it"
            )

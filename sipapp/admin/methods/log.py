"""C{log.*}: what is logged, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct
from twisted.internet.defer import gatherResults

from sipapp.admin.methods.workforce import Workforce
from sipapp.config import Settings, tomlKey
from sipapp.rpc import Conflict, NotFound, method

__all__ = ["LevelRow", "LogMethods"]

PARENT = "parent"
"""What the process is called that has started the workers."""

#: Changes that hold at once.
_MOST = 100

_Level = Literal["debug", "info", "warn", "error", "critical", "default"]
_Namespace = Annotated[str, Meta(max_length=128, pattern=r"\A[A-Za-z0-9_.]*\Z")]


class LevelRow(Struct, frozen=True, rename=tomlKey):
    """A level that holds.

    @ivar level: the least severe that is logged.
    @ivar namespace: where; empty for everywhere else.
    @ivar worker: a worker, a pool, or the parent; empty for the whole server.
    @ivar isSet: whether it was set at run time, and is not that of the configuration.
    """

    level: str
    namespace: str
    worker: str
    isSet: bool


class LogMethods:
    """The levels of the log. What is set here is forgotten when the server stops."""

    def __init__(
        self,
        workforce: Workforce,
        settings: Callable[[], Settings],
        setOwn: Callable[[Mapping[str, str]], None] | None,
    ) -> None:
        """
        @param settings: those in force.
        @param setOwn: sets the levels of this process; C{None} if its log is not ours.
        """
        self._workforce = workforce
        self._settings = settings
        self._setOwn = setOwn
        self._rules: dict[tuple[str, str], str] = {}

    @method()
    def levels(self) -> list[LevelRow]:
        """Show which levels of the log hold: that of the configuration first, then what log.level
        has set."""
        rows = [LevelRow(self._settings().log.level, "", "", isSet=False)]
        rows += [
            LevelRow(level, namespace, worker, isSet=True)
            for (worker, namespace), level in sorted(self._rules.items())
        ]
        return rows

    @method(role="operator", changes=True)
    async def level(
        self, level: _Level, namespace: _Namespace = "", worker: str = ""
    ) -> list[LevelRow]:
        """Set the least severe level that is logged, and show what holds from now on.

        level: debug, info, warn, error or critical; default takes back what was set. namespace:
        only for a part of the program and those below it, such as sipapp.transport. worker: only
        for a worker such as udp-0/2, for a pool such as udp-0, or for the parent.

        What is set for a worker goes before what is set for its pool, and that before what is set
        for the server. It holds until the server stops: reloads and new workers do not change it.
        """
        self._checkWorker(worker)
        if worker == PARENT and self._setOwn is None:
            raise Conflict("what the parent logs goes to the --logger of twistd, all of it")
        if level == "default":
            self._rules.pop((worker, namespace), None)
        elif len(self._rules) >= _MOST and (worker, namespace) not in self._rules:
            raise Conflict(f"{_MOST} levels are set already")
        else:
            self._rules[worker, namespace] = level
        if self._setOwn is not None:
            self._setOwn(self.levelsOf(PARENT))
        entries = [each.name for each in self._workforce.states() if each.state == "ready"]
        # Who does not answer is about to go, and the next one asks.
        await gatherResults(
            [
                self._workforce.ask(name, "log.levels", levels=self.levelsOf(name)).addErrback(
                    lambda failure: None
                )
                for name in entries
            ]
        )
        return self.levels()

    def levelsOf(self, worker: str) -> dict[str, str]:
        """
        @param worker: its name, or L{PARENT}.
        @return: what it logs, by namespace; C{""} is everything else.
        """
        found: dict[str, str] = {"": self._settings().log.level}
        for scope in ("", worker.rpartition("/")[0], worker):
            found |= {
                namespace: level
                for (each, namespace), level in self._rules.items()
                if each == scope
            }
        return found

    def _checkWorker(self, worker: str) -> None:
        entries = self._workforce.states()
        known = {"", PARENT, *(each.name for each in entries), *(each.pool for each in entries)}
        # One that has gone may still have something to take back.
        if worker not in known | {each for each, _ in self._rules}:
            raise NotFound(f"there is no worker or pool {worker!a}")

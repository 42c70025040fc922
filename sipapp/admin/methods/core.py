"""C{core.*}: the server as a whole."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

import twisted
from sipapp import __version__
from sipapp.admin.methods.outcome import outcomeOf
from sipapp.admin.methods.pausing import Pausing
from sipapp.admin.stats.begun import begun
from sipapp.outcomes import Reloaded
from sipapp.pool.slottable import READY
from sipapp.rpc import Conflict, method

if TYPE_CHECKING:
    from sipapp.reload import Reload
    from sipapp.succession import Succession

__all__ = ["Begun", "CoreMethods", "Drained", "GenerationView", "ServerView", "Uptime"]

#: Seconds until what ends this program begins: the answer that it does leaves before.
_FAREWELL = 0.1


class Uptime(Struct, frozen=True):
    """How long the server has been there.

    @ivar now: the time, ISO 8601. @ivar up_since: when it was started.
    @ivar uptime: in seconds.
    """

    now: str
    up_since: str  # Kamailio's name
    uptime: int


class GenerationView(Struct, frozen=True):
    """The workers of one configuration.

    @ivar workers: how many there are to be, or have been. @ivar ready: how many are.
    """

    number: int
    workers: int
    ready: int


class ServerView(Struct, frozen=True, kw_only=True):
    """How the server stands.

    @ivar ready: whether it serves and takes new work.
    @ivar draining: whether it was told to take none.
    @ivar generation: the number of the one that serves; each reload makes another.
    @ivar generations: all that there are: those that finish their work, the one that serves, and
        the one that gets ready.
    @ivar adjusted: in what the configuration differs from its file.
    """

    version: str
    pid: int
    file: str
    ready: bool
    draining: bool
    generation: int
    generations: list[GenerationView]
    adjusted: list[str]


class Drained(Struct, frozen=True):
    """Where nothing new is taken any more."""

    paused: list[str]


class Begun(Struct, frozen=True):
    """What has begun.

    @ivar pid: of the server. @ivar generation: the number of the one that serves now.
    """

    pid: int
    generation: int


class CoreMethods:
    """Tells how the server stands, and reloads, drains and ends it."""

    def __init__(
        self,
        succession: Succession,
        reload: Reload,
        pausing: Pausing,
        upgrade: Callable[[], None],
        stop: Callable[[], None],
        isReady: Callable[[], bool],
        reactor: Any,
    ) -> None:
        """
        @param upgrade: begins to execute the program anew. @param stop: begins to stop the server.
        @param isReady: tells whether it serves.
        @param reactor: provides C{IReactorTime}.
        """
        self._succession = succession
        self._reload = reload
        self._pausing = pausing
        self._upgrade = upgrade
        self._stop = stop
        self._isReady = isReady
        self._reactor = reactor

    @method()
    def version(self) -> str:
        """Tell what runs: sipapp, and what it runs on."""
        return (
            f"sipapp {__version__} (Twisted {twisted.__version__},"
            f" Python {platform.python_version()}, {platform.system()} {platform.machine()})"
        )

    @method()
    def uptime(self) -> Uptime:
        """Tell since when the server has been there. An upgrade does not begin anew."""
        now = time.time()
        since = begun(now)
        return Uptime(_written(now), _written(since), int(now - since))

    @method()
    def info(self) -> ServerView:
        """Tell how the server stands, and in what its configuration differs from the file."""
        current = self._succession.current
        return ServerView(
            version=__version__,
            pid=os.getpid(),
            file=current.settings.file,
            ready=self._isReady() and not self._pausing.pauses.isDraining,
            draining=self._pausing.pauses.isDraining,
            generation=current.number,
            generations=[
                GenerationView(
                    each.number,
                    each.plan.processes,
                    sum(worker.state == READY for worker in each.workers()),
                )
                for each in self._succession.generations
            ],
            adjusted=current.settings.adjustments.describe(),
        )

    @method(role="operator", changes=True)
    async def reload(self) -> Reloaded:
        """Read the configuration, certificates, plugins and code anew, and wait for the outcome.

        All of it or nothing: if something is wrong the server goes on as it was, and the fault says
        what it is. Calls do not notice. What was adjusted at run time (pool.resize, listener.add,
        listener.remove) is forgotten; what is paused stays paused.
        """
        return await outcomeOf(self._reload.request())

    @method(role="operator", changes=True)
    async def drain(self) -> Drained:
        """Take nothing new, and finish what was begun.

        Requests that would begin something are answered with 503, new SIP connections are closed at
        once, /readyz says no. Calls that are there go on, with all that belongs to them, and HTTP
        is served, so that the server can be looked at. It lasts until core.resume, also through
        reloads and an upgrade.
        """
        return await self._drain(True)

    @method(role="operator", changes=True)
    async def resume(self) -> Drained:
        """End a drain: take new work again, but for the listeners that were paused one by one.

        Those are what is returned.
        """
        return await self._drain(False)

    @method(role="admin", changes=True)
    def shutdown(self) -> Begun:
        """End the server: its workers finish what they have, for drain_timeout at most, and go.

        The answer comes before that.
        """
        return self._begin(self._stop)

    @method(role="admin", changes=True)
    def upgrade(self) -> Begun:
        """Execute the program anew in the place of this one, with what is installed now.

        It begins when nothing else is under way, and ends with a reload. Sockets and calls stay,
        and so does what was adjusted or paused. The answer comes before that; the log has the
        outcome, and a higher generation shows that it went well.
        """
        if not self._isReady():
            raise Conflict("the server starts or stops")
        return self._begin(self._upgrade)

    async def _drain(self, isDraining: bool) -> Drained:
        pauses = replace(self._pausing.pauses, isDraining=isDraining)
        await self._pausing.change(pauses)
        listeners = self._succession.current.plan.listeners
        return Drained([each.name for each in listeners if pauses.concerns(each)])

    def _begin(self, what: Callable[[], None]) -> Begun:
        self._reactor.callLater(_FAREWELL, what)
        return Begun(os.getpid(), self._succession.current.number)


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

"""C{ban.*}: who is not listened to."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import lmdb
from msgspec import Meta, Struct
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.threads import deferToThread

from sipapp.config import Settings, tomlKey
from sipapp.rpc import Conflict, InvalidParameters, NotFound, Unavailable, method
from sipapp.sources import Network, parseNetwork
from sipapp.storage.banfile import Ban, BanFile
from sipapp.storage.shelf import ShelfFull

__all__ = ["BanEntry", "BanMethods"]

T = TypeVar("T")

Duration = Annotated[float, Meta(gt=0, le=1e9)]
Reason = Annotated[str, Meta(min_length=1, max_length=200)]


class BanEntry(Struct, frozen=True, kw_only=True, rename=tomlKey):
    """A network that is not listened to.

    @ivar network: an address or a network.
    @ivar since: when the ban began, in seconds since 1970.
    @ivar left: seconds until it ends; C{None} if it does not.
    @ivar reason: what it is for.
    @ivar datagramsOnly: whether connections from there are welcome.
    """

    network: str
    since: float
    left: float | None
    reason: str
    datagramsOnly: bool


class BanMethods:
    """Works on the list that all workers share; each sees a change within a second.

    The file is open only while something is done with it: nothing has to be let go of when the
    server executes its program anew.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        clock: Callable[[], float] = time.time,
        inThread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        """
        @param settings: gives those that are in force.
        @param clock: gives the seconds since the epoch.
        @param inThread: runs a function where it may block.
        """
        self._settings = settings
        self._clock = clock
        self._inThread = inThread
        # A process must not open the file twice at the same time.
        self._turn = DeferredLock()

    @method(name="list")
    async def entries(self) -> list[BanEntry]:
        """Show who is banned, for how long and why."""
        if not self._settings().bans.enabled:
            return []
        now = self._clock()
        _, bans = await self._do(lambda file: file.bans(now))
        return [_entry(network, ban, now) for network, ban in bans.items()]

    @method(role="operator", changes=True)
    async def add(
        self, network: str, seconds: Duration | None = None, reason: Reason = "operator"
    ) -> BanEntry:
        """Ban an address or a network, whatever it does or has done.

        network: such as 192.0.2.1 or 192.0.2.0/24; an address of IPv6 stands for its /64. seconds:
        how long; without it, until the ban is removed. reason: for those who see the list.
        """
        banned = _network(network)
        now = self._clock()
        ban = Ban(now, math.inf if seconds is None else now + seconds, reason)
        self._mustBeOn()
        await self._do(lambda file: file.add(banned, ban))
        return _entry(str(banned), ban, now)

    @method(role="operator", changes=True)
    async def remove(self, network: str) -> None:
        """End a ban, and forget what has led to it.

        network: as ban.list shows it.
        """
        banned = _network(network)
        self._mustBeOn()
        if not await self._do(lambda file: file.remove(banned)):
            raise NotFound(f"{banned} is not banned")

    def _mustBeOn(self) -> None:
        if not self._settings().bans.enabled:
            raise Unavailable("nobody is banned here: [bans] enabled = false")

    async def _do(self, job: Callable[[BanFile], T]) -> T:
        path = Path(self._settings().bansPath)
        done: Deferred[T] = self._turn.run(self._inThread, partial(_inFile, path, job))
        try:
            return await done
        except ShelfFull as error:
            raise Conflict(str(error)) from None
        except (lmdb.Error, OSError) as error:
            raise Unavailable(f"the ban list cannot be used: {error}") from None


def _inFile(path: Path, job: Callable[[BanFile], T]) -> T:
    file = BanFile(path)
    try:
        return job(file)
    finally:
        file.close()


def _entry(network: str, ban: Ban, now: float) -> BanEntry:
    return BanEntry(
        network=network,
        since=ban.since,
        left=None if ban.ends == math.inf else round(max(ban.ends - now, 0.0), 1),
        reason=ban.reason,
        datagramsOnly=ban.datagramsOnly,
    )


def _network(text: str) -> Network:
    try:
        return parseNetwork(text)
    except ValueError:
        raise InvalidParameters(f"network: {text!a} is neither an address nor a network") from None

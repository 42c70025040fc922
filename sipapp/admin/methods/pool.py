"""C{pool.*}: the worker processes of listeners, as many as there are to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from sipapp.admin.methods.outcome import outcomeOf
from sipapp.config import PoolPlan, tomlKey
from sipapp.config.values import Workers
from sipapp.outcomes import Restarted
from sipapp.pool.slottable import READY
from sipapp.rpc import Caller, NotFound, method

if TYPE_CHECKING:
    from sipapp.adjusting import Adjusting
    from sipapp.rolling import Rolling
    from sipapp.succession import Succession

__all__ = ["PoolEntry", "PoolMethods"]


class PoolEntry(Struct, frozen=True, kw_only=True, rename=tomlKey):
    """A pool.

    @ivar kind: C{udp}, C{stream} (TCP and TLS) or C{web}.
    @ivar size: how many workers it is to have. @ivar ready: how many serve.
    @ivar sizeFrom: what gives it this size.
    @ivar endpoints: the listeners that it serves.
    @ivar resources: what it serves there, in order.
    @ivar pids: of the workers, by slot.
    """

    name: str
    kind: str
    size: int
    ready: int
    sizeFrom: str
    endpoints: list[str]
    resources: list[str]
    pids: list[int | None]


class PoolMethods:
    """Shows pools, and changes how many workers they have."""

    def __init__(self, succession: Succession, adjusting: Adjusting, rolling: Rolling) -> None:
        self._succession = succession
        self._adjusting = adjusting
        self._rolling = rolling

    @method(name="list")
    def entries(self) -> list[PoolEntry]:
        """Show the pools: what they serve, and how many workers they have."""
        return [self._entry(each) for each in self._succession.current.plan.pools]

    @method(role="operator", changes=True)
    async def resize(self, pool: str, size: Workers) -> PoolEntry:
        """Give a pool more workers, or fewer, and wait for the outcome.

        pool: its name, such as udp-0. size: how many workers, 1 to 256.

        It is a reload with another number, all or nothing: fresh workers follow those that there
        are, and calls do not notice. The next reload of the configuration file forgets it.
        """
        self._check(pool)
        await outcomeOf(self._adjusting.resize(pool, size))
        return self._entry(self._succession.current.plan.pool(pool))

    @method(role="operator", changes=True)
    async def restart(self, pool: str, caller: Caller) -> Restarted:
        """Replace the workers of a pool by fresh ones, one after the other, and wait for the end.

        pool: its name, such as udp-0.

        Each fresh worker takes over from the one before it, calls and connections included, and
        the next one's turn comes when that has finished its work and gone. If a fresh one cannot
        start, the old one goes on, as do all that follow. A slot that is parked or starts anyway is
        left as it is; core.reload fills those that are parked.
        """
        self._check(pool)
        return await outcomeOf(self._rolling.restart(pool, asker=caller.through))

    def _check(self, pool: str) -> None:
        if pool not in self._succession.current.pools:
            raise NotFound(f"there is no pool {pool!r}")

    def _entry(self, plan: PoolPlan) -> PoolEntry:
        current = self._succession.current
        served = [each for each in current.plan.listeners if each.pool == plan.name]
        workers = current.pools[plan.name].workers()
        return PoolEntry(
            name=plan.name,
            kind=plan.kind,
            size=plan.size,
            ready=sum(each.state == READY for each in workers),
            sizeFrom=plan.reason,
            endpoints=[each.name for each in served],
            resources=list({name: None for each in served for name in each.listen.chain}),
            pids=[each.pid for each in workers],
        )

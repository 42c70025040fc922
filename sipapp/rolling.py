"""Workers that serve are replaced by fresh ones, one after the other (L{sipapp.pool.renewal}): with
the configuration that there is, but with the code and the certificates of now."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import Deferred

from sipapp.config import PoolPlan
from sipapp.generation import Generation
from sipapp.outcomes import NotRestarted, Restarted
from sipapp.pool import PoolStopped
from sipapp.pool.slottable import READY
from sipapp.succession import Succession

__all__ = ["Rolling"]


class Rolling:
    """Replaces workers of a server, in each pool one at a time."""

    def __init__(self, succession: Succession) -> None:
        self._succession = succession

    async def restart(
        self, name: str, slots: Iterable[int] | None = None, asker: str = ""
    ) -> Restarted:
        """Replace workers of a pool. Each has finished its work and gone before the next one's
        turn. If another generation takes over meanwhile, all workers are fresh ones.

        @param name: of the pool, which there is.
        @param slots: C{None} are all.
        @param asker: the worker that has asked for it, if one has. It cannot go before it has the
            answer: so it comes last, and its successor need only have taken over.
        @raise NotRestarted: if a fresh one cannot start.
        @raise PoolStopped: if the server is being stopped.
        """
        generation = self._succession.current
        plan = generation.plan.pool(name)
        outcome = Restarted([], {})
        wanted = range(plan.size) if slots is None else slots
        for slot in sorted(wanted, key=lambda slot: f"{name}/{slot}" == asker):
            worker = f"{name}/{slot}"
            state = await self._renew(generation, plan, slot, worker == asker)
            if state == READY:
                outcome.restarted.append(worker)
            else:
                outcome.left[worker] = state
        return outcome

    async def _renew(
        self, generation: Generation, plan: PoolPlan, slot: int, hasAsked: bool
    ) -> str:
        """Replace one, unless its generation has been followed by another.

        @param hasAsked: whether it waits for that, so that nobody can wait for its end.
        @return: the state that it was in: if that is another than ready, it is left as it is.
        """
        pool = generation.pools[plan.name]
        while self._succession.current is generation:
            worker = pool.workers()[slot]
            if not pool.running:
                raise PoolStopped("the server is being stopped")
            if not pool.renewals.mayBegin:
                await pool.renewals.whenChanged()
            elif worker.state != READY:
                return worker.state
            elif await self._taken(generation, plan, slot, hasAsked):
                break
            elif pool.renewals.mayBegin:
                raise NotRestarted(f"{worker.name} goes on as it was: {pool.renewals.refusal}")
        return READY

    def _taken(
        self, generation: Generation, plan: PoolPlan, slot: int, hasAsked: bool
    ) -> Deferred[bool]:
        """
        @return: fires with whether a fresh one has taken the place.
        """
        outcome: Deferred[bool] = Deferred()

        def taken() -> None:
            if hasAsked:
                outcome.callback(True)

        def over(isTaken: bool) -> None:
            if not outcome.called:
                outcome.callback(isTaken)

        generation.renew(plan, slot, taken).addCallback(over)
        return outcome

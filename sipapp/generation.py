"""A generation: the workers of one configuration, all pools of them.

A server starts with generation 0. A reload starts the next one on the same sockets; how one takes
over from the other is in L{sipapp.succession}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, FirstError, gatherResults
from twisted.python.failure import Failure

from sipapp.assignment import Assignment, encodeAssignment, renewedCode, workerCode
from sipapp.config import Plan, PoolPlan, Settings, encodeSettings
from sipapp.ground import Ground
from sipapp.listening import Given, Listening
from sipapp.pool import Desk, MemoryWatch, Patience, ProcessPool, Spawn, WorkerState
from sipapp.postmortem import nameMessage

__all__ = ["Generation"]

#: How long a connection may take to come about, in seconds.
_CONNECT = 1.0


class Generation(MultiService):
    """The pools of one configuration.

    @ivar number: counts the generations of the server, from 0.
    @ivar settings: the configuration.
    @ivar plan: what it comes to, with the ports that were bound.
    @ivar given: how many sockets it has of each listener.
    @ivar codes: for each pool, the codes of its workers by slot.
    @ivar pools: the pools by name.
    """

    def __init__(
        self,
        number: int,
        settings: Settings,
        plan: Plan,
        given: Given,
        ground: Ground,
        listening: Listening,
        reactor: Any,
        predecessor: Generation | None = None,
        onChange: Callable[[], None] = lambda: None,
        desk: Desk | None = None,
    ) -> None:
        """
        @param predecessor: the one that serves until this one takes over.
        @param onChange: called whenever a worker is ready or has gone.
        @param desk: who answers the workers.
        """
        super().__init__()
        self.number = number
        self.settings = settings
        self.plan = plan
        self.given = given
        self.codes = {
            pool.name: tuple(workerCode(index, slot, number) for slot in range(pool.size))
            for index, pool in enumerate(plan.pools)
        }
        self._ground = ground
        self._listening = listening
        self._reactor = reactor
        self._onChange = onChange
        self._desk = desk
        self._predecessor = predecessor
        # Sockets that have another place in the group of their listener than they had before.
        self._resized = frozenset(
            listener.index
            for old in (() if predecessor is None else predecessor.plan.listeners)
            for listener in plan.listeners
            if listener.index == old.index and listener.slots != old.slots
        )
        self.pools = {pool.name: self._makePool(pool) for pool in plan.pools}
        if predecessor is not None:
            self.hold()

    @property
    def slots(self) -> Given:
        """How many slots each listener has."""
        return {listener.index: listener.slots for listener in self.plan.listeners}

    @property
    def sipCodes(self) -> list[str]:
        """The codes of all workers that have a place on the bus."""
        return [code for pool in self.plan.pools for code in self._onBus(pool)]

    def workers(self) -> list[WorkerState]:
        """The slots of all pools."""
        return [worker for pool in self.pools.values() for worker in pool.workers()]

    def whenReady(self) -> Deferred[Any]:
        """
        @return: fires when every worker has been ready for the first time; fails as
            C{ProcessPool.whenReady} of the first pool that cannot be started.
        """
        ready = gatherResults(
            [pool.whenReady() for pool in self.pools.values()], consumeErrors=True
        )
        return ready.addErrback(_unwrap)

    def neighbours(self, pool: PoolPlan) -> tuple[PoolPlan, ...]:
        """
        @param pool: one of another generation.
        @return: the pools of this one that serve listeners that it serves.
        """
        served = set(pool.listeners)
        return tuple(each for each in self.plan.pools if not served.isdisjoint(each.listeners))

    def successors(self, pool: PoolPlan) -> tuple[str, ...]:
        """
        @param pool: one of the generation before.
        @return: the codes of the workers of this one that take over from it, in slot order.
        """
        return tuple(code for each in self.neighbours(pool) for code in self._onBus(each))

    def settle(self) -> None:
        """The predecessors have handed over: workers that are started from now on follow nobody."""
        self._predecessor = None

    def hold(self) -> Deferred[Any]:
        """Have no worker renewed until L{release}.

        @return: fires when another generation can take over.
        """
        return DeferredList([pool.renewals.hold() for pool in self.pools.values()])

    def release(self) -> None:
        """Workers may be renewed."""
        for pool in self.pools.values():
            pool.renewals.release()

    def renew(
        self, plan: PoolPlan, slot: int, onTaken: Callable[[], None] = lambda: None
    ) -> Deferred[bool]:
        """Have a fresh worker take the place of one: see L{sipapp.pool.renewal}.

        @param onTaken: called when the fresh one has the place, and the old one is to go.
        @return: fires when one of both has gone, with whether that was the old one.
        """
        old = self.codes[plan.name][slot]
        new = renewedCode(old)
        isOnBus = plan.kind != "web"

        def take() -> None:
            codes = list(self.codes[plan.name])
            codes[slot] = new
            self.codes[plan.name] = tuple(codes)
            self._onChange()
            onTaken()

        def over(isTaken: bool) -> bool:
            if isOnBus:
                self._ground.closeInboxes({old: new} if isTaken else {new: None})
            return isTaken

        if isOnBus:
            self._ground.openInboxes([new])
        describe = partial(self._describe, plan, slot, new, (old,))
        successors = [new] if isOnBus else []
        renewals = self.pools[plan.name].renewals
        return renewals.begin(slot, describe, successors, take).addCallback(over)

    def stopService(self) -> Deferred[Any]:
        """Stop in two steps: a call may touch several SIP workers, so none of them leaves before
        every one has finished what it has."""
        finishing = [
            pool.stopService() if plan.kind == "web" else pool.quiesce()
            for plan, pool in zip(self.plan.pools, self.pools.values(), strict=True)
        ]
        quiet: Deferred[Any] = DeferredList(finishing)
        return quiet.addCallback(lambda _: super(Generation, self).stopService())

    def _makePool(self, plan: PoolPlan) -> ProcessPool:
        pool = ProcessPool(
            plan.name,
            plan.size,
            partial(self._describe, plan),
            (sys.executable, "-m", "sipapp.worker"),
            self._reactor,
            Patience(
                drain=self.settings.server.drainTimeout,
                stuck=self.settings.pools.stuckTimeout,
            ),
            onReady=lambda _: self._onChange(),
            onExit=lambda _: self._onChange(),
            nameMessage=nameMessage,
            onCrashLoop=partial(self._park, plan),
            desk=self._desk,
        )
        pool.setServiceParent(self)
        limit = self.settings.pools.memoryLimit
        if limit is not None:
            renew = partial(self.renew, plan)
            MemoryWatch(pool, limit << 20, renew, self._reactor).setServiceParent(self)
        return pool

    def _park(self, plan: PoolPlan, slots: frozenset[int]) -> bool:
        """Have others of a pool do the work of some slots: see C{ProcessPool}."""
        if self._predecessor is not None:
            # It serves still, and by its own rules.
            return False
        served = [each for each in self.plan.listeners if each.index in plan.listeners]
        if not all(self._listening.park(listener, slots) for listener in served):
            return False
        # Who was about to connect has done so by then.
        self._reactor.callLater(_CONNECT, self._listening.turnAway, served, slots)
        others = [slot for slot in range(plan.size) if slot not in slots]
        codes = self.codes[plan.name]
        self._ground.closeInboxes(
            {
                codes[slot]: codes[others[slot % len(others)]]
                for slot in slots
                if codes[slot] in self._ground.inboxes
            }
        )
        return True

    def _onBus(self, pool: PoolPlan) -> tuple[str, ...]:
        """The codes of a pool's workers, if they speak SIP and so have a place on the bus."""
        return () if pool.kind == "web" else self.codes[pool.name]

    def _describe(
        self,
        plan: PoolPlan,
        slot: int,
        code: str | None = None,
        predecessors: tuple[str, ...] | None = None,
    ) -> Spawn:
        """What the worker of a slot is to know and to inherit: the slot's own sockets of the
        listeners that its pool serves, its part of the sockets that have no slot any more, its
        inbox, and a UDP socket of each other listener, which it only sends from.

        @param code: of a worker that is to have the slot; C{None} is the one that has it.
        @param predecessors: the codes of those that it follows; C{None} are those of the
            generation before.
        """
        fds: dict[str, int] = {}
        for listener in self.plan.listeners:
            sockets = self._listening.sockets(listener.index)
            if listener.index in plan.listeners:
                fds[f"listen.{listener.index}"] = sockets[slot].fileno()
                for spare in range(slot + plan.size, self.given[listener.index], plan.size):
                    fds[f"spare.{listener.index}.{spare}"] = sockets[spare].fileno()
            elif listener.transport == "udp" and plan.kind != "web":
                fds[f"send.{listener.index}"] = sockets[0].fileno()
        code = code or self.codes[plan.name][slot]
        if code in self._ground.inboxes:
            fds["bus"] = self._ground.inboxes[code].fileno()
        assignment = Assignment(
            settings=encodeSettings(self.settings),
            listeners=self.plan.listeners,
            pool=plan.name,
            code=code,
            pools={pool.name: codes for pool in self.plan.pools if (codes := self._onBus(pool))},
            busDirectory=str(self._ground.busDirectory),
            windows=self._windows(),
            secret=self._ground.secret,
            predecessors=self._predecessors(plan) if predecessors is None else predecessors,
            paused=self._listening.pauses.among(self.plan),
        )
        return Spawn(encodeAssignment(assignment), fds)

    def _predecessors(self, pool: PoolPlan) -> tuple[str, ...]:
        if self._predecessor is None:
            return ()
        codes = self._predecessor.codes
        return tuple(c for each in self._predecessor.neighbours(pool) for c in codes[each.name])

    def _windows(self) -> dict[int, int]:
        """In a socket whose listener has got another number of slots there is still what was put
        there by the old number: the workers have to look themselves."""
        windows = self._listening.windows
        resized = self._resized if self._predecessor is not None else frozenset()
        return {number: 0 if number in resized else windows[number] for number in windows}


def _unwrap(failure: Failure) -> Failure:
    error = failure.value
    return error.subFailure if isinstance(error, FirstError) else failure

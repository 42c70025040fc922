"""How one generation of workers takes over from another without anybody noticing.

Theory of operation
===================

1. B{Prepare.} What the new plan needs and is not there is bound: sockets, inboxes on the bus.
   Then the new workers are started. They read nothing yet: the old ones serve. Whatever goes
   wrong up to here undoes itself, and the old generation has not noticed.
2. B{Hand over.} When all new workers are ready, every old one is told who follows it. It stops
   reading, gives its successors what they need, and answers.
3. B{Serve.} The new workers of a pool are told to begin as soon as all old ones that served the
   same listeners have answered, or had their time. What has arrived meanwhile waits in the kernel.
4. B{Leave.} The old generation finishes what it has and is stopped, as at the stop of a server.
   Then the inboxes of its workers are closed, and their paths lead to their successors, because
   there are tokens in the world that name them; and sockets are closed that nobody has any more.
   A path goes when no older generation is there and no connection is named by it: a token names
   the worker that had its connection first, and at each hand-over the workers say which those
   are, of the connections that move on.

From step 3 on the new generation is the present one, and the next may follow while older ones
still leave.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from sipapp.config import Plan, PoolPlan, Settings, encodeSettings
from sipapp.estate import Estate
from sipapp.generation import Generation
from sipapp.ground import Ground
from sipapp.listening import Listening
from sipapp.pool import Desk, PoolStopped
from sipapp.pool.adoption import NotIdle

__all__ = ["Succession"]

_log = Logger()


class Succession(MultiService):
    """The generations of a server: the one that serves, those that leave, and perhaps one that
    gets ready.

    @ivar current: the one that serves.
    """

    current: Generation

    def __init__(
        self,
        ground: Ground,
        listening: Listening,
        reactor: Any,
        onChange: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        desk: Desk | None = None,
    ) -> None:
        """
        @param onChange: called when another generation serves, and whenever a worker of it is
            ready or has gone.
        @param desk: who answers the workers.
        """
        super().__init__()
        self._ground = ground
        self._listening = listening
        self._reactor = reactor
        self._onChange = onChange
        self._clock = clock
        self._desk = desk
        self._isStopping = False
        self._next = 0
        # Codes of workers that nothing names, once they and all before them have gone.
        self._unnamed: set[str] = set()

    @property
    def generations(self) -> list[Generation]:
        """Those that leave, the one that serves, and the one that gets ready, as far as they are
        there."""
        return [each for each in self if isinstance(each, Generation)]

    def begin(self, settings: Settings, plan: Plan) -> None:
        """Make the first generation. It starts with this service.

        @raise BindError: if something cannot be bound.
        """
        self.current = self._make(settings, plan, None)
        self.current.setServiceParent(self)

    def bequeath(self) -> Estate:
        """Describe everything to the image that this process is to execute next.

        @raise NotIdle: if another generation than the present one is there, or a worker of it is
            neither ready nor parked.
        """
        for each in self.generations:
            if each is not self.current:
                raise NotIdle(f"generation {each.number} is still there")
        return Estate(
            self.current.number,
            self._next,
            encodeSettings(self.current.settings),
            self.current.plan,
            dict(self.current.given),
            {name: tuple(pool.bequeath()) for name, pool in self.current.pools.items()},
            self._listening.bequeath(),
            self._ground.bequeath(),
            dict(self.current.codes),
        )

    def inherit(self, estate: Estate, settings: Settings) -> None:
        """Begin with the generation of an earlier image.

        @param settings: those of that generation.
        """
        self._ground.inherit(estate.ground)
        self._listening.inherit(estate.listening, estate.plan, settings.sip.udpReceiveBuffer)
        self._next = estate.next
        self.current = Generation(
            estate.generation,
            settings,
            estate.plan,
            estate.given,
            self._ground,
            self._listening,
            self._reactor,
            None,
            self._workerChanged,
            self._desk,
        )
        self.current.codes.update(estate.codes)
        for name, workers in estate.workers.items():
            self.current.pools[name].inherit(workers)
        self.current.setServiceParent(self)

    async def replace(self, settings: Settings, plan: Plan) -> None:
        """Have a new generation take over.

        @raise BindError: if something cannot be bound.
        @raise BootFailure: if a worker cannot start. In either case the present generation goes
            on as if nothing had been.
        """
        old = self.current
        await old.hold()
        if self._isStopping:
            raise PoolStopped("the server is being stopped")
        try:
            await self._follow(old, settings, plan)
        finally:
            self.current.release()

    async def _follow(self, old: Generation, settings: Settings, plan: Plan) -> None:
        try:
            new = self._make(settings, plan, old)
        except BaseException:
            self._keepSockets()
            raise
        new.setServiceParent(self)
        try:
            await new.whenReady()
        except BaseException:
            await self._discard(new, {})
            raise
        began = self._clock()
        await self._takeOver(old, new)
        self.current = new
        self._listening.setReceiveBuffer(settings.sip.udpReceiveBuffer)
        self._onChange()
        _log.info(
            "Generation {new} has taken over from generation {old} in {duration:.0f} ms",
            new=new.number,
            old=old.number,
            duration=1000 * (self._clock() - began),
        )
        self._leave(old, new)

    def stopService(self) -> Deferred[Any]:
        self._isStopping = True
        stopped: Deferred[Any] = super().stopService()
        return stopped

    def _make(self, settings: Settings, plan: Plan, predecessor: Generation | None) -> Generation:
        number, self._next = self._next, self._next + 1
        before = {} if predecessor is None else predecessor.slots
        placed, given = self._listening.open(
            self._listening.place(plan), before, settings.sip.udpReceiveBuffer
        )
        generation = Generation(
            number,
            settings,
            placed,
            given,
            self._ground,
            self._listening,
            self._reactor,
            predecessor,
            self._workerChanged,
            self._desk,
        )
        self._ground.openInboxes(generation.sipCodes)
        return generation

    def _workerChanged(self) -> None:
        self._onChange()

    async def _takeOver(self, old: Generation, new: Generation) -> None:
        handedOver = {
            pool.name: old.pools[pool.name].handOver(new.successors(pool))
            for pool in old.plan.pools
        }
        new.settle()
        waiting: dict[str, list[Deferred[None]]] = {pool.name: [] for pool in new.plan.pools}
        for pool in old.plan.pools:
            followers = new.neighbours(pool)
            forks: list[Deferred[None]] = [Deferred() for _ in followers]
            for follower, fork in zip(followers, forks, strict=True):
                waiting[follower.name].append(fork)
            handedOver[pool.name].addCallback(_fireAll, forks)
        serving = [
            DeferredList(waiting[pool.name]).addCallback(self._serve, old, new, pool)
            for pool in new.plan.pools
        ]
        await DeferredList(serving)
        names = [name for _, name in await DeferredList(handedOver.values())]
        self._unnamed = self._ground.deadNames
        for generation in self.generations:
            if generation is not new:
                self._unnamed |= set(generation.sipCodes)
        for each in names:
            self._unnamed = self._unnamed - set(each) if each is not None else set()

    def _serve(self, _: object, old: Generation, new: Generation, pool: PoolPlan) -> Deferred[Any]:
        for listener in new.plan.listeners:
            if listener.index in pool.listeners and listener.index in old.slots:
                isResized = old.slots[listener.index] != listener.slots
                isGiven = old.given[listener.index] == new.given[listener.index]
                if isResized or not isGiven or self._listening.isParked(listener.index):
                    self._listening.direct(listener)
        return new.pools[pool.name].serve()

    def _leave(self, old: Generation, new: Generation) -> None:
        began = self._clock()
        successors = {}
        for pool in old.plan.pools:
            followers = new.successors(pool)
            for slot, code in enumerate(old.codes[pool.name]):
                successors[code] = followers[slot % len(followers)] if followers else None

        def gone(_: object) -> None:
            if not self._isStopping:
                _log.info(
                    "Generation {number} has gone after {duration:.1f} s",
                    number=old.number,
                    duration=self._clock() - began,
                )

        leaving = self._discard(old, successors)
        leaving.addCallbacks(gone, lambda failure: _log.failure("A generation stays", failure))

    def _discard(self, generation: Generation, successors: dict[str, str | None]) -> Deferred[None]:
        """Stop a generation and clean up after it.

        @param successors: who answers for each of its workers from now on.
        """

        def clean(_: object) -> None:
            self._ground.closeInboxes({code: successors.get(code) for code in generation.sipCodes})
            if self.generations == [self.current]:
                self._ground.forget(self._unnamed)
            if not self._isStopping:
                self._keepSockets()

        # It remains a child until it has stopped, so that the stop of the server waits for it.
        stopped = generation.stopService()
        stopped.addCallback(lambda _: generation.disownServiceParent())
        return stopped.addCallback(clean)

    def _keepSockets(self) -> None:
        """Close those that no generation has; the others are as the present one wants them."""
        self._listening.keep(generation.given for generation in self.generations)
        self._listening.setReceiveBuffer(self.current.settings.sip.udpReceiveBuffer)


def _fireAll(result: object, waiting: list[Deferred[None]]) -> object:
    for each in waiting:
        each.callback(None)
    return result

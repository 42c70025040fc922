"""When workers of a pool may be renewed, which is L{sipapp.pool.renewal}: one at a time, and never
while something else is under way with all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed

from .boot import Spawn
from .launcher import Launcher
from .renewal import Renewal
from .slot import Slot
from .slotowner import SlotOwner


class RenewingPool(SlotOwner, Protocol):
    """What L{Renewals} needs of their pool."""

    @property
    def isUp(self) -> bool:
        """Whether all its workers have been ready, and none is to leave."""

    def makeSlot(self, index: int) -> Slot:
        """Make a slot, which is not in its place yet."""

    def slotAt(self, index: int) -> Slot:
        """The slot that is in a place."""

    def replaceSlot(self, fresh: Slot) -> None:
        """Put a slot into its place."""

    def renewalOver(self) -> None:
        """Nothing is left of a renewal."""


class Renewals:
    """The renewals of one pool.

    @ivar refusal: why the last fresh worker that was given up was.
    """

    def __init__(
        self, pool: RenewingPool, launcher: Launcher, patience: float, reactor: Any
    ) -> None:
        """
        @param patience: seconds that a worker may take to hand over.
        """
        self._pool = pool
        self._launcher = launcher
        self._patience = patience
        self._reactor = reactor
        self.refusal = ""
        self._renewal: Renewal | None = None
        self._isHeld = False
        self._waiting: list[Deferred[None]] = []

    @property
    def isUnderWay(self) -> bool:
        """Whether there is a worker more than the pool has places."""
        return self._renewal is not None

    @property
    def mayBegin(self) -> bool:
        return self._pool.isUp and not self._isHeld and not self.isUnderWay

    def whenChanged(self) -> Deferred[None]:
        """
        @return: fires when there may be another answer to whether one may begin.
        """
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def begin(
        self,
        index: int,
        describe: Callable[[], Spawn],
        successors: Sequence[str],
        onTaken: Callable[[], None],
    ) -> Deferred[bool]:
        """Have a fresh worker take the place of one that serves, which then leaves. Only while
        L{mayBegin}.

        @param describe: what to give to the fresh one, which follows the old.
        @param successors: what the composition calls the fresh one.
        @param onTaken: called when the fresh one has the place, before it begins.
        @return: fires when the other one has gone, with whether that was the old one.
        """
        old, fresh = self._pool.slotAt(index), self._pool.makeSlot(index)
        fresh.restarts = old.restarts + 1
        inPlace = fresh.spawn

        def take() -> None:
            fresh.spawn = inPlace
            self._pool.replaceSlot(fresh)
            onTaken()

        def over(_: object) -> bool:
            self._renewal = None
            self._launcher.forget(renewal.guest)
            self._pool.renewalOver()
            if renewal.guest is fresh:
                self.refusal = fresh.reason
            self._changed()
            return renewal.guest is old

        fresh.spawn = lambda slot: self._launcher.launch(slot, describe())
        renewal = self._renewal = Renewal(
            old, fresh, successors, self._pool, self._patience, self._reactor, take
        )
        renewal.begin()
        return renewal.over.addCallback(over)

    def hold(self) -> Deferred[None]:
        """Begin none until L{release}.

        @return: fires when others can take over from all workers of the pool.
        """
        self._isHeld = True
        return self._renewal.settle() if self._renewal is not None else succeed(None)

    def release(self) -> None:
        """They may begin again."""
        self._isHeld = False
        self._changed()

    def stop(self) -> None:
        """End the one that is under way, however far it is."""
        if self._renewal is not None:
            self._renewal.stop()
        self._changed()

    def _changed(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

"""One worker of a pool gives its place to a fresh one, while it serves.

Theory of operation
===================

It is what L{sipapp.succession} does for all workers of the server, for a single one:

1. B{Starting.} A process is started beside the old one, in a slot of its own with the same number.
   It inherits the same sockets and reads nothing yet. If it does not get ready it is given up, and
   the old one has not noticed.
2. B{Handing over.} The old one stops reading, gives what the fresh one needs, and answers. It has
   L{Patience.handOver} for that.
3. B{Leaving.} The fresh one begins and is what the pool has in this place. The old one finishes its
   work, for L{Patience.drain} at most, and leaves.

Others may stop it in any step; from then on the fresh one gets no further than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from .slot import Slot
from .slotowner import SlotOwner
from .slottable import STOPPED

STARTING = "starting"
HANDING_OVER = "handing over"
LEAVING = "leaving"
#: Its second end, from either of the first two steps.
GIVEN_UP = "given up"


class Renewal:
    """The way from an old worker to a fresh one. It hears what becomes of whichever of both does
    not belong to the pool at that time: see L{SlotOwner}.

    @ivar state: one of the steps above, or given up.
    @ivar over: fires when the one that the pool does not need has gone: the old one, or the fresh
        one if it was given up.
    """

    log = Logger()

    def __init__(
        self,
        old: Slot,
        fresh: Slot,
        successors: Sequence[str],
        pool: SlotOwner,
        patience: float,
        reactor: Any,
        onTaken: Callable[[], None],
    ) -> None:
        """
        @param fresh: a stopped slot, whose owner this becomes.
        @param successors: what the composition calls the fresh worker.
        @param pool: the owner of the old slot, and of the fresh one in the end.
        @param patience: seconds that the old one may take to hand over.
        @param onTaken: called when the fresh one is to have the place, before it begins.
        """
        self.state = STARTING
        self.over: Deferred[None] = Deferred()
        self.old = old
        self.fresh = fresh
        self._successors = successors
        self._pool = pool
        self._patience = patience
        self._reactor = reactor
        self._onTaken = onTaken
        self._settling: list[Deferred[None]] = []
        fresh.owner = self

    def begin(self) -> None:
        self.fresh.start()

    @property
    def guest(self) -> Slot:
        """The one of both that is not the pool's."""
        return self.old if self.state == LEAVING else self.fresh

    def settle(self) -> Deferred[None]:
        """Come to a point where others can take over from the workers of the pool.

        @return: fires when that is.
        """
        if self.state == STARTING:
            self.stop()
        if self.state != HANDING_OVER:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._settling.append(waiting)
        return waiting

    def stop(self) -> None:
        """Have the one that is not the pool's leave."""
        guest = self.guest
        if self.state != LEAVING:
            self._enter(GIVEN_UP)
        if guest.state != STOPPED:
            guest.stop()

    def _enter(self, state: str) -> None:
        self.state = state
        if state != HANDING_OVER:
            waiting, self._settling = self._settling, []
            for each in waiting:
                each.callback(None)

    def _take(self, _: object) -> None:
        if self.state != HANDING_OVER:
            return
        self.log.info(
            "{name}: pid {fresh} has taken over from pid {old}",
            name=self.old.name,
            fresh=self.fresh.pid,
            old=self.old.pid,
        )
        self.old.owner, self.fresh.owner = self, self._pool
        self._onTaken()
        self.fresh.serve()
        self._enter(LEAVING)
        # It may have ended while it handed over.
        if self.old.state == STOPPED:
            self.over.callback(None)
        else:
            self.old.stop()

    # What the slots report: see SlotOwner.

    def slotReady(self, slot: Slot) -> None:
        if self.state == STARTING:
            self._enter(HANDING_OVER)
            handedOver = self.old.handOver(self._successors)
            handedOver.addTimeout(self._patience, self._reactor, self._late)
            handedOver.addCallback(self._take)

    def _late(self, answer: object, limit: float) -> None:
        self.log.warn(
            "{name}, pid {pid}, has not handed over within {limit:g} s: its successor begins now",
            name=self.old.name,
            pid=self.old.pid,
            limit=limit,
        )

    def slotFailed(self, slot: Slot, reason: str) -> None:
        if self.state == STARTING:
            self.log.critical(
                "{name} is not replaced, pid {pid} goes on: {reason}",
                name=self.old.name,
                pid=self.old.pid,
                reason=reason,
            )
            self.stop()

    def slotExited(self, slot: Slot) -> None:
        self._pool.slotExited(slot)

    def slotStuck(self, slot: Slot) -> None:
        self._pool.slotStuck(slot)

    def slotLoops(self, slot: Slot) -> bool:
        """It has just begun."""
        return False

    def slotParked(self, slot: Slot) -> None:
        """It is never parked."""

    def slotStopped(self, slot: Slot) -> None:
        if slot is self.guest:
            self.over.callback(None)

"""What a slot tells the pool that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .slot import Slot


class SlotOwner(Protocol):
    """What a L{Slot} reports to: its pool."""

    def slotReady(self, slot: Slot) -> None:
        """The slot has a worker that serves."""

    def slotFailed(self, slot: Slot, reason: str) -> None:
        """A process could not be started, or did not get ready."""

    def slotExited(self, slot: Slot) -> None:
        """A process has gone, for whatever reason."""

    def slotStuck(self, slot: Slot) -> None:
        """The process gives no sign of life; it is still there."""

    def slotLoops(self, slot: Slot) -> bool:
        """The processes crash one after the other.

        @return: whether the slot is to be given up, because others do its work from now on.
        """

    def slotParked(self, slot: Slot) -> None:
        """The slot has been given up."""

    def slotStopped(self, slot: Slot) -> None:
        """The slot has come to rest: no process, none wanted."""

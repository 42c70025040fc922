"""What a method may send to its caller besides its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

__all__ = ["Stream"]


class Stream(Protocol):
    """What a method sends after its result, for as long as its caller listens. A method that has a
    parameter of this type is given the caller's, or C{None} where the door has no streams."""

    @property
    def isFull(self) -> bool:
        """Whether the caller reads more slowly than is sent: leave out what comes now."""

    def send(self, parameters: Any) -> None:
        """Send a notification, which has the name of the method. To a caller who has left nothing
        is sent any more.

        @param parameters: what can be written as JSON.
        """

    def whenClosed(self) -> Deferred[None]:
        """
        @return: fires when the caller has left.
        """

"""The ban list of a server that bans nobody."""

from __future__ import annotations

from zope.interface import implementer

from sipapp.interfaces import IBans

__all__ = ["NoBans"]


@implementer(IBans)
class NoBans:
    """An L{IBans} that takes no notice of anything."""

    generation = 0

    def offence(self, address: str, kind: str, proven: bool) -> None:
        """It does not matter."""

    def vouch(self, address: str) -> None:
        """Nobody needs it."""

    def isBanned(self, address: str, datagram: bool) -> bool:
        return False

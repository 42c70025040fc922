"""What operators have changed of a configuration since its file was read."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

__all__ = ["Adjustments", "Place"]


class Place(Struct, frozen=True):
    """What a listener is known by, whatever the listen block that it comes from.

    @ivar port: as it is configured: 0 leaves the choice to the kernel.
    """

    transport: str
    host: str
    port: int


class Adjustments(Struct, frozen=True, kw_only=True):
    """What is different from the file.

    @ivar sizes: of pools, by name; not of those that belong to a block of L{added}.
    @ivar added: listen blocks that follow those of the file, as the tables that they would be
        there. Each stands for one listener.
    @ivar removed: the listeners of the file that there are not to be.
    """

    sizes: dict[str, int] = {}
    added: tuple[dict[str, Any], ...] = ()
    removed: tuple[Place, ...] = ()

    def describe(self) -> list[str]:
        """
        @return: each in a few words.
        """
        return [
            *(f"{pool} has {size} workers" for pool, size in self.sizes.items()),
            *(
                f"{each.get('transport')} {each.get('address')}:{each.get('port')} is added"
                for each in self.added
            ),
            *(f"{each.transport} {each.host}:{each.port} is removed" for each in self.removed),
        ]

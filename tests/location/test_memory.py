from __future__ import annotations

from sipapp.location import MemoryLocation
from tests.location.contract import AOR, LocationContract, binding


class TestMemoryLocation(LocationContract):
    def open(self) -> MemoryLocation:
        return MemoryLocation(self.clock)

    def test_bound_again_after_removal(self) -> None:
        """The entry of the removed binding comes up in the queue and is not mistaken."""
        self.put(AOR, binding(lasts=10))
        self.put(AOR)
        self.put(AOR, binding(lasts=20))
        self.now += 15
        assert self.result(self.store.purge(10)) == 0
        assert self.store.lookupNow(AOR) == (binding(lasts=20),)

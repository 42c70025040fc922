"""Memory that a worker has freed goes back to the kernel.

The C library gives back what is free at the end of its heap, and keeps what is free in the midst of
it for the next who asks. After an attack, or an hour that was busy, nobody does: the buffers of 200
TLS handshakes are 11 MiB that nobody else gets.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Any

from twisted.application.internet import TimerService

#: Seconds between two looks.
_INTERVAL = 10.0
#: How much has to be free for it to be worth the time, in bytes.
_WORTH = 4 << 20
#: How many objects may be new before the collector looks for those that nobody reaches.
_YOUNG = 50_000


def settleHeap(reactor: Any) -> None:
    """A worker has made what it will live with, and begins to serve."""
    # What has been made by now stays: the collector need never look at it again.
    gc.collect()
    gc.freeze()
    # Messages and transactions go as soon as nobody needs them. What is left to the collector
    # is rare, so it need not come at every few messages.
    gc.set_threshold(_YOUNG)
    HeapTrim(reactor).startService()


class _Heap(ctypes.Structure):
    """C{struct mallinfo2}, see mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


class HeapTrim(TimerService):
    """Gives back what is free, if it is much.

    @ivar isOfUse: whether the C library can do so: glibc since 2.33.
    """

    def __init__(self, reactor: Any) -> None:
        """
        @param reactor: provides C{IReactorTime}.
        """
        super().__init__(_INTERVAL, self.look)
        self.clock = reactor
        library = ctypes.CDLL(None)
        self.isOfUse = hasattr(library, "mallinfo2") and hasattr(library, "malloc_trim")
        if self.isOfUse:
            self._trim = library.malloc_trim
            self._trim.argtypes = [ctypes.c_size_t]
            self._heap = library.mallinfo2
            self._heap.restype = _Heap

    def look(self) -> None:
        """Asking costs 2 µs; giving back, a millisecond for what is worth it.

        The collector is asked as well: a few connections that end are no reason for it to come by
        itself, but what OpenSSL had for each of them is no object, and much more.
        """
        gc.collect(0)
        if self.isOfUse and self._heap().fordblks > _WORTH:
            self._trim(0)

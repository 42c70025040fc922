"""How long datagrams wait in the kernel until a worker reads them.

A worker that reads as fast as it can keeps its reactor punctual, while more and more waits in front
of it: how late the reactor is says nothing of that. So the kernel is asked when the first datagram
of the queue has come, which stays where it is (C{SO_TIMESTAMPNS}, socket(7)).
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable

from sipapp.transaction.durations import Durations
from sipapp.transport.datagram import DatagramPort
from sipapp.transport.pulse import RECENT

__all__ = ["QueueWait"]

# From <asm-generic/socket.h>, of the option and of what comes with a datagram.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_LINUX = sys.platform.startswith("linux")


class QueueWait:
    """The queue of one endpoint, as far as it is this worker's.

    @ivar waits: how long the first datagram had waited at each look; nothing where there was none.
    """

    def __init__(self, port: DatagramPort, clock: Callable[[], float] = time.time) -> None:
        """
        @param clock: the one that the kernel writes its times by.
        """
        self.waits = Durations()
        self._port = port
        self._clock = clock
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._isTold = False
        if _LINUX:
            try:
                port.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                self._isTold = True
            except OSError:
                # This kernel notes no times.
                return

    def look(self) -> None:
        """Look at it now, unless somebody else reads it."""
        if self._isTold and self._port.isReading:
            waited = self._waited()
            self.waits.add(waited)
            self._recent.append(waited)

    @property
    def recent(self) -> float:
        """How long one had waited at worst lately, in seconds."""
        return max(self._recent, default=0.0)

    def _waited(self) -> float:
        try:
            _, ancillary, _, _ = self._port.socket.recvmsg(
                0, socket.CMSG_SPACE(_TIMESPEC.size), socket.MSG_PEEK
            )
        except OSError:
            # Nothing waits; or there is an error, which stays in its own queue.
            return 0.0
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                waited: float = self._clock() - seconds - nanoseconds / 1e9
                return max(waited, 0.0)
        return 0.0

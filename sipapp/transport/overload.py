"""Overload: whether a worker falls behind, so that it should take no new work.

Looked at a few times in a second, and not for each message:

 - how late the reactor calls: it is the time from one look at the sockets to the next;
 - how full the receive buffers of the UDP sockets are: a worker that reads as fast as it can keeps
   its reactor punctual, while more and more waits in the kernel;
 - how many transactions have no final response: they are what takes memory.

One look that finds too much is a hiccup; two in a row are overload. It ends when two in a row find
at most half of that: a worker must not open its door to everybody who has waited outside as soon as
there is room for one.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from twisted.logger import Logger

from sipapp.transaction import TransactionLayer

__all__ = ["Overload", "OverloadRules", "queueFill"]

_log = Logger()

_INTERVAL = 0.25
_LOOKS = 2

# From <asm-generic/socket.h> and <linux/sock_diag.h>: nine numbers, the first of which are what is
# in the receive buffer and how large it is.
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")
_LINUX = sys.platform.startswith("linux")


@dataclass(frozen=True, slots=True)
class OverloadRules:
    """How much is too much.

    @ivar lag: seconds from one look at the sockets to the next.
    @ivar queue: how full a UDP socket's receive buffer is, as a part of the whole.
    @ivar transactions: how many have no final response.
    @ivar retryAfter: seconds after which clients are to try again.
    """

    lag: float = 0.5
    queue: float = 0.5
    transactions: int = 20_000
    retryAfter: int = 5


def queueFill(sock: socket.socket) -> float:
    """
    @return: what part of a socket's receive buffer is full; 0 where the kernel does not tell.
    """
    if not _LINUX:
        return 0.0
    try:
        waiting, size = _MEMINFO.unpack(
            sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        )[:2]
    except (OSError, struct.error):
        return 0.0
    return waiting / size if size else 0.0


class Overload:
    """Whether one worker has too much to do.

    @ivar isActive: whether new work is refused.
    @ivar isSevere: whether there are twice as many transactions as there should be, in spite of
        that: then work is refused that only claims to be part of something.
    @ivar refused: how many requests were refused for it since it began.
    @ivar refusedBefore: how many were refused earlier.
    """

    def __init__(
        self,
        reactor: Any,
        layer: TransactionLayer,
        sockets: Iterable[socket.socket],
        rules: OverloadRules | None,
    ) -> None:
        """
        @param sockets: the UDP sockets that are read.
        @param rules: C{None} for a worker that takes what comes.
        """
        self.isActive = False
        self.isSevere = False
        self.refused = 0
        self.refusedBefore = 0
        self._reactor = reactor
        self._layer = layer
        self._sockets = sockets
        self._rules = rules
        self._call: Any = None
        self._due = 0.0
        # How many looks in a row speak for a change.
        self._looks = 0

    def start(self) -> None:
        """Begin to look."""
        if self._rules is not None and self._call is None:
            self._lookLater()

    def stop(self) -> None:
        """Look no more."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def refuse(self, callID: str) -> int:
        """A request is refused.

        @return: the seconds after which its client is to try again (RFC 3261 §20.33): not the
            same for all, but the same each time.
        """
        assert self._rules is not None
        self.refused += 1
        least = self._rules.retryAfter
        return least + crc32(callID.encode("utf-8", "surrogateescape")) % (least + 1)

    def _lookLater(self) -> None:
        self._due = self._reactor.seconds() + _INTERVAL
        self._call = self._reactor.callLater(_INTERVAL, self._look)

    def _look(self) -> None:
        assert self._rules is not None
        load, cause = self._load(self._rules)
        self.isSevere = self._layer.pending >= 2 * self._rules.transactions
        self._looks = self._looks + 1 if (load <= 0.5 if self.isActive else load > 1.0) else 0
        if self._looks >= _LOOKS:
            self._looks = 0
            self.isActive = not self.isActive
            if self.isActive:
                _log.warn(
                    "Falls behind: {cause} at {load:.0%} of what may be;"
                    " new calls and registrations are answered with 503",
                    cause=cause,
                    load=load,
                )
            else:
                _log.info("Has caught up; {refused} requests were refused", refused=self.refused)
                self.refusedBefore += self.refused
                self.refused = 0
        self._lookLater()

    def _load(self, rules: OverloadRules) -> tuple[float, str]:
        """
        @return: the worst of the measures, as a part of what may be, and its name.
        """
        fill = max(map(queueFill, self._sockets), default=0.0)
        return max(
            ((self._reactor.seconds() - self._due) / rules.lag, "lag"),
            (fill / rules.queue, "queue"),
            (self._layer.pending / rules.transactions, "transactions"),
        )

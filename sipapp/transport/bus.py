"""The bus: how the workers of one machine hand each other what is not theirs, in one hop.

Every worker slot has an inbox, a unix datagram socket that the parent bound and the worker
inherited: what is sent to a slot whose worker is being replaced waits in the kernel for the
successor. All inboxes are in one directory, each under the code of its worker; what is there can
be reached. A frame is one datagram, so it arrives whole or not at all, and in order.

A full inbox (the kernel queues C{net.unix.max_dgram_qlen} datagrams, ten by default) makes the
sender wait: the frame goes into a bounded queue of that destination, which is tried again when
the kernel says that there is room. A frame that finds the queue full is dropped and counted; it
is a datagram to the protocols above, whose retransmissions make up for it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from sipapp.transport.frames import (
    Ask,
    Deliver,
    Failed,
    FlowRecord,
    Frame,
    Moved,
    Send,
    Transactions,
)
from sipapp.transport.outlet import BUFFER, Outlet
from sipapp.transport.turns import Turns

__all__ = [
    "Ask",
    "Bus",
    "Deliver",
    "Failed",
    "FlowRecord",
    "Frame",
    "Moved",
    "Send",
    "Transactions",
]

_FRAMES_PER_TURN = 64
#: How often is looked whether all is sent, in seconds.
_FLUSH_INTERVAL = 0.005


@implementer(IReadDescriptor)
class _Inbox:
    """Reads the frames for this worker.

    @ivar takesDescriptors: whether frames may come with one. To look for them costs time.
    @ivar isShut: whether nothing can arrive any more; then a frame of no bytes is the end.
    """

    def __init__(
        self, sock: socket.socket, turns: Turns, received: Callable[[memoryview, int], None]
    ) -> None:
        sock.setblocking(False)
        self.socket = sock
        self._turns = turns
        self.takesDescriptors = False
        self.isShut = False
        self._received = received
        self._buffer = bytearray(BUFFER)
        self._view = memoryview(self._buffer)

    def fileno(self) -> int:
        return self.socket.fileno()

    def logPrefix(self) -> str:
        return "bus"

    def doRead(self) -> None:
        """Read what is there, up to a bound: the other descriptors want their turn."""
        self.read(_FRAMES_PER_TURN)

    def read(self, most: int) -> int:
        """Read what is there, up to a bound, in one turn.

        @return: how many frames there were.
        """
        self._turns.begin()
        try:
            return self._read(most)
        finally:
            self._turns.end()

    def _read(self, most: int) -> int:
        fd = -1
        for count in range(most):
            try:
                if self.takesDescriptors:
                    size, fd = self._receive()
                else:
                    size = self.socket.recv_into(self._buffer)
            except OSError:
                # Nothing left; unix datagram sockets know no other lasting error.
                return count
            if not size and self.isShut:
                return count
            self._received(self._view[:size], fd)
        return most

    def _receive(self) -> tuple[int, int]:
        size, ancillary, _, _ = self.socket.recvmsg_into(
            [self._buffer], socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC
        )
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                return size, int.from_bytes(data[:4], sys.byteorder)
        return size, -1

    def connectionLost(self, reason: object) -> None:
        """The reactor has met an error on it, or is stopping."""


class Bus:
    """One worker's access to the bus.

    @ivar received: called with each frame that arrives.
    @ivar hops: frames sent. @ivar dropped: frames that found no room or no inbox.
    @ivar arrived: frames that have come.
    @ivar malformed: frames that arrived and made no sense.
    """

    def __init__(
        self,
        reactor: Any,
        turns: Turns,
        inbox: socket.socket,
        directory: str,
        received: Callable[[Frame], None],
    ) -> None:
        """
        @param inbox: this worker's own inbox, bound.
        @param directory: where every worker's inbox is, under the worker's code.
        """
        self.received = received
        self.hops = 0
        self.arrived = 0
        self.dropped = 0
        self.malformed = 0
        self._reactor = reactor
        self._directory = directory
        self._outlets: dict[str, Outlet] = {}
        self._inbox = _Inbox(inbox, turns, self._frameReceived)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Frame).decode

    def start(self) -> None:
        """Begin to read."""
        self._reactor.addReader(self._inbox)

    def stop(self) -> None:
        """Read no more, and close what was opened for sending. The inbox itself stays open."""
        self._reactor.removeReader(self._inbox)
        for outlet in self._outlets.values():
            outlet.close()
        self._outlets.clear()

    def takeDescriptors(self, take: bool) -> None:
        """Whether L{Moved} frames are expected. One that is not is lost with its connection."""
        self._inbox.takesDescriptors = take

    def readAll(self) -> None:
        """Read what has arrived by now."""
        while self._inbox.read(_FRAMES_PER_TURN) == _FRAMES_PER_TURN:
            pass

    def leaveTo(self, code: str, heir: str) -> None:
        """Let everything that is for this worker go to another one from now on, and read what has
        arrived by now. Nobody sends into the inbox after this, though the parent still has it.

        @param code: this worker's.
        """
        unfinished = self._path(f".{code}.left")
        try:
            os.symlink(heir, unfinished)
            os.replace(unfinished, self._path(code))
            self._inbox.socket.shutdown(socket.SHUT_RD)
            self._inbox.isShut = True
        except OSError:
            # The parent does it, a moment later.
            pass
        self.readAll()

    def knows(self, code: str) -> bool:
        """Tell whether there is a worker of that code."""
        return code in self._outlets or os.path.exists(self._path(code))

    def workers(self) -> list[str]:
        """The codes of all workers that have an inbox of their own."""
        return [code for code in os.listdir(self._directory) if self.hasOwnInbox(code)]

    def hasOwnInbox(self, code: str) -> bool:
        """Tell whether there is a worker of that code that no other stands in for."""
        path = self._path(code)
        return os.path.exists(path) and not os.path.islink(path)

    def _path(self, code: str) -> str:
        return f"{self._directory}/{code}"

    def send(self, code: str, frame: Frame) -> bool:
        """Send a frame to a worker; false if it was dropped."""
        outlet = self._outlets.get(code)
        if outlet is None:
            outlet = Outlet(self._reactor, self._path(code), self._drop)
            self._outlets[code] = outlet
        self.hops += 1
        fd = frame.fd if isinstance(frame, Moved) else -1
        if outlet.send(self._encode(frame), fd):
            return True
        if outlet.isEmpty and not os.path.exists(self._path(code)):
            # It has left for good.
            outlet.close()
            del self._outlets[code]
        return False

    def flushed(self) -> Deferred[None]:
        """
        @return: fires when nothing waits for room any more.
        """
        done: Deferred[None] = Deferred()

        def look() -> None:
            if all(outlet.isEmpty for outlet in self._outlets.values()):
                done.callback(None)
            else:
                self._reactor.callLater(_FLUSH_INTERVAL, look)

        look()
        return done

    @property
    def waiting(self) -> int:
        """How many frames wait for room."""
        return sum(map(len, self._outlets.values()))

    def _drop(self, count: int) -> None:
        self.dropped += count

    def _frameReceived(self, data: memoryview, fd: int) -> None:
        self.arrived += 1
        try:
            frame = self._decode(data)
        except msgspec.MsgspecError:
            self.malformed += 1
            frame = None
        if isinstance(frame, Moved):
            frame.fd, fd = fd, -1
        if fd >= 0:
            os.close(fd)
        if frame is not None:
            self.received(frame)

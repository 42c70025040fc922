"""The bus: how the workers of one machine hand each other what is not theirs, in one hop.

Every worker slot has an inbox, a unix datagram socket that the parent bound and the worker
inherited: what is sent to a slot whose worker is being replaced waits in the kernel for the
successor. A frame is one datagram, so it arrives whole or not at all, and in order.

A full inbox (the kernel queues C{net.unix.max_dgram_qlen} datagrams, ten by default) makes the
sender wait: the frame goes into a bounded queue of that destination, which is tried again when
the kernel says that there is room. A frame that finds the queue full is dropped and counted; it
is a datagram to the protocols above, whose retransmissions make up for it.
"""

from __future__ import annotations

import errno
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from twisted.internet.interfaces import IReadDescriptor, IReadWriteDescriptor
from zope.interface import implementer

#: More than a datagram of 65,507 bytes, or a message of the largest default size, in its frame.
_BUFFER = 1 << 20
_FRAMES_PER_TURN = 64
_QUEUED_FRAMES = 2048
_QUEUED_BYTES = 8 << 20
_FULL = frozenset((errno.EAGAIN, errno.ENOBUFS))


class FlowRecord(msgspec.Struct, array_like=True, frozen=True):
    """What another worker has to know of a flow.

    @ivar holder: code of the worker that has the connection; C{''} for UDP, where any has it.
    @ivar connection: what the holder calls it.
    """

    transport: str
    listener: int
    local: tuple[str, int]
    remote: tuple[str, int]
    holder: str = ""
    connection: str = ""


class Deliver(msgspec.Struct, array_like=True, tag="d"):
    """A received message for its owner, with where it came from."""

    data: bytes
    source: FlowRecord


class Send(msgspec.Struct, array_like=True, tag="s"):
    """A message to send over a connection of the destination.

    @ivar sender: code of the worker to tell of a failure.
    @ivar reference: what that worker calls the attempt; C{''} if it does not want to be told.
    """

    connection: str
    data: bytes
    sender: str
    reference: str


class Failed(msgspec.Struct, array_like=True, tag="f"):
    """The answer to a L{Send} whose connection is gone."""

    reference: str


Frame = Deliver | Send | Failed


class _Descriptor:
    """What the reactor wants of a descriptor, for a socket that has no connection to lose."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock

    def fileno(self) -> int:
        return self.socket.fileno()

    def logPrefix(self) -> str:
        return "bus"


@implementer(IReadDescriptor)
class _Inbox(_Descriptor):
    """Reads the frames for this worker."""

    def __init__(self, sock: socket.socket, received: Callable[[memoryview], None]) -> None:
        super().__init__(sock)
        self._received = received
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)

    def doRead(self) -> None:
        """Read what is there, up to a bound: the other descriptors want their turn."""
        for _ in range(_FRAMES_PER_TURN):
            try:
                size = self.socket.recv_into(self._buffer)
            except OSError:
                # Nothing left; unix datagram sockets know no other lasting error.
                return
            self._received(self._view[:size])

    def connectionLost(self, reason: object) -> None:
        """The reactor has met an error on it, or is stopping."""


@implementer(IReadWriteDescriptor)
class _Outlet(_Descriptor):
    """The way to one inbox: a connected socket, because only that can be waited for."""

    def __init__(self, reactor: Any, path: str, dropped: Callable[[int], None]) -> None:
        super().__init__(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._reactor = reactor
        self._path = path
        self._dropped = dropped
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._connected = False

    def send(self, data: bytes) -> bool:
        if self._queue:
            return self._enqueue(data)
        try:
            if not self._connected:
                self.socket.connect(self._path)
                self._connected = True
            self.socket.send(data)
        except OSError as error:
            if error.errno in _FULL and self._connected:
                return self._enqueue(data)
            # Nobody has this inbox any more, or the frame is too long: try afresh next time.
            self._connected = False
            self._dropped(1)
            return False
        return True

    def _enqueue(self, data: bytes) -> bool:
        if len(self._queue) >= _QUEUED_FRAMES or self._queued + len(data) > _QUEUED_BYTES:
            self._dropped(1)
            return False
        if not self._queue:
            self._reactor.addWriter(self)
        self._queue.append(data)
        self._queued += len(data)
        return True

    def doWrite(self) -> None:
        """There is room in the inbox."""
        while self._queue:
            data = self._queue[0]
            try:
                self.socket.send(data)
            except OSError as error:
                if error.errno in _FULL:
                    return
                self._connected = False
                self._dropped(len(self._queue))
                self._queue.clear()
                self._queued = 0
                break
            self._queue.popleft()
            self._queued -= len(data)
        self._reactor.removeWriter(self)

    def doRead(self) -> None:
        """Nothing is ever sent to an outlet."""

    def connectionLost(self, reason: object) -> None:
        """The reactor has met an error on it: the inbox is gone."""
        self._reactor.removeWriter(self)
        self._connected = False
        self._dropped(len(self._queue))
        self._queue.clear()
        self._queued = 0

    def writeConnectionLost(self, reason: object) -> None:
        self.connectionLost(reason)

    def readConnectionLost(self, reason: object) -> None:
        self.connectionLost(reason)


class Bus:
    """One worker's access to the bus.

    @ivar received: called with each frame that arrives.
    @ivar hops: frames sent. @ivar dropped: frames that found no room or no inbox.
    @ivar malformed: frames that arrived and made no sense.
    """

    def __init__(
        self,
        reactor: Any,
        inbox: socket.socket,
        paths: Mapping[str, str],
        received: Callable[[Frame], None],
    ) -> None:
        """
        @param inbox: this worker's own inbox, bound.
        @param paths: the path of each worker's inbox, by the worker's code.
        """
        self.received = received
        self.hops = 0
        self.dropped = 0
        self.malformed = 0
        self._reactor = reactor
        self._paths = paths
        self._outlets: dict[str, _Outlet] = {}
        self._inbox = _Inbox(inbox, self._frameReceived)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Frame).decode

    def start(self) -> None:
        """Begin to read."""
        self._reactor.addReader(self._inbox)

    def stop(self) -> None:
        """Read no more, and close what was opened for sending. The inbox itself stays open."""
        self._reactor.removeReader(self._inbox)
        for outlet in self._outlets.values():
            outlet.connectionLost(None)
            outlet.socket.close()
        self._outlets.clear()

    def knows(self, code: str) -> bool:
        """Tell whether there is a worker of that code."""
        return code in self._paths

    def send(self, code: str, frame: Frame) -> bool:
        """Send a frame to a worker; false if it was dropped."""
        outlet = self._outlets.get(code)
        if outlet is None:
            path = self._paths.get(code)
            if path is None:
                self.dropped += 1
                return False
            outlet = self._outlets[code] = _Outlet(self._reactor, path, self._drop)
        self.hops += 1
        return outlet.send(self._encode(frame))

    def _drop(self, count: int) -> None:
        self.dropped += count

    def _frameReceived(self, data: memoryview) -> None:
        try:
            frame = self._decode(data)
        except msgspec.MsgspecError:
            self.malformed += 1
            return
        self.received(frame)

"""The way to one inbox on the bus, with what waits there for room."""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReadWriteDescriptor
from zope.interface import implementer

#: More than a datagram of 65,507 bytes, or a message of the largest default size, in its frame.
BUFFER = 1 << 20
_QUEUED_FRAMES = 2048
_QUEUED_BYTES = 8 << 20
_FULL = frozenset((errno.EAGAIN, errno.ENOBUFS, errno.ETOOMANYREFS))


@implementer(IReadWriteDescriptor)
class Outlet:
    """A connected unix datagram socket, because only that can be waited for.

    What is at the path may be replaced by the inbox of a successor while this worker runs. When
    there is nobody at the other end any more, the path is looked at once again.
    """

    def __init__(self, reactor: Any, path: str, dropped: Callable[[int], None]) -> None:
        """
        @param dropped: called with the number of frames that could not be sent.
        """
        self._reactor = reactor
        self._path = path
        self._dropped = dropped
        self._queue: deque[tuple[bytes, int]] = deque()
        self._queued = 0
        self._socket: socket.socket | None = None

    def __len__(self) -> int:
        """How many frames wait."""
        return len(self._queue)

    @property
    def isEmpty(self) -> bool:
        """Whether nothing waits."""
        return not self._queue

    def fileno(self) -> int:
        return -1 if self._socket is None else self._socket.fileno()

    def logPrefix(self) -> str:
        return "bus"

    def send(self, data: bytes, fd: int = -1) -> bool:
        """Send a frame; false if it was dropped.

        @param fd: a descriptor to send with it, which is closed here afterwards. Such a frame
            waits however many others do.
        """
        if self._queue:
            return self._enqueue(data, fd)
        error = self._try(data, fd)
        if error in _FULL and self._socket is not None:
            return self._enqueue(data, fd)
        if fd >= 0:
            os.close(fd)
        if error:
            self._dropped(1)
        return not error

    def _try(self, data: bytes, fd: int) -> int:
        """
        @return: 0 if the frame was sent, otherwise the number of the error.
        """
        known = self._socket is not None
        error = self._tryOnce(data, fd)
        if known and error not in (0, errno.EMSGSIZE, *_FULL):
            error = self._tryOnce(data, fd)
        return error

    def _tryOnce(self, data: bytes, fd: int) -> int:
        try:
            sock = self._socket
            if sock is None:
                sock = self._connect()
            if fd < 0:
                sock.send(data)
            else:
                socket.send_fds(sock, [data], [fd])
        except OSError as error:
            if error.errno not in _FULL:
                # Nobody has this inbox any more, or the frame is too long: begin afresh.
                self._disconnect()
            return error.errno or errno.EIO
        return 0

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        try:
            sock.connect(self._path)
        except OSError:
            sock.close()
            raise
        self._socket = sock
        if self._queue:
            self._reactor.addWriter(self)
        return sock

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._reactor.removeWriter(self)
            self._socket.close()
            self._socket = None

    def _enqueue(self, data: bytes, fd: int) -> bool:
        full = len(self._queue) >= _QUEUED_FRAMES or self._queued + len(data) > _QUEUED_BYTES
        if full and fd < 0:
            self._dropped(1)
            return False
        if not self._queue:
            self._reactor.addWriter(self)
        self._queue.append((data, fd))
        self._queued += len(data)
        return True

    def doWrite(self) -> None:
        """There is room in the inbox."""
        while self._queue:
            data, fd = self._queue[0]
            error = self._try(data, fd)
            if error in _FULL:
                return
            if error == errno.EMSGSIZE:
                self._dropped(1)
            elif error:
                self.close()
                return
            if fd >= 0:
                os.close(fd)
            self._queue.popleft()
            self._queued -= len(data)
        self._reactor.removeWriter(self)

    def doRead(self) -> None:
        """Nothing is ever sent to an outlet."""

    def connectionLost(self, reason: object) -> None:
        """The reactor has met an error on it: the inbox is gone. The path may have another."""
        self._disconnect()
        if self._queue:
            self.doWrite()

    def writeConnectionLost(self, reason: object) -> None:
        self.connectionLost(reason)

    def readConnectionLost(self, reason: object) -> None:
        self.connectionLost(reason)

    def close(self) -> None:
        """Give up what waits. The next frame begins afresh."""
        self._disconnect()
        if self._queue:
            self._dropped(len(self._queue))
        for _, fd in self._queue:
            if fd >= 0:
                os.close(fd)
        self._queue.clear()
        self._queued = 0

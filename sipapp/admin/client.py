"""Calls methods of a running server through the unix socket in its run directory.

A line is a message of JSON-RPC 2.0. Whoever may open the socket is let in: root, and the user that
the server runs as.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import msgspec

from sipapp.rpc import Fault, InvalidParameters

__all__ = ["Client", "ServerAbsent"]

Parameters = Mapping[str, Any] | Sequence[Any]

#: Seconds between two looks at what else there is to do while an answer is waited for.
_INTERVAL = 0.25
_CREDENTIALS = struct.Struct("3i")
#: Bytes of the longest message that is taken.
_LONGEST = 128 << 20


class ServerAbsent(Exception):
    """No server answers at the socket: C{str()} of it names it, and says why."""


class _Error(msgspec.Struct):
    code: int
    message: str


class _Message(msgspec.Struct):
    """A response or a notification (JSON-RPC 2.0 §4, §5)."""

    id: int | None = None
    result: Any = None
    error: _Error | None = None
    method: str | None = None
    params: Any = None


class Client:
    """A connection to a server. It does one thing at a time."""

    def __init__(self, path: str) -> None:
        """
        @param path: of the socket.
        @raise ServerAbsent: if no server is there.
        """
        self.path = path
        self._last = 0
        self._buffer = bytearray()
        self._searched = 0
        self._told: deque[Any] = deque()
        self._decoder = msgspec.json.Decoder(_Message)
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise ServerAbsent(f"no server runs at {path}: {_reason(error)}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def call(
        self,
        method: str,
        parameters: Parameters | None = None,
        *,
        patience: float | None = 30.0,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Any:
        """Call a method.

        @param patience: seconds to wait for its end; C{None} is as long as it takes.
        @param meanwhile: called a few times a second until then.
        @return: what it returns.
        @raise Fault: if it fails.
        @raise ServerAbsent: if the server goes before it answers, or is not heard of in time.
        """
        number = self._send(method, parameters)
        deadline = None if patience is None else time.monotonic() + patience
        while True:
            message = self._receive(deadline, meanwhile)
            if message.method is None and message.id in (number, None):
                return _result(message)
            self._keep(message)

    def notifications(self, meanwhile: Callable[[], None] = lambda: None) -> Iterator[Any]:
        """What a method that has been called tells after its result.

        @param meanwhile: as for L{call}.
        @return: the parameters of each notification, as they come. It ends when the server hangs
            up.
        """
        while True:
            while self._told:
                yield self._told.popleft()
            try:
                message = self._receive(None, meanwhile)
            except ServerAbsent:
                return
            self._keep(message)

    @contextmanager
    def processEnd(self) -> Iterator[Callable[[Callable[[], None]], None]]:
        """Look at the process of the server, to see it end.

        @return: waits for its end, and calls what it is given meanwhile.
        """
        packed = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, _, _ = _CREDENTIALS.unpack(packed)
        try:
            # Whatever process may have this number later, it is not that of the descriptor.
            descriptor = os.pidfd_open(pid)
        except OSError:
            # It is in a container, and its number is none here. That it hangs up is to be seen.
            descriptor = os.dup(self._socket.fileno())

        def wait(meanwhile: Callable[[], None]) -> None:
            while not select.select([descriptor], [], [], _INTERVAL)[0]:
                meanwhile()

        try:
            yield wait
        finally:
            os.close(descriptor)

    def _keep(self, message: _Message) -> None:
        if message.method is not None:
            self._told.append(message.params)

    def _send(self, method: str, parameters: Parameters | None) -> int:
        self._last += 1
        request = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": parameters or {}}
        try:
            line = msgspec.json.encode(request) + b"\n"
        except UnicodeEncodeError:
            # This is how Python has what was typed in another encoding.
            raise InvalidParameters("what is not UTF-8 cannot be asked for") from None
        # A patience of before is over.
        self._socket.settimeout(None)
        try:
            self._socket.sendall(line)
        except OSError as error:
            raise self._gone() from error
        return self._last

    def _receive(
        self, deadline: float | None, meanwhile: Callable[[], None] = lambda: None
    ) -> _Message:
        """
        @raise ServerAbsent: if none comes any more, or none until the deadline.
        """
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > _LONGEST:
                raise ServerAbsent(f"what answers at {self.path} is no server: it does not end")
            self._socket.settimeout(_INTERVAL)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                if deadline is not None and time.monotonic() >= deadline:
                    raise ServerAbsent(f"the server at {self.path} does not answer") from None
                meanwhile()
                continue
            except OSError as error:
                raise self._gone() from error
            if not data:
                raise self._gone()
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        try:
            return self._decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise ServerAbsent(f"what answers at {self.path} is no server: {error}") from error

    def _gone(self) -> ServerAbsent:
        return ServerAbsent(f"the server at {self.path} has hung up")


def _result(message: _Message) -> Any:
    if message.error is not None:
        raise Fault(message.error.message, message.error.code)
    return message.result


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such socket"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there any more"
    if isinstance(error, PermissionError):
        return "only root and the server's user may open it"
    return error.strerror or str(error)

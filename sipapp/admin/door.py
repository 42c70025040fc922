"""The door for those who are on the machine: a unix socket in the run directory.

JSON-RPC 2.0, one message a line in either direction. Nobody is asked for a password: the kernel
says who is at the other end (C{SO_PEERCRED}). Root and the user of the server may do everything,
others nothing.

What a method sends after its result comes as notifications under its name, until the connection
ends.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.admin.audited import userName
from sipapp.rpc import Caller, Fault, Stream
from sipapp.rpc.jsonrpc import (
    Call,
    Refused,
    Requests,
    decodeRequests,
    encodeBatch,
    encodeFault,
    encodeNotification,
    encodeResult,
)

__all__ = ["UnixDoor"]

_log = Logger()

_CREDENTIALS = struct.Struct("3i")
#: Calls of a connection that have no answer yet; more are read when one has.
_CALLS = 32


class Methods(Protocol):
    """What there is to call: C{sipapp.admin.methods.allmethods}."""

    def call(
        self,
        caller: Caller,
        name: str,
        parameters: Sequence[Any] | Mapping[str, Any],
        stream: Stream | None,
    ) -> Deferred[Any]:
        """
        @return: fires with the result; fails with a L{Fault}.
        """


class UnixDoor(Service):
    """Listens while it runs."""

    def __init__(self, path: Path, methods: Methods, reactor: Any) -> None:
        """
        @param path: of the socket.
        """
        self._path = path
        self._methods = methods
        self._reactor = reactor
        self._port: Any = None
        self._lines: set[_Line] = set()

    def startService(self) -> None:
        super().startService()
        # What a server that was killed, or an earlier image, has left behind.
        if self._path.is_socket():
            self._path.unlink()
        factory = Factory.forProtocol(lambda: _Line(self._methods, self._lines))
        factory.noisy = False
        self._port = self._reactor.listenUNIX(str(self._path), factory, mode=0o600)

    def stopService(self) -> Deferred[None]:
        super().stopService()
        port, self._port = self._port, None
        if port is None:
            return succeed(None)
        for each in list(self._lines):
            each.end()
        closed: Deferred[Any] = maybeDeferred(port.stopListening)
        return closed.addCallback(lambda _: self._path.unlink(missing_ok=True))

    def endStreams(self) -> bool:
        """Disconnect those who are still sent something.

        @return: whether there were none.
        """
        listening = [each for each in self._lines if each.streams]
        for each in listening:
            if each.isFull:
                # Who has stopped reading is not waited for.
                each.transport.abortConnection()
            else:
                each.end()
        return not listening


@implementer(IPushProducer)
class _Line(LineOnlyReceiver):
    """A connection.

    @ivar streams: how many methods may still send something.
    @ivar isFull: whether the other end reads more slowly than is sent.
    """

    transport: Any
    delimiter = b"\n"
    MAX_LENGTH = 1 << 20

    def __init__(self, methods: Methods, lines: set[_Line]) -> None:
        self.streams = 0
        self.isFull = False
        self._methods = methods
        self._lines = lines
        self._caller: Caller | None = None
        self._calls = 0
        self._isOpen = False
        self._awaitingClose: list[Deferred[None]] = []

    def connectionMade(self) -> None:
        self._isOpen = True
        self._caller = _callerAt(self.transport.socket)
        if self._caller is None:
            self.transport.abortConnection()
            return
        self._lines.add(self)
        self.transport.registerProducer(self, True)

    def lineReceived(self, line: bytes) -> None:
        if self._caller is None or not line.strip():
            return
        try:
            requests = decodeRequests(line)
        except Fault as fault:
            self.send(encodeFault(None, fault))
            return
        self._count(len(requests.calls))
        answering = Deferred.fromCoroutine(self._answerAll(requests, self._caller))
        answering.addErrback(lambda failure: _log.failure("A call was not answered", failure))
        answering.addCallback(lambda _: self._count(-len(requests.calls)))

    def lineLengthExceeded(self, line: bytes) -> None:
        self.end()

    def send(self, line: bytes) -> None:
        if self._isOpen:
            self.sendLine(line)

    def whenClosed(self) -> Deferred[None]:
        """
        @return: fires when the connection has ended.
        """
        if not self._isOpen:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._awaitingClose.append(waiting)
        return waiting

    def end(self) -> None:
        """Say what is left, and no more."""
        self.transport.loseConnection()
        # It would wait for the producer as well.
        self.transport.unregisterProducer()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._isOpen = False
        self._lines.discard(self)
        waiting, self._awaitingClose = self._awaitingClose, []
        for each in waiting:
            each.callback(None)

    async def _answerAll(self, requests: Requests, caller: Caller) -> None:
        answers = await gatherResults([self._answer(each, caller) for each in requests.calls])
        wanted = [each for each in answers if each is not None]
        if requests.isBatch and wanted:
            self.send(encodeBatch(wanted))
        elif wanted:
            self.send(wanted[0])

    def _answer(self, call: Call | Refused, caller: Caller) -> Deferred[bytes | None]:
        if isinstance(call, Refused):
            return succeed(encodeFault(call.id, call.fault))
        identifier = call.id
        called = self._methods.call(caller, call.method, call.parameters, _Outlet(self, call))

        def refuse(failure: Failure) -> bytes:
            fault = failure.value
            assert isinstance(fault, Fault)
            return encodeFault(identifier, fault)

        if call.isNotification:
            # A notification: nobody wants to know.
            return called.addBoth(lambda _: None)
        return called.addCallbacks(lambda result: encodeResult(identifier, result), refuse)

    def _count(self, calls: int) -> None:
        """Nobody keeps the server busier than this."""
        before, self._calls = self._calls, self._calls + calls
        if self._isOpen and (before < _CALLS) != (self._calls < _CALLS):
            if self._calls < _CALLS:
                self.transport.resumeProducing()
            else:
                self.transport.pauseProducing()

    # How fast the other end reads: see IPushProducer.

    def pauseProducing(self) -> None:
        self.isFull = True

    def resumeProducing(self) -> None:
        self.isFull = False

    def stopProducing(self) -> None:
        self.isFull = True


class _Outlet:
    """What the method of a call may send: see C{sipapp.rpc.Stream}."""

    def __init__(self, line: _Line, call: Call) -> None:
        self._line = line
        self._method = call.method

    @property
    def isFull(self) -> bool:
        return self._line.isFull

    def send(self, parameters: Any) -> None:
        self._line.send(encodeNotification(self._method, parameters))

    def whenClosed(self) -> Deferred[None]:
        self._line.streams += 1
        return self._line.whenClosed()


def _callerAt(end: socket.socket) -> Caller | None:
    """
    @return: who is at the other end; C{None} if they may do nothing.
    """
    packed = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(packed)
    if uid not in (0, os.geteuid()):
        _log.warn("uid {uid}, pid {pid}, is not let in", uid=uid, pid=pid)
        return None
    return Caller(userName(uid), "admin", f"pid {pid}", "unix")

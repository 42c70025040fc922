"""The driver: carries what the sockets receive to the transaction layer.

What comes in takes this way::

    datagram ─ steering ─┐
    stream ─ framing ────┴─ index ─ checks ─ whose is it? ─ transaction layer ─ user
                                                  └─ bus ─→ the driver of another worker

A message is another worker's if its Call-ID selects that worker's socket (UDP), if it is a
response to a request that worker sent (our Via names it), or an ACK to its response (the To tag
names it). It crosses the bus once: what was delivered is taken as ours.

Nothing that a message does may stop the reading: an exception is logged with the Call-ID.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from zlib import crc32

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sipapp.sip import (
    FramingError,
    MalformedMessage,
    Request,
    Response,
    SIPError,
    parseMessage,
    validateRequest,
    validateResponse,
)
from sipapp.transaction import Identifiers, TransactionLayer
from sipapp.transport.bus import Bus, Deliver, Failed, FlowRecord, Frame, Send
from sipapp.transport.datagram import DatagramPort
from sipapp.transport.flows import DatagramFlow, Flow, Flows
from sipapp.transport.heartbeat import Heartbeat
from sipapp.transport.responses import ResponseRouter
from sipapp.transport.stream import StreamFlow
from sipapp.transport.streams import Streams
from sipapp.transport.vias import stampVia

StrayResponse = Callable[[Response, Flow], None]

#: How often a drain looks whether it is done, in seconds.
_DRAIN_INTERVAL = 0.05
#: How long nothing must have been pending, if something was.
_QUIET = 0.25
#: How long connections may take to send what was written to them.
_FLUSH = 1.0

_log = Logger()


class MessageNotes(Protocol):
    """Where a worker notes what it is working on, for the case that it does not survive it."""

    def note(self, data: bytes) -> None:
        """A message has come and is worked on from now on."""

    def done(self) -> None:
        """It is not any more."""


class _NoNotes:
    def note(self, data: bytes) -> None:
        """Nobody would read it."""

    def done(self) -> None:
        """Nobody would read it."""


class Counters:
    """What a driver has seen so far."""

    __slots__ = (
        "badResponses",
        "deliveredHere",
        "handedOver",
        "malformed",
        "rejected",
        "requests",
        "responses",
        "strays",
    )

    def __init__(self) -> None:
        # Messages received, from the network or the bus.
        self.requests = 0
        self.responses = 0
        # No start line that says what it is.
        self.malformed = 0
        # Answered with an error without a transaction.
        self.rejected = 0
        self.badResponses = 0
        # Responses that belong to no transaction here.
        self.strays = 0
        # Messages that went to another worker, and came from one.
        self.handedOver = 0
        self.deliveredHere = 0


class Driver:
    """Connects the sockets of one worker with its transaction layer.

    @ivar strayResponse: called with a response that belongs to no transaction here, and its flow.
    @ivar draining: whether nothing new is begun any more.
    @ivar notes: is told of each message.

    The attributes that hold the other parts are set by L{sipapp.transport.assembly.assemble}.
    """

    bus: Bus
    flows: Flows
    layer: TransactionLayer
    responses: ResponseRouter
    streams: Streams

    def __init__(self, reactor: Any, identifiers: Identifiers) -> None:
        self.reactor = reactor
        self.identifiers = identifiers
        self.counters = Counters()
        self.strayResponse: StrayResponse | None = None
        self.draining = False
        self.notes: MessageNotes = _NoNotes()
        self.heartbeat = Heartbeat(reactor)

    # Received from the sockets.

    def datagramReceived(self, data: bytes, port: DatagramPort, address: tuple[str, int]) -> None:
        """See L{sipapp.transport.datagram.DatagramUser}."""
        steering = port.steering
        elsewhere = None
        if steering is not None:
            slot = steering.owner(data)
            if slot != steering.slot:
                elsewhere = port.codes[slot]
        self._bytesReceived(data, DatagramFlow(port, address), False, elsewhere)

    def messageReceived(self, message: Request | Response, flow: StreamFlow, data: bytes) -> None:
        """See L{sipapp.transport.stream.StreamUser}."""
        self.notes.note(data)
        self._received(message, flow, data, False)
        self.notes.done()

    def framingFailed(self, error: FramingError, flow: StreamFlow) -> None:
        """See L{sipapp.transport.stream.StreamUser}."""
        self.counters.malformed += 1
        if isinstance(error.message, Request) and error.message.method != "ACK":
            self._reject(error.message, flow, error)

    def transportFailed(self, reference: str) -> None:
        """Something was not sent; C{reference} is the key of a client transaction."""
        owner = self.identifiers.owner(reference.partition(" ")[2])
        if owner is not None and owner != self.identifiers.code and self.bus.knows(owner):
            self.bus.send(owner, Failed(reference))
            return
        self._requestFailed(reference)

    def responseUndelivered(self, data: bytes) -> None:
        """See L{sipapp.transport.stream.StreamUser}."""
        self.responses.sendAgain(data)

    def frameReceived(self, frame: Frame) -> None:
        """Something has come over the bus."""
        if isinstance(frame, Deliver):
            self.counters.deliveredHere += 1
            flow = self.flows.fromRecord(frame.source)
            if flow is not None:
                self._bytesReceived(frame.data, flow, True)
        elif isinstance(frame, Send):
            held = self.streams.held(frame.connection)
            if held is not None:
                held.send(frame.data, frame.reference)
            elif frame.reference:
                self.bus.send(frame.sender, Failed(frame.reference))
            else:
                self.responses.sendAgain(frame.data)
        elif isinstance(frame, Failed):
            self._requestFailed(frame.reference)

    def _requestFailed(self, reference: str) -> None:
        with self.heartbeat.entry("A transaction failed") as now:
            self.layer.transportFailed(reference, now)

    # The way of a message.

    def _bytesReceived(
        self, data: bytes, flow: Flow, delivered: bool, elsewhere: str | None = None
    ) -> None:
        self.notes.note(data)
        try:
            message = parseMessage(data)
        except MalformedMessage:
            self.counters.malformed += 1
        else:
            self._received(message, flow, data, delivered, elsewhere)
        self.notes.done()

    def _received(
        self,
        message: Request | Response,
        flow: Flow,
        data: bytes,
        delivered: bool,
        elsewhere: str | None = None,
    ) -> None:
        """Take a message to where it belongs.

        @param delivered: whether it has come over the bus, which it does only once.
        @param elsewhere: the worker that the Call-ID of a datagram selects, if it is not this
            one. What names its worker goes there directly instead.
        """
        message.flow = flow
        now = self.heartbeat.enter()
        try:
            if isinstance(message, Request):
                self._requestReceived(message, flow, data, now, delivered, elsewhere)
            else:
                self._responseReceived(message, flow, data, now, delivered)
        except Exception:
            self._failed(message)
        finally:
            self.heartbeat.leave(now)

    def _requestReceived(
        self,
        request: Request,
        flow: Flow,
        data: bytes,
        now: float,
        delivered: bool,
        elsewhere: str | None,
    ) -> None:
        self.counters.requests += 1
        error = validateRequest(request)
        if error is not None:
            if request.method != "ACK":
                self._reject(request, flow, error)
            return
        if request.method == "ACK" and not delivered:
            owner = self.identifiers.tagOwner(request.to.tag)
            if self._isOther(owner):
                elsewhere = owner
        if elsewhere is not None:
            self._handOver(elsewhere, data, flow.record())
            return
        answering = stampVia(request, flow)
        if flow.reliable and "alias" in request.via.params and isinstance(flow, StreamFlow):
            self.streams.alias(flow, request.via.sentBy[1])
        if self.draining and self._isNew(request):
            self._reject(request, answering, SIPError(503, "draining"))
            return
        self.layer.receiveRequest(request, answering, now)

    def _responseReceived(
        self, response: Response, flow: Flow, data: bytes, now: float, delivered: bool
    ) -> None:
        self.counters.responses += 1
        if validateResponse(response) is not None:
            self.counters.badResponses += 1
            return
        if not delivered:
            owner = self.identifiers.owner(response.via.branch)
            if owner is not None and self._isOther(owner):
                self._handOver(owner, data, flow.record())
                return
        if not self.layer.receiveResponse(response, flow, now):
            self.counters.strays += 1
            if self.strayResponse is not None:
                self.strayResponse(response, flow)

    def _isOther(self, code: str | None) -> bool:
        return code is not None and code != self.identifiers.code and self.bus.knows(code)

    def _isNew(self, request: Request) -> bool:
        """Tell whether a request would begin a transaction that need not be."""
        return request.method not in ("ACK", "CANCEL") and self.layer.findServer(request) is None

    def _handOver(self, code: str, data: bytes, source: FlowRecord) -> None:
        self.counters.handedOver += 1
        self.bus.send(code, Deliver(data, source))

    def _reject(self, request: Request, flow: Flow, error: SIPError) -> None:
        """Answer a request that gets no transaction. Sent again it gets the same answer."""
        self.counters.rejected += 1
        try:
            tag = self.identifiers.toTag(request)
        except SIPError:
            tag = f"{self.identifiers.code}.{crc32(request.toBytes()):x}"
        if request.flow is None:
            # It broke the framing, so nobody has looked at its Via.
            request.flow = flow
        try:
            if flow is request.flow:
                flow = stampVia(request, flow)
        except SIPError:
            # Nothing says where it goes but where it came from.
            pass
        flow.send(request.refuse(error, tag).toBytes())

    def _failed(self, message: Request | Response) -> None:
        _log.failure("A message failed, its Call-ID is {callID!a}", callID=message.get("call-id"))

    # Beginning and end.

    def start(self) -> None:
        """Begin to read."""
        self.bus.start()
        for port in self.flows.ports.values():
            if port.codes:
                port.start()
        self.streams.start()

    def drain(self, timeout: float, successor: bool = False) -> Deferred[bool]:
        """Finish what was begun, and begin nothing new. Other workers' messages still come and go
        through the sockets and connections here, until L{stop}.

        @param successor: true if another process reads the same sockets: then UDP is left to it,
            which hands over what is ours. Otherwise new requests are answered with 503.
        @return: fires with true when all transactions have their final response, and the ACK to
            the last of them has had time to come; with false if that took longer than C{timeout}
            seconds.
        """
        self.draining = True
        self.streams.stopListening()
        if successor:
            for port in self.flows.ports.values():
                port.stop()
        done: Deferred[bool] = Deferred()
        end = self.reactor.seconds() + timeout

        def look(quietFrom: float) -> None:
            now = self.reactor.seconds()
            if self.layer.pending:
                quietFrom = now + _QUIET
            if now >= quietFrom:
                done.callback(True)
            elif now >= end:
                done.callback(not self.layer.pending)
            else:
                self.reactor.callLater(min(end - now, _DRAIN_INTERVAL), look, quietFrom)

        look(0.0)
        return done

    def stop(self) -> Deferred[None]:
        """Read no more, and let go of everything.

        @return: fires when all connections have sent what was written to them and are closed, or
            when they had a second for it.
        """
        self.draining = True
        for port in self.flows.ports.values():
            port.stop()
        self.streams.stopListening()
        self.heartbeat.stop()
        self.bus.stop()
        return self.streams.close(_FLUSH)

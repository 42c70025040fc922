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

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any
from zlib import crc32

from twisted.internet.defer import Deferred, succeed
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
from sipapp.transport.bus import Bus, Deliver, Failed, Frame, Moved, Send
from sipapp.transport.counters import Counters, MessageNotes, NoNotes
from sipapp.transport.datagram import DatagramPort
from sipapp.transport.flows import DatagramFlow, Flow, Flows
from sipapp.transport.heartbeat import Heartbeat
from sipapp.transport.quiet import whenQuiet
from sipapp.transport.responses import ResponseRouter
from sipapp.transport.stream import StreamFlow
from sipapp.transport.streams import Streams
from sipapp.transport.succession import Predecessors, Successors, transactionsOf
from sipapp.transport.vias import stampVia

StrayResponse = Callable[[Response, Flow], None]

#: How long connections may take to send what was written to them.
_FLUSH = 1.0
#: How often is looked whether predecessors are still there, in seconds.
_WATCH_INTERVAL = 1.0

_log = Logger()


class Driver:
    """Connects the sockets of one worker with its transaction layer.

    @ivar strayResponse: called with a response that belongs to no transaction here, and its flow.
    @ivar draining: whether nothing new is begun any more.
    @ivar predecessors: the workers whose place this one takes, while they are there.
    @ivar successors: the workers that take this one's place.
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
        self.predecessors: Predecessors | None = None
        self.successors: Successors | None = None
        self._watching: Any = None
        self._hasLingered = False
        self.notes: MessageNotes = NoNotes()
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

    def sendElsewhere(self, data: bytes, flow: StreamFlow, reference: str) -> None:
        """See L{sipapp.transport.stream.StreamUser}."""
        frame = Send(flow.identifier, data, self.identifiers.code, reference)
        if not self.bus.send(flow.holder, frame):
            self.streams.undelivered(data, reference)

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
            if held is not None and held.holder:
                # It was moved: the answer, if there is one, goes to who has sent this.
                self.bus.send(held.holder, frame)
            elif held is not None:
                held.send(frame.data, frame.reference)
            elif frame.reference:
                self.bus.send(frame.sender, Failed(frame.reference))
            else:
                self.responses.sendAgain(frame.data)
        elif isinstance(frame, Failed):
            self._requestFailed(frame.reference)
        elif isinstance(frame, Moved):
            if frame.fd >= 0:
                self.streams.adopt(frame)
        elif self.predecessors is not None:
            self.predecessors.learn(frame)

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
        if self.predecessors is not None and not delivered:
            owner = self.predecessors.owner(request)
            if owner is not None and self._deliver(owner, data, flow):
                return
        if elsewhere is not None:
            self._deliver(elsewhere, data, flow)
            return
        answering = stampVia(request, flow)
        if flow.reliable and "alias" in request.via.params and isinstance(flow, StreamFlow):
            self.streams.alias(flow, request.via.sentBy[1])
        if self.draining and self._isNew(request):
            successors = self.successors
            if successors is not None and self._deliver(successors.of(data), data, flow):
                return
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
                self._deliver(owner, data, flow)
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

    def _deliver(self, code: str, data: bytes, flow: Flow) -> bool:
        self.counters.handedOver += 1
        return self.bus.send(code, Deliver(data, flow.record()))

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
        self._listen()

    def _listen(self) -> None:
        for port in self.flows.ports.values():
            if port.codes:
                port.start()
        self.streams.start()

    def takeOver(self, codes: Sequence[str]) -> None:
        """Get ready to take the place of the workers with these codes: listen to what they say,
        and to nobody else before L{serve}."""
        self.predecessors = Predecessors(codes)
        self.bus.takeDescriptors(True)
        self.bus.start()

    def serve(self) -> None:
        """The predecessors have handed over: begin."""
        self.bus.readAll()
        self._listen()
        self._watch()

    def _watch(self) -> None:
        """Ask nobody any more when all predecessors have left."""
        self._watching = None
        if self.predecessors is not None and self.predecessors.forgetGone(self.bus):
            self._watching = self.reactor.callLater(_WATCH_INTERVAL, self._watch)
        else:
            self.predecessors = None
            self.bus.takeDescriptors(False)

    def handOver(self, codes: Sequence[str], slot: int = 0) -> Deferred[None]:
        """Let other workers take this one's place: begin nothing new, tell them what they must
        know, and give them the connections. What was begun is finished here.

        @param codes: those of the successors, in slot order.
        @param slot: this worker's.
        @return: fires when they have got everything, or it waits for them in their inboxes.
        """
        self.draining = True
        self.streams.stopListening()
        for port in self.flows.ports.values():
            port.stop()
        if not codes:
            return succeed(None)
        successors = self.successors = Successors(codes, slot)
        successors.tell(self.bus, transactionsOf(self.identifiers.code, self.layer.serverKeys()))
        if self.predecessors is not None:
            successors.tell(self.bus, self.predecessors.transactions())
        for port in self.flows.ports.values():
            if port.codes and len(port.codes) != len(successors.codes):
                # What waits here was steered by a number of slots that is no more.
                port.readRest()
        self.streams.moveTo(successors.heir, partial(self.bus.send, successors.heir))
        return self.bus.flushed()

    def park(self, slots: Iterable[int]) -> None:
        """Others do the work of these slots of the UDP endpoints here; this worker may be one."""
        for port in self.flows.ports.values():
            if port.steering is not None:
                port.steering.park(frozenset(slots))

    def drain(self, timeout: float) -> Deferred[bool]:
        """Finish what was begun, and begin nothing new. Other workers' messages still come and go
        through the sockets and connections here, until L{stop}.

        New requests are answered with 503. After L{handOver} they go to the successors, and what
        clients may still send again, and connections that could not be moved, is waited for too.

        @return: fires with true when all transactions have their final response, and the ACK to
            the last of them has had time to come; with false if that took longer than C{timeout}
            seconds.
        """
        self.draining = True
        self.streams.stopListening()
        return whenQuiet(self.reactor, timeout, self._isBusy).addCallback(self._drained)

    def _drained(self, isQuiet: bool) -> bool:
        self._hasLingered = True
        return isQuiet or not self.layer.pending

    def _isBusy(self) -> bool:
        """Whether there is something that a drain waits for."""
        if self.layer.pending:
            return True
        if self.successors is None or self._hasLingered:
            return False
        # While there is time, and others have what is new: a client may send again what it has
        # got no answer to, and there may be connections that could not be moved.
        return self.layer.serverCount > 0 or self.streams.lingers

    def stop(self) -> Deferred[None]:
        """Read no more, and let go of everything.

        @return: fires when all connections have sent what was written to them and are closed, or
            when they had a second for it.
        """
        self.draining = True
        if self.successors is not None:
            self.bus.leaveTo(self.identifiers.code, self.successors.heir)
        for port in self.flows.ports.values():
            port.stop()
        self.streams.stopListening()
        self.heartbeat.stop()
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        self.bus.stop()
        return self.streams.close(_FLUSH)

"""The way of a message that has come, from the socket to the transaction layer::

    datagram ─ admission ──┐
    stream ─ framing ──────┴─ index ─ checks ─ whose is it? ─ transaction layer ─ user
                                                    └─ bus ─→ the receiver of another worker

What a source may not send ends at its admission (L{sipapp.transport.admission}); for a stream, that
is after the framing. What would begin a transaction while there is too much to do
(L{sipapp.transport.overload}) ends before the transaction layer.

Nothing that a message does may stop the reading: an exception is logged.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from sipapp.sip import (
    FramingError,
    MalformedMessage,
    Request,
    Response,
    SIPError,
    about,
    parseMessage,
    validateRequest,
    validateResponse,
)
from sipapp.transaction import Identifiers, TransactionLayer
from sipapp.transport.admission import DROP, EXPEL, LOOK, REFUSE, WELCOME, Admission
from sipapp.transport.counters import Counters
from sipapp.transport.datagram import DatagramPort
from sipapp.transport.flows import DatagramFlow, Flow
from sipapp.transport.limits import LimitLog
from sipapp.transport.neighbours import Neighbours
from sipapp.transport.overload import Overload
from sipapp.transport.refusals import Refusals
from sipapp.transport.streamflow import StreamFlow
from sipapp.transport.turns import Turns
from sipapp.transport.vias import stampVia

Answered = Callable[[Request, Flow], bool]
StrayResponse = Callable[[Response, Flow], bool]

_TOO_MANY = SIPError(503, "more requests than one source may send")
_OVERLOAD = SIPError(503, "there is too much to do")
_PAUSED = SIPError(503, "paused")

#: Seconds for which who is refused at a paused endpoint had better ask elsewhere: without a
#: Retry-After a 503 is no more than a 500 (RFC 3261 §21.5.4).
_PAUSE = 10

_log = Logger()


class Receiver:
    """Takes what the sockets of one worker receive to where it belongs. Each of its calls is part
    of a turn.

    @ivar answered: called with a request and the flow for its answer before there is a
        transaction; true if it needs none.
    @ivar strayResponse: called with a response that belongs to no transaction here, and its flow;
        true if somebody has waited for it.
    @ivar draining: whether nothing new is begun any more.
    @ivar paused: the indices of endpoints where nothing new is begun; what has begun goes on.
    @ivar limitLog: says what was refused.
    @ivar admission: decides who is listened to; C{None} if everybody is.
    @ivar overload: says whether there is too much to do.
    """

    limitLog: LimitLog
    overload: Overload

    def __init__(
        self,
        turns: Turns,
        layer: TransactionLayer,
        identifiers: Identifiers,
        neighbours: Neighbours,
    ) -> None:
        self.counters = Counters()
        self.answered: Answered | None = None
        self.strayResponse: StrayResponse | None = None
        self.draining = False
        self.paused: frozenset[int] = frozenset()
        self.admission: Admission | None = None
        self._turns = turns
        self._layer = layer
        self._neighbours = neighbours
        self._refusals = Refusals(identifiers, self.counters)

    # From the sockets.

    def datagramReceived(self, data: bytes, port: DatagramPort, address: tuple[str, int]) -> None:
        """See L{sipapp.transport.datagram.DatagramUser}."""
        verdict = WELCOME
        if self.admission is not None:
            isRequest = data[:4] != b"SIP/"
            verdict = self.admission.judge(address[0], True, isRequest, self._turns.now)
            if verdict >= DROP:
                return
        self._turns.notes.note(data)
        try:
            message = parseMessage(data)
        except MalformedMessage:
            self.counters.malformed += 1
            return
        if len(data) > port.bounds.harmless and self._isTooLarge(message, port, address):
            return
        steering = port.steering
        elsewhere = None
        if steering is not None and len(data) > steering.reach:
            slot = steering.owner(data)
            if slot != steering.slot:
                self.counters.missteered += 1
                elsewhere = port.codes[slot]
        self._received(message, DatagramFlow(port, address), data, False, elsewhere, verdict)

    def _isTooLarge(
        self, message: Request | Response, port: DatagramPort, address: tuple[str, int]
    ) -> bool:
        """Refuse a message that is larger than the endpoint wants. The answer is no larger."""
        error = port.bounds.excess(message)
        if error is None:
            return False
        name = f"UDP {port.endpoint.host}:{port.endpoint.port}"
        self.limitLog.hit("messageSize", name, address[0], f"{error.detail}, refused")
        if isinstance(message, Request):
            self.counters.requestCame(message.method, port.endpoint.index)
            if message.method != "ACK":
                message.flow = DatagramFlow(port, address)
                self._refusals.send(message, message.flow, error)
        else:
            self.counters.badResponses += 1
        return True

    def messageReceived(self, message: Request | Response, flow: StreamFlow, data: bytes) -> None:
        """See L{sipapp.transport.connection.StreamUser}."""
        verdict = WELCOME
        if self.admission is not None:
            isRequest = isinstance(message, Request)
            verdict = self.admission.judge(flow.remote[0], False, isRequest, self._turns.now)
        self._turns.notes.note(data)
        self._received(message, flow, data, False, None, verdict)

    def keepAliveReceived(self, flow: StreamFlow) -> bool:
        """See L{sipapp.transport.connection.StreamUser}. It counts as a request."""
        if self.admission is not None:
            host, now = flow.remote[0], self._turns.now
            verdict = self.admission.judge(host, False, False, now)
            if verdict != WELCOME and not self.admission.isTrusted(flow):
                (flow.abort if verdict == EXPEL else flow.hold)()
                return False
            self.admission.charge(host, now)
        return True

    def framingFailed(self, error: FramingError, flow: StreamFlow) -> None:
        """See L{sipapp.transport.connection.StreamUser}."""
        self.counters.malformed += 1
        request = error.message
        if isinstance(request, Request) and request.method != "ACK":
            request.flow = flow
            self._refusals.send(request, flow, error)

    def delivered(self, data: bytes, flow: Flow) -> None:
        """Another worker has received a message that is ours."""
        self.counters.deliveredHere += 1
        self._turns.notes.note(data)
        try:
            message = parseMessage(data)
        except MalformedMessage:
            self.counters.malformed += 1
        else:
            self._received(message, flow, data, True, None, WELCOME)

    # The way of a message.

    def _received(
        self,
        message: Request | Response,
        flow: Flow,
        data: bytes,
        delivered: bool,
        elsewhere: str | None,
        verdict: int,
    ) -> None:
        """Take a message to where it belongs.

        @param delivered: whether it has come over the bus, which it does only once.
        @param elsewhere: the worker that the Call-ID of a datagram selects, if it is not this
            one. What names its worker goes there directly instead.
        @param verdict: of the admission.
        """
        message.flow = flow
        self._turns.message = message
        try:
            if verdict and not self._admits(message, flow, verdict):
                return
            if isinstance(message, Request):
                self._requestReceived(message, flow, data, delivered, elsewhere)
            else:
                self._responseReceived(message, flow, data, delivered)
        except Exception:
            _log.failure("A message failed", about=about(message))
        finally:
            self._turns.message = None

    def _admits(self, message: Request | Response, flow: Flow, verdict: int) -> bool:
        """Do what the admission has said of a message that is not just welcome.

        @return: whether the message is taken.
        """
        admission = self.admission
        assert admission is not None
        if admission.isTrusted(flow):
            return True
        if verdict == LOOK:
            if not admission.isScanner(message, flow):
                return True
            verdict = EXPEL
        if verdict == REFUSE and isinstance(message, Request) and message.method != "ACK":
            self._refusals.send(message, flow, _TOO_MANY, admission.pause)
        elif isinstance(flow, StreamFlow):
            if verdict == EXPEL:
                flow.abort()
                return False
            flow.hold()
            if isinstance(message, Request) and message.method != "ACK":
                # It gets no answer.
                flow.owed -= 1
        return False

    def _requestReceived(
        self, request: Request, flow: Flow, data: bytes, delivered: bool, elsewhere: str | None
    ) -> None:
        if delivered:
            self.counters.requests += 1
        else:
            self.counters.requestCame(request.method, flow.listener)
        error = validateRequest(request)
        if error is not None:
            if request.method != "ACK":
                self._refusals.send(request, flow, error)
            return
        neighbours = self._neighbours
        if not delivered:
            if request.method == "ACK":
                elsewhere = neighbours.tagOwner(request) or elsewhere
            if neighbours.predecessors is not None:
                predecessor = neighbours.predecessors.owner(request)
                if predecessor is not None and self._deliver(predecessor, data, flow):
                    return
            if elsewhere is not None:
                self._deliver(elsewhere, data, flow)
                return
        answering = stampVia(request, flow)
        if isinstance(flow, StreamFlow):
            flow.noteAlias(request)
        if self.draining and self._isNew(request):
            successor = neighbours.successorFor(data)
            if successor is None or not self._deliver(successor, data, flow):
                self._refusals.send(request, answering, SIPError(503, "draining"))
            return
        if self.paused and self._isPaused(request, flow):
            self._refusals.send(request, answering, _PAUSED, _PAUSE)
            return
        tooMuch = self.overload.isActive and self._isTooMuch(request)
        # To say that we are there is no more work than to say that there is too much.
        answered = self.answered if not tooMuch or request.method == "OPTIONS" else None
        if answered is not None and answered(request, answering):
            return
        if tooMuch:
            after = self.overload.refuse(request.callID)
            self._refusals.send(request, answering, _OVERLOAD, after)
            return
        self._layer.receiveRequest(request, answering, self._turns.now)

    def _responseReceived(
        self, response: Response, flow: Flow, data: bytes, delivered: bool
    ) -> None:
        if delivered:
            self.counters.responses += 1
        else:
            self.counters.responseCame(response.status, flow.listener)
        if validateResponse(response) is not None:
            self.counters.badResponses += 1
            return
        if self._layer.receiveResponse(response, flow, self._turns.now):
            return
        if not delivered:
            owner = self._neighbours.branchOwner(response)
            if owner is not None:
                self._deliver(owner, data, flow)
                return
        self.counters.strays += 1
        if self.strayResponse is not None and self.strayResponse(response, flow):
            return
        if self.admission is not None and not delivered:
            self.admission.charge(flow.remote[0], self._turns.now)

    def _isNew(self, request: Request) -> bool:
        """Tell whether a request would begin a transaction that need not be."""
        return request.method not in ("ACK", "CANCEL") and not self._layer.knows(request)

    def _isPaused(self, request: Request, flow: Flow) -> bool:
        """Tell whether a request would begin something where nothing new is begun."""
        return flow.listener in self.paused and request.to.tag is None and self._isNew(request)

    def _isTooMuch(self, request: Request) -> bool:
        """Tell whether a request is for another time: it would begin something, or at the worst of
        times says no more than that it belongs to something."""
        if request.method == "ACK" or self._layer.knows(request):
            return False
        if request.method == "CANCEL":
            return self._layer.inviteOf(request) is None
        return request.to.tag is None or self.overload.isSevere

    def _deliver(self, code: str, data: bytes, flow: Flow) -> bool:
        self.counters.handedOver += 1
        return self._neighbours.deliver(code, data, flow)

"""What the two server machines share (RFC 3261 §17.2): answering, and answering again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from sipapp.sip import Message, Request, Response
from sipapp.transaction.machine import ABANDON, ACK, FAILED, REQUEST, UNANSWERED, Transaction

if TYPE_CHECKING:
    from sipapp.transaction.layer import TransactionLayer
    from sipapp.transaction.matching import ServerKey
    from sipapp.transaction.parties import Flow, ServerUser


class ServerTransaction(Transaction):
    """A request that was received, and the responses to it.

    @ivar key: see L{sipapp.transaction.matching}.
    @ivar user: if set, it is told when the transaction ends or cannot send.
    @ivar cancelled: set by whoever answers an INVITE later: called when a CANCEL has come.
    @ivar cancelledBy: the CANCEL that came for this INVITE in time, or C{None}.
    @ivar amend: set by whoever has something to add to the responses that others make: called with
        each before it is sent.
    @ivar answered: set by whoever wants to know what became of the request: called once, with the
        first final response, when that has been given.
    @ivar lastResponse: the response sent last, as it is on the wire; empty before the first one.
    @ivar lastStatus: its status, 0 before the first one.
    @ivar timedOut: whether the transaction ended because the ACK never came (Timer H) or because
        no response came in time (RFC 4320).
    @ivar receivedAt: when the request came.
    """

    __slots__ = (
        "amend",
        "answered",
        "cancelled",
        "cancelledBy",
        "lastResponse",
        "lastStatus",
        "looseKey",
        "receivedAt",
        "replyTag",
        "timedOut",
        "user",
    )

    key: ServerKey

    def __init__(
        self,
        layer: TransactionLayer,
        key: ServerKey,
        request: Request,
        flow: Flow,
        now: float,
    ) -> None:
        super().__init__(layer, key, request, flow)
        self.user: ServerUser | None = None
        self.cancelled: Callable[[], None] | None = None
        self.cancelledBy: Request | None = None
        self.amend: Callable[[Response], None] | None = None
        self.answered: Callable[[Response], None] | None = None
        self.lastResponse = b""
        self.lastStatus = 0
        self.timedOut = False
        self.receivedAt = now
        # For matching by RFC 2543: the key without the To tag, and the To tag of our response.
        self.looseKey: ServerKey | None = None
        self.replyTag: str | None = None

    @abstractmethod
    def classify(self, status: int, now: float) -> str:
        """
        @return: the event that a response of this status is to the machine.
        """

    def respond(self, response: Response, now: float | None = None) -> None:
        """Send a response, unless the table says that it comes too late.

        @param now: the time, if the caller has it; otherwise the layer's clock is asked.
        @raise ImpossibleEvent: if this response can never be right in this state, such as a
            provisional or negative one after a 2xx to INVITE.
        """
        if now is None:
            now = self.layer.clock()
        if self.amend is not None:
            self.amend(response)
        answered = self.answered
        self.step(self.classify(response.status, now), now, response)
        if answered is not None and self.isFinal:
            self.answered = None
            answered(response)

    def abandon(self, now: float | None = None) -> None:
        """Forget the transaction, whose request its user wants to treat statelessly (RFC 3261
        §16.11): nothing is sent, nobody is told, and the request is new when it comes again.

        @param now: the time, if the caller has it; otherwise the layer's clock is asked.
        @raise ImpossibleEvent: if the request has been answered.
        """
        self.step(ABANDON, self.layer.clock() if now is None else now)

    def begin(self, now: float) -> None:
        """The request has come: show it to the user, and let the layer see that it gets some
        answer in time."""
        try:
            self.step(REQUEST, now)
        finally:
            if not self.isFinal:
                self.layer.unanswered.append(self)

    def awaitAnswer(self) -> None:
        """The driver is done with what came together with the request. One that has been answered
        meanwhile costs no timer."""
        if not self.isFinal:
            self.step(UNANSWERED, self.receivedAt)

    def requestRepeated(self, now: float) -> None:
        """The request has come again."""
        self.step(REQUEST, now)

    def acknowledged(self, ack: Request, now: float) -> None:
        """An ACK that matches this transaction has come."""
        self.step(ACK, now, ack)

    def transportFailed(self, now: float) -> None:
        """A response could not be sent."""
        self.step(FAILED, now)

    # Actions.

    def present(self, now: float, message: Message | None) -> None:
        """Show the request to the transaction user."""
        self.layer.present(self, now)

    def send(self, now: float, response: Response) -> None:
        data = response.toBytes()
        status = response.status
        if self.lastStatus < 200:
            self.layer.answers.add(self.request.method, status, now - self.receivedAt)
        self.lastResponse = data
        self.lastStatus = status
        if self.looseKey is not None:
            self.replyTag = response.to.tag
        self.flow.send(data)

    def sendTrying(self, now: float, message: Message | None) -> None:
        """Send the 100 that the user has not sent (RFC 3261 §17.2.1, RFC 4320 §4.1)."""
        self.send(now, self.request.respond(100))

    def resend(self, now: float, message: Message | None) -> None:
        """Send the last response again, if there is one yet."""
        if self.lastResponse:
            self.layer.retransmitted += 1
            self.flow.send(self.lastResponse)

    def expire(self, now: float, message: Message | None) -> None:
        self.timedOut = True
        self.layer.timeouts += 1

    def end(self, now: float, message: Message | None) -> None:
        self.stopTimers(now, None)
        if not self.isFinal:
            self.finish(now, None)
        self.cancelled = None
        self.amend = None
        self.answered = None
        self.layer.forgetServer(self)

    def tellEnded(self, now: float, message: Message | None) -> None:
        user, self.user = self.user, None
        if user is not None:
            user.transactionEnded()

    def tellFailed(self, now: float, message: Message | None) -> None:
        self.layer.failures += 1
        if self.user is not None:
            self.user.transportFailed()

"""What the two client machines share (RFC 3261 §17.1): sending, sending again, and the outcome."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sipapp.sip import Message, Request, Response
from sipapp.transaction.machine import CANCEL, FAILED, REQUEST, Transaction

if TYPE_CHECKING:
    from sipapp.transaction.layer import TransactionLayer
    from sipapp.transaction.parties import ClientUser, Flow


class ClientTransaction(Transaction):
    """A request that was sent, and the responses to it.

    @ivar key: method and branch, see L{sipapp.transaction.matching.clientKey}.
    @ivar user: learns the outcome.
    @ivar sentAt: when the request was sent for the first time.
    """

    __slots__ = ("_data", "sentAt", "user")

    key: str

    def __init__(
        self,
        layer: TransactionLayer,
        key: str,
        request: Request,
        flow: Flow,
        user: ClientUser,
    ) -> None:
        super().__init__(layer, key, request, flow)
        self.user = user
        self._data = request.toBytes()
        self.sentAt = 0.0

    @abstractmethod
    def classify(self, status: int) -> str:
        """
        @return: the event that a response of this status is to the machine.
        """

    def cancel(self, now: float | None = None, reasons: Sequence[str] = ()) -> None:
        """Give up (RFC 3261 §9.1): send a CANCEL, now or as soon as a provisional response has
        come. It has no effect after a final response, or on another request than INVITE. The
        user still learns the outcome.

        @param now: the time, if the caller has it; otherwise the layer's clock is asked.
        @param reasons: what the CANCEL says in Reason (RFC 3326), if none was asked for before.
        """
        self.step(CANCEL, self.layer.clock() if now is None else now)

    def start(self, now: float) -> None:
        """Send the request for the first time."""
        self.sentAt = now
        self.step(REQUEST, now)

    def responseReceived(self, response: Response, now: float) -> None:
        """A response that matches this transaction has come."""
        self.step(self.classify(response.status), now, response)

    def transportFailed(self, now: float) -> None:
        """The request could not be sent."""
        self.step(FAILED, now)

    # Actions.

    def send(self, now: float, message: Message | None) -> None:
        self.flow.send(self._data)

    def resend(self, now: float, message: Message | None) -> None:
        self.layer.retransmitted += 1
        self.flow.send(self._data)

    def end(self, now: float, message: Message | None) -> None:
        self.stopTimers(now, None)
        if not self.isFinal:
            self.finish(now, None)
        self.layer.forgetClient(self)

    def tellResponse(self, now: float, response: Response) -> None:
        self.user.responseReceived(self, response, now)

    def tellTimeout(self, now: float, message: Message | None) -> None:
        self.layer.timeouts += 1
        self.user.timedOut(self, now)

    def tellFailed(self, now: float, message: Message | None) -> None:
        self.layer.failures += 1
        self.user.transportFailed(self, now)

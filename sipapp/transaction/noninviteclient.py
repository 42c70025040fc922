"""The non-INVITE client transaction (RFC 3261 §17.1.2).

The request is sent in Trying, and again over an unreliable transport whenever Timer E fires: from
T1 doubling up to T2, and every T2 once a provisional response has come. When 64*T1 have passed
since the start without a final response (Timer F), the user is told; whoever had asked the user
must not be told a 408 (RFC 4320 §4.2), which the server machine sees to.

The first final response is passed on and ends the transaction. What is left of it is the Completed
state of RFC 3261: its key, by which the layer absorbs what the network still holds for T4 (Timer
K, L{sipapp.transaction.finished}). CANCEL does not exist for other requests than INVITE (§9.1), so
the wish is ignored.

A failure to send ends the transaction until there is a final response (§17.1.4).
"""

from __future__ import annotations

from sipapp.sip import Message
from sipapp.transaction.client import ClientTransaction
from sipapp.transaction.machine import (
    CANCEL,
    FAILED,
    FINAL,
    PROCEEDING,
    PROVISIONAL,
    REQUEST,
    START,
    TERMINATED,
    TIMER_E,
    TIMER_F,
    TRYING,
    Table,
)

TABLE: Table = {
    START: {
        REQUEST: (TRYING, ("startE", "startF", "send")),
    },
    TRYING: {
        PROVISIONAL: (PROCEEDING, ("tellResponse",)),
        FINAL: (TERMINATED, ("remain", "end", "tellResponse")),
        CANCEL: (TRYING, ()),
        TIMER_E: (TRYING, ("resend", "doubleE")),
        TIMER_F: (TERMINATED, ("end", "tellTimeout")),
        FAILED: (TERMINATED, ("end", "tellFailed")),
    },
    PROCEEDING: {
        PROVISIONAL: (PROCEEDING, ("tellResponse",)),
        FINAL: (TERMINATED, ("remain", "end", "tellResponse")),
        CANCEL: (PROCEEDING, ()),
        TIMER_E: (PROCEEDING, ("resend", "restartE")),
        TIMER_F: (TERMINATED, ("end", "tellTimeout")),
        FAILED: (TERMINATED, ("end", "tellFailed")),
    },
    TERMINATED: {
        CANCEL: (TERMINATED, ()),
        FAILED: (TERMINATED, ()),
    },
}


class NonInviteClient(ClientTransaction):
    """A request other than INVITE or ACK that was sent."""

    __slots__ = ()

    TABLE = TABLE

    def classify(self, status: int) -> str:
        return PROVISIONAL if status < 200 else FINAL

    # Actions.

    def startE(self, now: float, message: Message | None) -> None:
        if not self.flow.reliable:
            self._interval = self.layer.settings.t1
            self.pulse(TIMER_E, self._interval, now)

    def doubleE(self, now: float, message: Message | None) -> None:
        self._interval = min(2 * self._interval, self.layer.settings.t2)
        self.pulse(TIMER_E, self._interval, now)

    def restartE(self, now: float, message: Message | None) -> None:
        self.pulse(TIMER_E, self.layer.settings.t2, now)

    def startF(self, now: float, message: Message | None) -> None:
        self.limit(TIMER_F, self.layer.settings.timeout, now)

    def remain(self, now: float, message: Message | None) -> None:
        """Leave the key to recognise repetitions of the response by."""
        if not self.flow.reliable:
            self.layer.finishedClients.keep(self.key, b"", now)

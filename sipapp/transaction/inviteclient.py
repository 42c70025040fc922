"""The INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2, CANCEL of RFC 3261 §9.1).

An INVITE is sent in Calling, and again over an unreliable transport whenever Timer A fires, from
T1 doubling without end, until any response has come or 64*T1 have passed (Timer B).

After a provisional response, in Proceeding, there is no timer: a phone may ring for long. Timer
C, which ends that, is run by proxies themselves (§16.6).

A final response other than 2xx is acknowledged here, with an ACK for each time it comes, and
passed on once; Completed absorbs the repetitions for Timer D. A 2xx is acknowledged by the user
instead, end to end, so Accepted passes every 2xx on for 64*T1 (Timer M): each may be a
retransmission that wants the ACK again, or come from another branch of a fork. A 2xx in Completed
is passed on too: a forking proxy downstream must forward one even after another final response
(§16.7 step 5), and this transaction is where it arrives.

CANCEL may be sent in Proceeding only, since before a provisional response the CANCEL could
overtake its INVITE. A wish to cancel in Calling is remembered until then. When 64*T1 have passed
after the CANCEL without a final response, the transaction is over (Timer CANCEL, §9.1).

A failure to send counts in Calling only. In Proceeding the server has the INVITE, and its response
may come over another connection (§18.2.2). In Completed only an ACK can have failed: RFC 3261 ends
the transaction there and tells the user. Here it stays, because the user has its final response
already, and because a repetition of that response deserves another ACK.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from sipapp.sip import Message, Request, Response
from sipapp.transaction.client import ClientTransaction
from sipapp.transaction.machine import (
    ACCEPTED,
    CALLING,
    CANCEL,
    COMPLETED,
    FAILED,
    PROCEEDING,
    PROVISIONAL,
    REJECTION,
    REQUEST,
    START,
    SUCCESS,
    TERMINATED,
    TIMER_A,
    TIMER_B,
    TIMER_CANCEL,
    TIMER_D,
    TIMER_M,
    BranchInUse,
    Table,
)
from sipapp.transaction.minted import ackFor, cancelFor

if TYPE_CHECKING:
    from sipapp.transaction.layer import TransactionLayer
    from sipapp.transaction.parties import ClientUser, Flow

TABLE: Table = {
    START: {
        REQUEST: (CALLING, ("startA", "startB", "send")),
    },
    CALLING: {
        PROVISIONAL: (PROCEEDING, ("stopTimers", "cancelIfWanted", "tellResponse")),
        SUCCESS: (ACCEPTED, ("stopTimers", "finish", "startM", "tellResponse")),
        REJECTION: (
            COMPLETED,
            ("stopTimers", "finish", "acknowledge", "startD", "tellResponse"),
        ),
        CANCEL: (CALLING, ("wantCancel",)),
        TIMER_A: (CALLING, ("resend", "restartA")),
        TIMER_B: (TERMINATED, ("end", "tellTimeout")),
        FAILED: (TERMINATED, ("end", "tellFailed")),
    },
    PROCEEDING: {
        PROVISIONAL: (PROCEEDING, ("tellResponse",)),
        SUCCESS: (ACCEPTED, ("stopTimers", "finish", "startM", "tellResponse")),
        REJECTION: (
            COMPLETED,
            ("stopTimers", "finish", "acknowledge", "startD", "tellResponse"),
        ),
        CANCEL: (PROCEEDING, ("wantCancel", "cancelIfWanted")),
        TIMER_CANCEL: (TERMINATED, ("end", "tellTimeout")),
        FAILED: (PROCEEDING, ()),
    },
    ACCEPTED: {
        PROVISIONAL: (ACCEPTED, ("absorb",)),
        SUCCESS: (ACCEPTED, ("tellResponse",)),
        REJECTION: (ACCEPTED, ("absorb",)),
        CANCEL: (ACCEPTED, ()),
        TIMER_M: (TERMINATED, ("end",)),
        FAILED: (ACCEPTED, ()),
    },
    COMPLETED: {
        PROVISIONAL: (COMPLETED, ("absorb",)),
        SUCCESS: (COMPLETED, ("tellResponse",)),
        REJECTION: (COMPLETED, ("absorb", "acknowledge")),
        CANCEL: (COMPLETED, ()),
        TIMER_D: (TERMINATED, ("end",)),
        FAILED: (COMPLETED, ()),
    },
    TERMINATED: {
        CANCEL: (TERMINATED, ()),
        FAILED: (TERMINATED, ()),
    },
}


class InviteClient(ClientTransaction):
    """An INVITE that was sent."""

    __slots__ = ("_cancelReasons", "_cancelSent", "_cancelWanted")

    TABLE = TABLE

    def __init__(
        self,
        layer: TransactionLayer,
        key: str,
        request: Request,
        flow: Flow,
        user: ClientUser,
    ) -> None:
        super().__init__(layer, key, request, flow, user)
        self._cancelWanted = False
        self._cancelSent = False
        self._cancelReasons: Sequence[str] = ()

    def cancel(self, now: float | None = None, reasons: Sequence[str] = ()) -> None:
        """See L{ClientTransaction.cancel}."""
        if not self._cancelWanted:
            self._cancelReasons = reasons
        super().cancel(now)

    def classify(self, status: int) -> str:
        if status < 200:
            return PROVISIONAL
        return SUCCESS if status < 300 else REJECTION

    # Actions.

    def startA(self, now: float, message: Message | None) -> None:
        if not self.flow.reliable:
            self._interval = self.layer.settings.t1
            self.pulse(TIMER_A, self._interval, now)

    def restartA(self, now: float, message: Message | None) -> None:
        self._interval *= 2
        self.pulse(TIMER_A, self._interval, now)

    def startB(self, now: float, message: Message | None) -> None:
        self.limit(TIMER_B, self.layer.settings.timeout, now)

    def startD(self, now: float, message: Message | None) -> None:
        self.limit(TIMER_D, 0.0 if self.flow.reliable else self.layer.settings.timerD, now)

    def startM(self, now: float, message: Message | None) -> None:
        self.limit(TIMER_M, self.layer.settings.timeout, now)

    def acknowledge(self, now: float, response: Response) -> None:
        self.flow.send(ackFor(self.request, response).toBytes())

    def wantCancel(self, now: float, message: Message | None) -> None:
        self._cancelWanted = True

    def cancelIfWanted(self, now: float, message: Message | None) -> None:
        """Send the CANCEL, once, in a transaction of its own."""
        if self._cancelWanted and not self._cancelSent:
            self._cancelSent = True
            self.limit(TIMER_CANCEL, self.layer.settings.timeout, now)
            # A CANCEL with this branch that is under way already serves as well.
            with suppress(BranchInUse):
                cancel = cancelFor(self.request, self._cancelReasons)
                self.layer.request(cancel, self.flow, UNINTERESTED, now)


class Uninterested:
    """The user of a CANCEL: the final response to its INVITE tells all that matters (§9.1)."""

    __slots__ = ()

    def responseReceived(
        self, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        """Whether the CANCEL was understood does not change what to wait for."""

    def timedOut(self, transaction: ClientTransaction, now: float) -> None:
        """Timer CANCEL of the INVITE fires at the same time."""

    def transportFailed(self, transaction: ClientTransaction, now: float) -> None:
        """Timer CANCEL of the INVITE still runs."""


UNINTERESTED = Uninterested()

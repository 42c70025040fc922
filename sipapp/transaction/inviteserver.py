"""The INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1).

An INVITE has come, and somebody may have to pick up a phone before it can be answered. The
machine starts in Proceeding. If the user has said nothing for 200 ms it sends a 100, so that the
client stops repeating the INVITE; whatever provisional response was sent last answers an INVITE
that comes again all the same.

A final response other than 2xx leads to Completed. It is repeated over an unreliable transport
(Timer G, from T1 doubling up to T2) until the ACK comes, which leads to Confirmed, where stray
ACKs are absorbed for T4 (Timer I). If no ACK comes within 64*T1 (Timer H), the transaction ends
and its user learns that it was never acknowledged.

A 2xx leads to Accepted, for 64*T1 (Timer L). The 2xx itself is repeated by the UAS core and not
by the transaction, so further 2xx from the user go out as they are, be it the same again or those
of another branch of a fork, and an ACK goes to the user. All that the state does is absorb an
INVITE that comes again, which would otherwise look like a new call.

A failure to send is told to the user and changes nothing else (RFC 6026 §8.7): were the
transaction to end, the next repetition of the INVITE would be taken for a new call.

A response that the user gives in Completed or Confirmed is dropped: it has lost the race against
the 487 that a CANCEL made somebody else send. In Accepted nothing but 2xx can be right. After the
end nothing is sent, however late the user wakes up.

A user that wants to treat the request statelessly abandons the transaction before it has answered
(§16.11): it is forgotten, and a repetition of the INVITE makes a new one.
"""

from __future__ import annotations

from sipapp.sip import Message, Request
from sipapp.transaction.machine import (
    ABANDON,
    ACCEPTED,
    ACK,
    COMPLETED,
    CONFIRMED,
    FAILED,
    PROCEEDING,
    PROVISIONAL,
    REJECTION,
    REQUEST,
    START,
    SUCCESS,
    TERMINATED,
    TIMER_100,
    TIMER_G,
    TIMER_H,
    TIMER_I,
    TIMER_L,
    UNANSWERED,
    Table,
)
from sipapp.transaction.server import ServerTransaction

TABLE: Table = {
    START: {
        REQUEST: (PROCEEDING, ("present",)),
    },
    PROCEEDING: {
        UNANSWERED: (PROCEEDING, ("start100",)),
        REQUEST: (PROCEEDING, ("absorb", "resend")),
        ACK: (PROCEEDING, ("absorb",)),
        PROVISIONAL: (PROCEEDING, ("stopTimers", "send")),
        SUCCESS: (ACCEPTED, ("stopTimers", "finish", "send", "startL")),
        REJECTION: (COMPLETED, ("stopTimers", "finish", "send", "startG", "startH")),
        TIMER_100: (PROCEEDING, ("sendTrying",)),
        FAILED: (PROCEEDING, ("tellFailed",)),
        ABANDON: (TERMINATED, ("end",)),
    },
    ACCEPTED: {
        REQUEST: (ACCEPTED, ("absorb",)),
        ACK: (ACCEPTED, ("tellAck",)),
        SUCCESS: (ACCEPTED, ("send",)),
        TIMER_L: (TERMINATED, ("end", "tellEnded")),
        FAILED: (ACCEPTED, ("tellFailed",)),
    },
    COMPLETED: {
        REQUEST: (COMPLETED, ("absorb", "resend")),
        ACK: (CONFIRMED, ("stopTimers", "startI")),
        PROVISIONAL: (COMPLETED, ()),
        SUCCESS: (COMPLETED, ()),
        REJECTION: (COMPLETED, ()),
        TIMER_G: (COMPLETED, ("resend", "restartG")),
        TIMER_H: (TERMINATED, ("expire", "end", "tellEnded")),
        FAILED: (COMPLETED, ("tellFailed",)),
    },
    CONFIRMED: {
        REQUEST: (CONFIRMED, ("absorb",)),
        ACK: (CONFIRMED, ("absorb",)),
        PROVISIONAL: (CONFIRMED, ()),
        SUCCESS: (CONFIRMED, ()),
        REJECTION: (CONFIRMED, ()),
        TIMER_I: (TERMINATED, ("end", "tellEnded")),
        FAILED: (CONFIRMED, ()),
    },
    TERMINATED: {
        PROVISIONAL: (TERMINATED, ()),
        SUCCESS: (TERMINATED, ()),
        REJECTION: (TERMINATED, ()),
        FAILED: (TERMINATED, ()),
    },
}


class InviteServer(ServerTransaction):
    """An INVITE that was received."""

    __slots__ = ()

    TABLE = TABLE

    def classify(self, status: int, now: float) -> str:
        if status < 200:
            return PROVISIONAL
        return SUCCESS if status < 300 else REJECTION

    # Actions.

    def start100(self, now: float, message: Message | None) -> None:
        if not self.lastResponse:
            self.pulse(TIMER_100, self.layer.settings.tryingDelay, now)

    def startG(self, now: float, message: Message | None) -> None:
        if not self.flow.reliable:
            self._interval = self.layer.settings.t1
            self.pulse(TIMER_G, self._interval, now)

    def restartG(self, now: float, message: Message | None) -> None:
        self._interval = min(2 * self._interval, self.layer.settings.t2)
        self.pulse(TIMER_G, self._interval, now)

    def startH(self, now: float, message: Message | None) -> None:
        self.limit(TIMER_H, self.layer.settings.timeout, now)

    def startI(self, now: float, message: Message | None) -> None:
        self.limit(TIMER_I, 0.0 if self.flow.reliable else self.layer.settings.t4, now)

    def startL(self, now: float, message: Message | None) -> None:
        self.limit(TIMER_L, self.layer.settings.timeout, now)

    def tellAck(self, now: float, ack: Request) -> None:
        self.layer.tellAck(ack, now)

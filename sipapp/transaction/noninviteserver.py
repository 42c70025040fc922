"""The non-INVITE server transaction (RFC 3261 §17.2.2, RFC 4320).

The client repeats its request until it has a final response, and gives up 64*T1 after it began.
So the server sends a response once, and again whenever the request comes again.

RFC 4320 makes the machine tighter than RFC 3261 has it:

 - The only provisional response is 100, and over an unreliable transport not even that before
   the client's Timer E has reached T2 (3.5 seconds by default); until then it would only slow
   down the repetitions that recover a lost final response (§4.1). Other provisional responses
   are dropped here.
 - If there is no response by then, the transaction sends the 100 itself (Timer 100).
 - 408 is never sent (§4.2): when a server is to say that time has run out, it has run out for
   the client as well. The transaction completes in silence.
 - When 64*T1 have passed without a final response, none is sent any more. The transaction ends;
   the timer that sees to that is the client's Timer F, kept here as well. It is started when
   Timer 100 fires, for the rest of the time, so that a request answered at once costs one timer.

In Completed the last response answers repetitions for 64*T1 (Timer J); anything more that the user
says is dropped (RFC 3261 §17.2.2). A failure to send is told to the user and changes nothing else
(RFC 6026 §8.7). A user that wants to treat the request statelessly abandons the transaction before
it has answered (RFC 3261 §16.11).
"""

from __future__ import annotations

from sipapp.sip import Message
from sipapp.transaction.machine import (
    ABANDON,
    COMPLETED,
    FAILED,
    FINAL,
    PERMITTED_100,
    PROCEEDING,
    REQUEST,
    REQUEST_TIMEOUT,
    START,
    TERMINATED,
    TIMER_100,
    TIMER_F,
    TIMER_J,
    TRYING,
    UNWANTED_1XX,
    Table,
)
from sipapp.transaction.server import ServerTransaction

TABLE: Table = {
    START: {
        REQUEST: (TRYING, ("start100", "present")),
    },
    TRYING: {
        REQUEST: (TRYING, ("absorb",)),
        PERMITTED_100: (PROCEEDING, ("send",)),
        UNWANTED_1XX: (TRYING, ()),
        FINAL: (COMPLETED, ("stopTimers", "finish", "send", "startJ")),
        REQUEST_TIMEOUT: (COMPLETED, ("stopTimers", "finish", "startJ")),
        TIMER_100: (PROCEEDING, ("startF", "sendTrying")),
        FAILED: (TRYING, ("tellFailed",)),
        ABANDON: (TERMINATED, ("end",)),
    },
    PROCEEDING: {
        REQUEST: (PROCEEDING, ("absorb", "resend")),
        PERMITTED_100: (PROCEEDING, ("send",)),
        UNWANTED_1XX: (PROCEEDING, ()),
        FINAL: (COMPLETED, ("stopTimers", "finish", "send", "startJ")),
        REQUEST_TIMEOUT: (COMPLETED, ("stopTimers", "finish", "forget", "startJ")),
        TIMER_100: (PROCEEDING, ("startF",)),
        TIMER_F: (TERMINATED, ("expire", "end", "tellEnded")),
        FAILED: (PROCEEDING, ("tellFailed",)),
        ABANDON: (TERMINATED, ("end",)),
    },
    COMPLETED: {
        REQUEST: (COMPLETED, ("absorb", "resend")),
        PERMITTED_100: (COMPLETED, ()),
        UNWANTED_1XX: (COMPLETED, ()),
        FINAL: (COMPLETED, ()),
        REQUEST_TIMEOUT: (COMPLETED, ()),
        TIMER_J: (TERMINATED, ("end", "tellEnded")),
        FAILED: (COMPLETED, ("tellFailed",)),
    },
    TERMINATED: {
        PERMITTED_100: (TERMINATED, ()),
        UNWANTED_1XX: (TERMINATED, ()),
        FINAL: (TERMINATED, ()),
        REQUEST_TIMEOUT: (TERMINATED, ()),
        FAILED: (TERMINATED, ()),
    },
}


class NonInviteServer(ServerTransaction):
    """A request other than INVITE or ACK that was received."""

    __slots__ = ()

    TABLE = TABLE

    def classify(self, status: int, now: float) -> str:
        if status >= 200:
            return FINAL if status != 408 else REQUEST_TIMEOUT
        if status == 100 and (
            self.flow.reliable or now - self.receivedAt >= self.layer.settings.reticence
        ):
            return PERMITTED_100
        return UNWANTED_1XX

    # Actions.

    def start100(self, now: float, message: Message | None) -> None:
        self.pulse(TIMER_100, self.layer.settings.reticence, now)

    def startF(self, now: float, message: Message | None) -> None:
        self.limit(TIMER_F, self.layer.settings.remainder, now)

    def startJ(self, now: float, message: Message | None) -> None:
        self.limit(TIMER_J, 0.0 if self.flow.reliable else self.layer.settings.timeout, now)

    def forget(self, now: float, message: Message | None) -> None:
        """Have nothing more to repeat: a 100 now would keep alive what has ended."""
        self.lastResponse = b""

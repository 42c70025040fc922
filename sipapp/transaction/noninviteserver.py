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
   Timer 100 fires, for the rest of the time; and that is started when the driver asks for the next
   deadline, so that a request which has been answered by then costs neither.

The final response ends the transaction. What is left of it is the Completed state of RFC 3261: the
response, which the layer gives to repetitions for 64*T1 (Timer J, L{sipapp.transaction.finished});
anything more that the user says is dropped. A failure to send is told to the user and changes
nothing else (RFC 6026 §8.7). A user that wants to treat the request statelessly abandons the
transaction before it has answered (RFC 3261 §16.11).
"""

from __future__ import annotations

from sipapp.sip import Message
from sipapp.transaction.machine import (
    ABANDON,
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
    TRYING,
    UNANSWERED,
    UNWANTED_1XX,
    Table,
)
from sipapp.transaction.server import ServerTransaction

TABLE: Table = {
    START: {
        REQUEST: (TRYING, ("present",)),
    },
    TRYING: {
        UNANSWERED: (TRYING, ("start100",)),
        REQUEST: (TRYING, ("absorb",)),
        PERMITTED_100: (PROCEEDING, ("send",)),
        UNWANTED_1XX: (TRYING, ()),
        FINAL: (TERMINATED, ("send", "remain", "end", "tellEnded")),
        REQUEST_TIMEOUT: (TERMINATED, ("remain", "end", "tellEnded")),
        TIMER_100: (PROCEEDING, ("startF", "sendTrying")),
        FAILED: (TRYING, ("tellFailed",)),
        ABANDON: (TERMINATED, ("end",)),
    },
    PROCEEDING: {
        UNANSWERED: (PROCEEDING, ("start100",)),
        REQUEST: (PROCEEDING, ("absorb", "resend")),
        PERMITTED_100: (PROCEEDING, ("send",)),
        UNWANTED_1XX: (PROCEEDING, ()),
        FINAL: (TERMINATED, ("send", "remain", "end", "tellEnded")),
        REQUEST_TIMEOUT: (TERMINATED, ("forget", "remain", "end", "tellEnded")),
        TIMER_100: (PROCEEDING, ("startF",)),
        TIMER_F: (TERMINATED, ("expire", "end", "tellEnded")),
        FAILED: (PROCEEDING, ("tellFailed",)),
        ABANDON: (TERMINATED, ("end",)),
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

    def remain(self, now: float, message: Message | None) -> None:
        """Leave the response to those who may send the request again."""
        if not self.flow.reliable:
            self.layer.finishedServers.keep(self.key, self.lastResponse, now)

    def forget(self, now: float, message: Message | None) -> None:
        """Have nothing more to repeat: a 100 now would keep alive what has ended."""
        self.lastResponse = b""

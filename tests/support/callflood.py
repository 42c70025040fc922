"""Many calls at the same time between two sockets, every message that arrives written down."""

from __future__ import annotations

import selectors
import time
from collections import defaultdict
from collections.abc import Sequence

from tests.support.dialog import Call, Callee
from tests.support.sipclient import NoMessage, UDPSocket
from tests.support.siptext import Headers, Received

#: In-dialog requests between ACK and BYE.
INFOS = 3


class CallFlood:
    """One caller socket, one callee socket, a number of calls that are open at once.

    The callee sends 180 and 200 back to back; the caller sends ACK, some INFO and BYE back to
    back: whatever overtakes something is seen, because nobody waits for anybody.
    """

    def __init__(
        self, caller: UDPSocket, callee: UDPSocket, user: str, headers: Headers = ()
    ) -> None:
        """
        @param user: whose calls C{callee} answers; registered already.
        @param headers: put in front of those of every message of both sides.
        """
        self.caller = caller
        self.callee = callee
        self.user = user
        self.headers = headers
        self._phone = Callee(callee, user, headers)
        self._open: dict[str, Call] = {}
        #: What has arrived for each Call-ID, in that order.
        self.atCaller: dict[str, list[Received]] = defaultdict(list)
        self.atCallee: dict[str, list[Received]] = defaultdict(list)

    def run(self, callIDs: Sequence[str], window: int = 8, timeout: float = 60.0) -> None:
        """Make a call for each Call-ID.

        @param window: how many calls are open at once. Nothing is sent twice, so what they have
            under way has to fit into the receive buffer of one socket of the server.
        @raise TimeoutError: with what the unfinished calls have got so far.
        """
        waiting = list(callIDs)[::-1]
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self.caller.socket, selectors.EVENT_READ, self._callerReads)
            selector.register(self.callee.socket, selectors.EVENT_READ, self._calleeReads)
            while waiting or self._open:
                while waiting and len(self._open) < window:
                    self._begin(waiting.pop())
                for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                    key.data()
                if time.monotonic() > deadline:
                    raise TimeoutError(f"unfinished calls:\n{self._unfinished()}")

    def _begin(self, callID: str) -> None:
        target = f"sip:{self.user}@example.test"
        call = Call(self.caller, target, callID=callID, headers=self.headers)
        self._open[callID] = call
        self.caller.send(call.invite())

    def _callerReads(self) -> None:
        try:
            message = self.caller.receive(0)
        except NoMessage:
            return
        self.atCaller[message.callID].append(message)
        call = self._open.get(message.callID)
        if call is None or message.status < 200:
            return
        if message.method == "BYE":
            del self._open[message.callID]
        elif message.method == "INVITE" and call.cseq == 1:
            call.established(message)
            self.caller.send(call.ack())
            for method in ["INFO"] * INFOS + ["BYE"]:
                self.caller.send(call.next(method))

    def _calleeReads(self) -> None:
        try:
            message = self.callee.receive(0)
        except NoMessage:
            return
        self.atCallee[message.callID].append(message)
        if message.method == "INVITE":
            self._phone.answer(message)
        elif message.method != "ACK":
            self._phone.reply(message, 200, "OK")

    def _unfinished(self) -> str:
        return "\n".join(
            f"{callID}: caller {starts(self.atCaller[callID])},"
            f" callee {starts(self.atCallee[callID])}"
            for callID in self._open
        )


def starts(messages: Sequence[Received]) -> list[str]:
    """
    @return: what each message is: C{180 INVITE 1} or C{BYE 5}; retransmissions once.
    """
    words = (
        f"{message.status} {message.method} {message.cseq}"
        if message.status
        else f"{message.method} {message.cseq}"
        for message in messages
    )
    return list(dict.fromkeys(words))


#: What the callee of a call has to see, in this order and nothing else.
CALLEE_SEES = ["INVITE 1", "ACK 1", *(f"INFO {n + 2}" for n in range(INFOS)), f"BYE {INFOS + 2}"]
#: The same for the caller, but for the 100 that may come first.
CALLER_SEES = [
    "180 INVITE 1",
    "200 INVITE 1",
    *(f"200 INFO {n + 2}" for n in range(INFOS)),
    f"200 BYE {INFOS + 2}",
]

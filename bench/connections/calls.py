"""Calls between phones, from INVITE to BYE: both ends of each, and what has become of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.connections.phone import Phone
from tests.support.configuration import DOMAIN
from tests.support.dialog import Call
from tests.support.siptext import Received

#: Seconds that a caller waits for each final response: Timer B (RFC 3261 §17.1.1.2).
PATIENCE = 32.0


@dataclass
class _UnderWay:
    phone: Phone
    call: Call
    began: float


class Calls:
    """The calls of one process.

    @ivar made: calls that were begun. @ivar failed: those that were not answered and ended with
        200; L{reasons} are some of theirs. @ivar waits: seconds until each was answered.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.made = self.failed = 0
        self.reasons: list[str] = []
        self.waits: list[float] = []
        self._clock = clock
        self._underWay: dict[str, _UnderWay] = {}

    def __len__(self) -> int:
        return len(self._underWay)

    def begin(self, phone: Phone, callee: str) -> None:
        """Have a phone call somebody."""
        self.made += 1
        caller = f"sip:{phone.user}@{DOMAIN}"
        call = Call(phone, f"sip:{callee}@{DOMAIN}", caller)
        self._underWay[call.callID] = _UnderWay(phone, call, self._clock())
        self._send(call.callID, call.invite())

    def received(self, phone: Phone, message: Received) -> None:
        """A message has come to a phone, be it caller or callee."""
        if message.status:
            if message.status >= 200 and message.callID in self._underWay:
                self._answered(message)
        elif message.method == "INVITE":
            phone.reply(message, 180, "Ringing")
            phone.reply(message, 200, "OK")
        elif message.method != "ACK":
            phone.reply(message, 200, "OK")

    def giveUp(self) -> None:
        """Give up those that have waited too long."""
        limit = self._clock() - PATIENCE
        for callID, each in list(self._underWay.items()):
            if each.began > limit:
                # They are in the order in which they began.
                break
            self._fail(callID, "no answer")

    def _answered(self, message: Received) -> None:
        each = self._underWay[message.callID]
        if message.status != 200:
            if message.method == "INVITE":
                self._send(message.callID, each.call.ackFailure(message))
            self._fail(message.callID, f"{message.method}: {message.start}")
        elif message.method == "INVITE":
            self.waits.append(self._clock() - each.began)
            each.call.established(message)
            self._send(message.callID, each.call.ack() + each.call.next("BYE"))
        elif message.method == "BYE":
            del self._underWay[message.callID]

    def _send(self, callID: str, data: bytes) -> None:
        try:
            self._underWay[callID].phone.send(data)
        except OSError as error:
            self._fail(callID, f"could not be sent: {error}")

    def _fail(self, callID: str, reason: str) -> None:
        if self._underWay.pop(callID, None) is not None:
            self.failed += 1
            if len(self.reasons) < 10:
                self.reasons.append(reason)

"""The line about TCP connections: registered phones that must not lose theirs."""

from __future__ import annotations

import selectors
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from bench.resilience.outcome import Outcome
from bench.resilience.stage import checkRuns, makeConfiguration, running
from tests.support.configuration import DOMAIN
from tests.support.deadlines import waitFor
from tests.support.dialog import Call
from tests.support.server import Server
from tests.support.sipclient import T1, NoMessage, StreamSocket, UDPSocket
from tests.support.siptext import Received, response

#: Seconds that a new generation of workers may take to be the only one.
_TAKEOVER = 60.0
#: Seconds in which an INVITE has to reach its phone and the answer the caller.
_PATIENCE = 10.0
#: How many calls are open at once.
_WINDOW = 50


def connections(directory: Path, count: int, reloads: int) -> Outcome:
    """Phones register over TCP, the server reloads, and each phone is called.

    @param count: how many phones.
    """
    configuration = makeConfiguration(directory)
    configuration.listen("udp", workers=2)
    # All come from one address.
    limits = {"connections_per_address": count + 1}
    endpoint = configuration.listen("tcp", limits=limits)
    begun = time.monotonic()
    with running(configuration) as server:
        phones = Phones()
        try:
            for number in range(count):
                phones.connect(endpoint.address, f"phone{number}")
            for _ in range(reloads):
                _reload(server)
            outcome = phones.call(server)
        finally:
            phones.close()
    outcome.seconds = time.monotonic() - begun
    if not outcome.holds:
        outcome.faults.append(
            f"{outcome.failed} phones were not reached, {phones.closed} connections were closed"
        )
    return outcome


def _reload(server: Server) -> None:
    before = server.children()
    server.program.signal(signal.SIGHUP)

    def replaced() -> bool:
        checkRuns(server)
        now = server.children()
        return len(now) == len(before) and not set(now) & set(before)

    waitFor(replaced, "as many workers as before the reload, all of them new", _TAKEOVER)


class Phones:
    """Any number of phones, each with a connection of its own."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._phones: dict[str, StreamSocket] = {}
        self.closed = 0

    def connect(self, server: tuple[str, int], user: str) -> None:
        phone = StreamSocket(server)
        answer = phone.register(user)
        assert answer.status == 200, answer.start
        self._phones[user] = phone
        self._selector.register(phone.socket, selectors.EVENT_READ, phone)

    def call(self, server: Server) -> Outcome:
        """Call each phone, which is busy.

        @return: C{failed} are those whose caller has not got their answer, C{unexpected} the
            connections that have been closed.
        """
        users = list(self._phones)
        outcome = Outcome(calls=len(users))
        with UDPSocket(server.endpoint("udp").address) as caller:
            for first in range(0, len(users), _WINDOW):
                outcome.failed += self._callSome(caller, users[first : first + _WINDOW], outcome)
        outcome.unexpected = self.closed
        return outcome

    def _callSome(self, caller: UDPSocket, users: Sequence[str], outcome: Outcome) -> int:
        """
        @return: how many of them were not reached.
        """
        calls = [Call(caller, f"sip:{user}@{DOMAIN}") for user in users]
        waiting = {call.callID: call for call in calls}
        deadline = time.monotonic() + _PATIENCE
        again = 0.0
        self._selector.register(caller.socket, selectors.EVENT_READ, caller)
        try:
            while waiting and (now := time.monotonic()) < deadline:
                if now >= again:
                    outcome.retransmissions += len(waiting) if again else 0
                    for call in waiting.values():
                        caller.send(call.invite())
                    again = now + 4 * T1
                for key, _ in self._selector.select(min(again, deadline) - now):
                    if key.data is caller:
                        self._callerReads(caller, waiting)
                    else:
                        self._phoneReads(key.data)
        finally:
            self._selector.unregister(caller.socket)
        return len(waiting)

    def _callerReads(self, caller: UDPSocket, waiting: dict[str, Call]) -> None:
        message = caller.receive(0)
        if message.status == 486 and message.callID in waiting:
            caller.send(waiting.pop(message.callID).ackFailure(message))

    def _phoneReads(self, phone: StreamSocket) -> None:
        try:
            while True:
                message: Received = phone.receive(0)
                if message.method == "INVITE" and not message.status:
                    phone.send(response(message, 486, "Busy Here", toTag="busy"))
        except NoMessage:
            return
        except OSError:
            self.closed += 1
            self._selector.unregister(phone.socket)

    def close(self) -> None:
        for phone in self._phones.values():
            phone.close()
        self._selector.close()

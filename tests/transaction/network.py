"""Two transaction layers joined by a network that loses, repeats and reorders, on one clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator

from sipapp.sip import Request, parseMessage
from sipapp.transaction import ServerTransaction, TransactionLayer
from tests.transaction.fakes import RecordingClient
from tests.transaction.messages import request

#: When the copies of one message arrive, in seconds after it was sent; empty if it is lost.
Fate = tuple[float, ...]

PROMPT: Fate = (0.01,)


class Simulation:
    """The clock: a heap of what is to happen, and the layers' own deadlines."""

    def __init__(self, fates: Iterable[Fate]) -> None:
        self.now = 0.0
        self.lost = 0
        self.layers: list[TransactionLayer] = []
        self._fates: Iterator[Fate] = iter(fates)
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def clock(self) -> float:
        return self.now

    def fate(self) -> Fate:
        """
        @return: what happens to the next message; all is well when the fates have run out.
        """
        fate = next(self._fates, PROMPT)
        self.lost += not fate
        return fate

    def after(self, delay: float, plan: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._plans, (self.now + delay, self._count, plan))

    def run(self, until: float) -> None:
        """Let the time go by, and everything happen that is due."""
        while True:
            deadlines = [
                deadline for layer in self.layers if (deadline := layer.nextDeadline()) is not None
            ]
            planned = self._plans[0][0] if self._plans else until + 1
            earliest = min([planned, *deadlines])
            if earliest > until:
                self.now = until
                return
            self.now = max(self.now, earliest)
            if earliest == planned:
                heapq.heappop(self._plans)[2]()
            else:
                for layer in self.layers:
                    layer.handleTimers(self.now)


class Wire:
    """One direction of the network: a flow that delivers to the other side."""

    def __init__(self, simulation: Simulation, reliable: bool) -> None:
        self.simulation = simulation
        self.reliable = reliable
        self.receive: Callable[[bytes], None] = lambda data: None

    def send(self, data: bytes) -> None:
        for delay in PROMPT if self.reliable else self.simulation.fate():
            self.simulation.after(delay, lambda: self.receive(data))


class Caller(RecordingClient):
    """A client: sends one request and acknowledges every 2xx to an INVITE."""

    def __init__(self, simulation: Simulation, out: Wire) -> None:
        super().__init__()
        self.simulation = simulation
        self.out = out
        self.layer = TransactionLayer(Nobody(), clock=simulation.clock)
        simulation.layers.append(self.layer)

    def receive(self, data: bytes) -> None:
        message = parseMessage(data)
        assert not isinstance(message, Request)
        before = list(self.events)
        matched = self.layer.receiveResponse(message, self.out, self.simulation.now)
        told = self.events[len(before) :]
        if matched and told and message.status // 100 == 2:
            assert message.cseq.method == "INVITE" or len(told) == 1
            if message.cseq.method == "INVITE":
                ack = request("ACK", via=f"SIP/2.0/UDP c;branch=z9hG4bKa{len(self.events)}")
                self.out.send(ack.toBytes())


class Nobody:
    """The user of a layer that gets no requests."""

    def requestReceived(self, transaction: ServerTransaction, now: float) -> None:
        raise AssertionError(transaction.request)

    def ackReceived(self, request: Request, flow: object, now: float) -> None:
        raise AssertionError(request)

    def cancelReceived(
        self, transaction: ServerTransaction, invite: ServerTransaction | None, now: float
    ) -> None:
        raise AssertionError(transaction.request)


class Callee:
    """A server: answers after a while, and repeats a 2xx until the ACK has come (§13.3.1.4)."""

    def __init__(
        self,
        simulation: Simulation,
        back: Wire,
        status: int,
        ringsAfter: float | None,
        answersAfter: float,
    ) -> None:
        self.simulation = simulation
        self.back = back
        self.status = status
        self.ringsAfter = ringsAfter
        self.answersAfter = answersAfter
        self.layer = TransactionLayer(self, clock=simulation.clock)
        simulation.layers.append(self.layer)
        self.seen: list[ServerTransaction] = []
        self.cancels: list[ServerTransaction | None] = []
        self.acknowledged = False

    def receive(self, data: bytes) -> None:
        message = parseMessage(data)
        assert isinstance(message, Request)
        self.layer.receiveRequest(message, self.back, self.simulation.now)

    def requestReceived(self, transaction: ServerTransaction, now: float) -> None:
        self.seen.append(transaction)
        if self.ringsAfter is not None:
            self.simulation.after(self.ringsAfter, lambda: self.reply(transaction, 180))
        self.simulation.after(self.answersAfter, lambda: self.reply(transaction, self.status))

    def reply(self, transaction: ServerTransaction, status: int) -> None:
        if transaction.isFinal:
            return
        transaction.respond(transaction.request.respond(status, toTag="callee"))
        if status // 100 == 2 and transaction.request.method == "INVITE":
            self.simulation.after(0.5, lambda: self.repeat(transaction, status, 0.5, 0.5))

    def repeat(
        self, transaction: ServerTransaction, status: int, interval: float, since: float
    ) -> None:
        if self.acknowledged or since >= 32:
            return
        transaction.respond(transaction.request.respond(status, toTag="callee"))
        interval = min(2 * interval, 4.0)
        self.simulation.after(
            interval, lambda: self.repeat(transaction, status, interval, since + interval)
        )

    def ackReceived(self, request: Request, flow: object, now: float) -> None:
        self.acknowledged = True

    def cancelReceived(
        self, transaction: ServerTransaction, invite: ServerTransaction | None, now: float
    ) -> None:
        self.cancels.append(invite)
        transaction.respond(transaction.request.respond(481 if invite is None else 200))
        if invite is not None and not invite.isFinal:
            invite.respond(invite.request.respond(487, toTag="callee"))


def join(
    fates: Iterable[Fate],
    reliable: bool,
    status: int,
    ringsAfter: float | None,
    answersAfter: float,
) -> tuple[Simulation, Caller, Callee]:
    """
    @return: the clock, and both ends of the network.
    """
    simulation = Simulation(fates)
    out, back = Wire(simulation, reliable), Wire(simulation, reliable)
    caller = Caller(simulation, out)
    callee = Callee(simulation, back, status, ringsAfter, answersAfter)
    out.receive = callee.receive
    back.receive = caller.receive
    return simulation, caller, callee

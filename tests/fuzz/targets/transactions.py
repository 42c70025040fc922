"""Transactions: whatever peers, user and clock do, in whatever order, each request is presented
once and gets one final response, each client learns one outcome, and nothing is left behind.

The input is a script: pairs of bytes, an action and what it is done with.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise

from hypothesis import strategies as st

from sipapp.sip import Request, parseMessage
from sipapp.transaction import (
    BranchInUse,
    ClientTransaction,
    Flow,
    ImpossibleEvent,
    ServerTransaction,
    TransactionLayer,
)
from tests.fuzz.target import Target
from tests.transaction.fakes import RecordingClient, RecordingFlow, advance
from tests.transaction.messages import request, response

_METHODS = ("INVITE", "INVITE", "OPTIONS", "BYE", "CANCEL", "ACK", "REGISTER", "x")
_STATUSES = (100, 180, 199, 200, 202, 302, 404, 408, 486, 487, 500, 503, 603, 699)
_BRANCHES = ("z9hG4bKa", "z9hG4bKb", "a", "z9hG4bK")
_SENTBY = ("client.example.com", "client.example.com:5060", "192.0.2.7", "other:5070")
_TIMES = (0.0, 0.001, 0.1, 0.2, 0.5, 1.0, 4.0, 5.0, 31.9, 32.0, 32.1, 64.0, 200.0)


@lru_cache
def _received(method: str, via: str, toTag: str | None = None) -> Request:
    return request(method, via=via, toTag=toTag)


class UserFailed(Exception):
    """The user of the layer has raised, as the script wants it to."""


class Play:
    """A layer, both of its users, and what they have seen."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.layer = TransactionLayer(self, clock=lambda: self.now)
        self.flows = (RecordingFlow(), RecordingFlow(reliable=True))
        self.servers: list[ServerTransaction] = []
        self.clients: list[tuple[ClientTransaction, RecordingClient]] = []
        # What the user does with the next request: answer with a status, fail, or wait.
        self.plan: int | str | None = None
        self.actions: tuple[Callable[[int], None], ...] = (
            self.receiveRequest,
            self.receiveRequest,
            self.respond,
            self.respond,
            self.send,
            self.receiveResponse,
            self.receiveResponse,
            self.wait,
            self.wait,
            self.cancel,
            self.fail,
            self.planNext,
            self.abandon,
        )

    # The user of the layer.

    def requestReceived(self, transaction: ServerTransaction, now: float) -> None:
        self.servers.append(transaction)
        plan, self.plan = self.plan, None
        if plan == "fail":
            raise UserFailed
        if isinstance(plan, int):
            transaction.respond(transaction.request.respond(plan, toTag="user"), now)

    def ackReceived(self, ack: Request, flow: Flow, now: float) -> None:
        assert ack.method == "ACK"

    def cancelReceived(
        self, transaction: ServerTransaction, invite: ServerTransaction | None, now: float
    ) -> None:
        self.servers.append(transaction)
        transaction.respond(transaction.request.respond(481 if invite is None else 200), now)
        if invite is not None and not invite.isFinal:
            invite.respond(invite.request.respond(487, toTag="user"), now)

    # What the script can do.

    def receiveRequest(self, number: int) -> None:
        method = _METHODS[number % 8]
        via = f"SIP/2.0/UDP {_SENTBY[number // 32 % 4]};branch={_BRANCHES[number // 8 % 4]}"
        toTag = "user" if method == "ACK" else None
        flow = self.flows[number // 128]
        self.layer.receiveRequest(_received(method, via, toTag).copy(), flow, self.now)

    def respond(self, number: int) -> None:
        if self.servers:
            transaction = self.servers[-1 - number // 14 % len(self.servers)]
            status = _STATUSES[number % 14]
            before = transaction.lastStatus
            try:
                transaction.respond(transaction.request.respond(status, toTag="user"))
            except ImpossibleEvent:
                assert before // 100 == 2
                assert transaction.request.method == "INVITE"

    def send(self, number: int) -> None:
        method = ("INVITE", "OPTIONS")[number % 2]
        via = f"SIP/2.0/UDP us;branch=z9hG4bK{number // 2 % 3}"
        user = RecordingClient()
        try:
            sent = self.layer.request(
                _received(method, via).copy(), self.flows[number // 128], user
            )
        except BranchInUse:
            return
        self.clients.append((sent, user))

    def receiveResponse(self, number: int) -> None:
        if self.clients:
            sent, _ = self.clients[-1 - number // 14 % len(self.clients)]
            answer = response(sent.request, _STATUSES[number % 14])
            self.layer.receiveResponse(answer, self.flows[0], self.now)

    def wait(self, number: int) -> None:
        until = self.now + _TIMES[number % len(_TIMES)]
        while (deadline := self.layer.nextDeadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.layer.handleTimers(self.now)
        self.now = until

    def cancel(self, number: int) -> None:
        if self.clients:
            self.clients[-1 - number % len(self.clients)][0].cancel()

    def fail(self, number: int) -> None:
        """A message could not be sent."""
        transactions: list[ServerTransaction | ClientTransaction] = [
            *self.servers,
            *(sent for sent, _ in self.clients),
        ]
        if transactions:
            transaction = transactions[-1 - number % len(transactions)]
            if isinstance(transaction, ServerTransaction) or not transaction.isFinal:
                self.layer.transportFailed(transaction, self.now)

    def planNext(self, number: int) -> None:
        self.plan = "fail" if number % 15 == 14 else _STATUSES[number % 15]

    def abandon(self, number: int) -> None:
        if self.servers:
            transaction = self.servers[-1 - number % len(self.servers)]
            if not transaction.isFinal and transaction.lastStatus == 0:
                transaction.abandon()

    # What must be so.

    def checkCounts(self) -> None:
        """Beyond what both users know of, only CANCELs can be under way."""
        waiting = sum(not each.isFinal for each in self.servers)
        asked = sum(not sent.isFinal for sent, _ in self.clients)
        assert 0 <= self.layer.pending - waiting - asked <= len(self.clients)

    def end(self) -> None:
        """Let everybody answer or give up at last; then nothing is left."""
        self.plan = None
        for server in self.servers:
            if not server.isFinal:
                server.respond(server.request.respond(500, toTag="user"))
        for sent, _ in self.clients:
            if not sent.isFinal:
                self.layer.receiveResponse(response(sent.request, 180), self.flows[0], self.now)
                sent.cancel()
        advance(self.layer, self.now + 500.0)
        layer = self.layer
        assert (layer.serverCount, layer.clientCount, layer.pending) == (0, 0, 0)
        assert not list(layer.serverKeys())
        assert len(layer.timers) == 0
        assert layer.nextDeadline() is None
        for sent, user in self.clients:
            checkOutcome(sent, user)
        self.checkSent()

    def checkSent(self) -> None:
        """Everything that was sent is a message, and is answered before it is acknowledged."""
        for flow in self.flows:
            for data in flow.sent:
                assert parseMessage(data).defect is None


def checkOutcome(sent: ClientTransaction, user: RecordingClient) -> None:
    """Provisional responses, one outcome, and after a final response to an INVITE only 2xx."""
    kinds = "".join("x" if isinstance(each, str) else str(each // 100) for each in user.events)
    outcome = kinds.lstrip("1")
    assert sent.isFinal
    assert outcome
    if outcome[1:]:
        assert sent.request.method == "INVITE"
        assert outcome[0] != "x"
        assert not outcome[1:].strip("2"), user.events


def check(data: bytes) -> None:
    play = Play()
    for action, number in list(pairwise(data))[::2]:
        with suppress(UserFailed):
            play.actions[action % len(play.actions)](number)
        play.checkCounts()
    play.end()


def script(*steps: tuple[str, int]) -> bytes:
    """
    @param steps: names of the actions, and what each is done with.
    @return: the input that has them.
    """
    names = [action.__name__ for action in Play().actions]
    return bytes(byte for name, number in steps for byte in (names.index(name), number))


_SEEDS = (
    script(("receiveRequest", 0), ("respond", 1), ("respond", 3), ("receiveRequest", 5)),
    script(("receiveRequest", 0), ("wait", 4), ("respond", 8), ("receiveRequest", 5), ("wait", 6)),
    script(("receiveRequest", 0), ("receiveRequest", 4), ("receiveRequest", 5), ("wait", 12)),
    script(("receiveRequest", 2), ("receiveRequest", 2), ("respond", 3), ("receiveRequest", 2)),
    script(("receiveRequest", 16), ("respond", 8), ("receiveRequest", 21), ("wait", 7)),
    script(("send", 0), ("receiveResponse", 1), ("cancel", 0), ("receiveResponse", 9)),
    script(("send", 1), ("wait", 5), ("fail", 0), ("receiveResponse", 3), ("wait", 12)),
    script(("planNext", 3), ("receiveRequest", 128), ("receiveRequest", 128), ("planNext", 14)),
    script(("receiveRequest", 1), ("abandon", 0), ("receiveRequest", 1), ("wait", 12)),
)

TARGET = Target(
    what="one presentation, one final response, one outcome for each request; nothing is left",
    check=check,
    seeds=_SEEDS,
    inputs=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 255)), max_size=40).map(
        lambda steps: bytes(byte for step in steps for byte in step)
    ),
    longest=160,
)

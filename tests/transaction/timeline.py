"""A layer whose flow notes when what is sent."""

from __future__ import annotations

from sipapp.sip import Request
from sipapp.transaction import (
    ClientTransaction,
    ServerTransaction,
    TimerSettings,
    TransactionLayer,
)
from tests.transaction.fakes import (
    RecordingClient,
    RecordingFlow,
    RecordingServerUser,
    RecordingUser,
    advance,
)
from tests.transaction.messages import response


class TimedFlow(RecordingFlow):
    """Notes when things are sent."""

    layer: TransactionLayer

    def __init__(self, reliable: bool = False) -> None:
        super().__init__(reliable)
        self.times: list[tuple[float, str]] = []

    def send(self, data: bytes) -> None:
        super().send(data)
        self.times.append((self.layer.now, self.take()[0]))

    def timeline(self, what: str) -> list[float]:
        """
        @return: when it was sent.
        """
        return [time for time, word in self.times if word == what]


class Line:
    """A layer, a flow, and notes."""

    def __init__(self, reliable: bool = False, settings: TimerSettings | None = None) -> None:
        self.user = RecordingUser()
        self.layer = TransactionLayer(self.user, settings)
        self.flow = TimedFlow(reliable)
        self.flow.layer = self.layer
        self.client = RecordingClient()
        self.owner = RecordingServerUser()

    def send(self, message: Request) -> ClientTransaction:
        return self.layer.request(message, self.flow, self.client, 0.0)

    def receive(self, message: Request, now: float = 0.0) -> ServerTransaction:
        self.layer.receiveRequest(message, self.flow, now)
        transaction = self.user.requests[-1]
        transaction.user = self.owner
        return transaction

    def answer(self, to: Request, status: int, now: float) -> None:
        advance(self.layer, now)
        assert self.layer.receiveResponse(response(to, status), self.flow, now)

    def assertQuiet(self) -> None:
        assert self.layer.serverCount == self.layer.clientCount == self.layer.pending == 0
        assert len(self.layer.timers) == 0
        assert self.layer.nextDeadline() is None

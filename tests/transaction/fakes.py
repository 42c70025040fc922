"""The surroundings of a transaction layer: flows that keep what is sent, users that take notes."""

from __future__ import annotations

from sipapp.sip import Request, Response
from sipapp.transaction import ClientTransaction, Flow, ServerTransaction, TransactionLayer


class RecordingFlow:
    """Keeps what is sent over it."""

    def __init__(self, reliable: bool = False) -> None:
        self.reliable = reliable
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def take(self) -> list[str]:
        """
        @return: the first words that tell what was sent since the last call.
        """
        taken = [
            data.split(b" ", 2)[1 if data.startswith(b"SIP/") else 0].decode() for data in self.sent
        ]
        self.sent.clear()
        return taken


class RecordingUser:
    """A transaction user that notes what it is told, and does nothing."""

    def __init__(self) -> None:
        self.requests: list[ServerTransaction] = []
        self.acks: list[tuple[Request, Flow]] = []
        self.cancels: list[tuple[ServerTransaction, ServerTransaction | None]] = []

    def requestReceived(self, transaction: ServerTransaction, now: float) -> None:
        self.requests.append(transaction)

    def ackReceived(self, request: Request, flow: Flow, now: float) -> None:
        self.acks.append((request, flow))

    def cancelReceived(
        self, transaction: ServerTransaction, invite: ServerTransaction | None, now: float
    ) -> None:
        self.cancels.append((transaction, invite))


class RecordingClient:
    """The user of a client transaction; notes statuses, C{'timeout'} and C{'failure'}."""

    def __init__(self) -> None:
        self.events: list[int | str] = []

    def responseReceived(
        self, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        self.events.append(response.status)

    def timedOut(self, transaction: ClientTransaction, now: float) -> None:
        self.events.append("timeout")

    def transportFailed(self, transaction: ClientTransaction, now: float) -> None:
        self.events.append("failure")


class RecordingServerUser:
    """The user of a server transaction; notes C{'ended'} and C{'failure'}."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def transactionEnded(self) -> None:
        self.events.append("ended")

    def transportFailed(self) -> None:
        self.events.append("failure")


def advance(layer: TransactionLayer, until: float) -> None:
    """Let the time go by up to and including C{until}, and wake the layer when it asks for it."""
    while (deadline := layer.nextDeadline()) is not None and deadline <= until:
        layer.handleTimers(deadline)

"""Whom transactions talk to: the flow below them, and the transaction users above them.

These are structural types. Whatever has the methods will do; nothing has to be inherited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sipapp.sip import Request, Response
    from sipapp.transaction.client import ClientTransaction
    from sipapp.transaction.server import ServerTransaction


class Flow(Protocol):
    """A way to one peer: a datagram socket with an address, or a connection (RFC 5626)."""

    @property
    def reliable(self) -> bool:
        """Whether the transport repeats lost data itself: not UDP."""

    def send(self, data: bytes) -> None:
        """Send one message. It never raises: a failure is reported afterwards, through
        C{TransactionLayer.transportFailed}."""


class TransactionUser(Protocol):
    """What receives the requests: the user of a L{TransactionLayer} (RFC 3261 §5)."""

    def requestReceived(self, transaction: ServerTransaction, now: float) -> None:
        """A new request has come, neither ACK nor CANCEL. Each is seen exactly once."""

    def ackReceived(self, request: Request, flow: Flow, now: float) -> None:
        """An ACK has come that is not part of a transaction: the one to a 2xx, or a stray."""

    def cancelReceived(
        self, transaction: ServerTransaction, invite: ServerTransaction | None, now: float
    ) -> None:
        """A CANCEL has come (RFC 3261 §9.2).

        @param transaction: the CANCEL's own transaction, which wants an answer.
        @param invite: the transaction that it cancels, or C{None} if there is none (481).
        """


class ServerUser(Protocol):
    """What may be put in C{ServerTransaction.user} to follow the transaction's fate."""

    def transactionEnded(self) -> None:
        """The transaction is over and forgotten. C{timedOut} tells whether that is because the
        ACK never came (Timer H) or because no response came in time (RFC 4320)."""

    def transportFailed(self) -> None:
        """A response could not be sent. The transaction stays as it is (RFC 6026 §8.7)."""


class ClientUser(Protocol):
    """What learns the outcome of a request that was sent: the user of a L{ClientTransaction}.

    It gets any number of provisional responses, and then exactly one of: a final response, a
    timeout, a transport failure. After a 2xx to INVITE more 2xx may follow, retransmitted or
    from other branches of a fork.
    """

    def responseReceived(
        self, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        """A response has come, our own Via still on top."""

    def timedOut(self, transaction: ClientTransaction, now: float) -> None:
        """No final response has come: Timer B or F, or the 64*T1 after CANCEL (§9.1)."""

    def transportFailed(self, transaction: ClientTransaction, now: float) -> None:
        """The request could not be sent (RFC 3261 §17.1.4)."""

"""What a driver keeps of the messages that it sees."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

from sipapp.sip.methods import METHODS, OTHER
from sipapp.sip.status import knownStatus


class Counters:
    """What a driver has seen so far.

    @ivar methods: requests that have come from the network, by the index of the endpoint (-1 for
        a connection that belongs to none) and the method.
    @ivar statuses: responses that have, by endpoint and status.
    @ivar refusals: requests answered with an error without a transaction, by method and status.
    """

    __slots__ = (
        "badResponses",
        "deliveredHere",
        "handedOver",
        "malformed",
        "methods",
        "missteered",
        "refusals",
        "rejected",
        "requests",
        "responses",
        "statuses",
        "strays",
    )

    def __init__(self) -> None:
        # Messages received, from the network or the bus.
        self.requests = 0
        self.responses = 0
        # No start line that says what it is.
        self.malformed = 0
        # Answered with an error without a transaction.
        self.rejected = 0
        self.badResponses = 0
        # Responses that belong to no transaction here.
        self.strays = 0
        # Messages that went to another worker, and came from one.
        self.handedOver = 0
        self.deliveredHere = 0
        # Datagrams that the kernel has given to another worker than the one of their Call-ID.
        self.missteered = 0
        self.methods: dict[tuple[int, str], int] = {}
        self.statuses: dict[tuple[int, int], int] = {}
        self.refusals: defaultdict[tuple[str, int], int] = defaultdict(int)

    def requestCame(self, method: str, listener: int) -> None:
        """A request has come from the network."""
        self.requests += 1
        try:
            self.methods[listener, method] += 1
        except KeyError:
            # For the first time, or it is one of those that are counted together.
            key = listener, method if method in METHODS else OTHER
            self.methods[key] = self.methods.get(key, 0) + 1

    def responseCame(self, status: int, listener: int) -> None:
        """A response has come from the network."""
        self.responses += 1
        try:
            self.statuses[listener, status] += 1
        except KeyError:
            key = listener, knownStatus(status)
            self.statuses[key] = self.statuses.get(key, 0) + 1

    def refused(self, method: str, status: int) -> None:
        """A request is answered with an error without a transaction."""
        self.rejected += 1
        self.refusals[method if method in METHODS else OTHER, knownStatus(status)] += 1


class MessageNotes(Protocol):
    """Where a worker notes what it is working on, for the case that it does not survive it."""

    def note(self, data: bytes) -> None:
        """A message has come and is worked on from now on."""

    def done(self) -> None:
        """It is not any more."""


class NoNotes:
    """They are not wanted."""

    def note(self, data: bytes) -> None:
        """Nobody would read it."""

    def done(self) -> None:
        """Nobody would read it."""

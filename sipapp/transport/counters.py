"""What a driver keeps of the messages that it sees."""

from __future__ import annotations

from typing import Protocol


class Counters:
    """What a driver has seen so far."""

    __slots__ = (
        "badResponses",
        "deliveredHere",
        "handedOver",
        "malformed",
        "rejected",
        "requests",
        "responses",
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

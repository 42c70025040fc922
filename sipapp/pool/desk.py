"""Where the workers' questions go, and what they tell."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred


class Desk(Protocol):
    """Who answers the workers: see L{sipapp.pool.conversation}."""

    def asked(self, worker: str, subject: str, body: bytes) -> Deferred[bytes]:
        """A worker asks.

        @param worker: its name.
        @return: fires with the answer.
        """

    def told(self, worker: str, subject: str, body: bytes) -> None:
        """A worker tells something."""

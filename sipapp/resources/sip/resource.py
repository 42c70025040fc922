"""A resource that takes nothing: a start for those that take something."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from zope.interface import implementer

from sipapp.interfaces import ISIPResource
from sipapp.sip import Request, Response
from sipapp.transaction import ServerTransaction

__all__ = ["SIPResource"]


@implementer(ISIPResource)
class SIPResource:
    """Leaves everything that it is offered to the next resource. Derive from it, and say what
    yours does not leave."""

    methods: frozenset[str] = frozenset()
    stateless: Container[str] = frozenset()
    refusesAlike = False

    @property
    def tallies(self) -> Mapping[str, int]:
        return {}

    def start(self) -> Any:
        return None

    def stop(self) -> Any:
        return None

    def answer(self, request: Request) -> Response | None:
        return None

    def offer(self, transaction: ServerTransaction) -> Any:
        return None

    def ack(self, request: Request) -> bool:
        return False

    def strayResponse(self, response: Response) -> bool:
        return False

"""The methods of the parent, for the web resources of a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred
from zope.interface import implementer

from sipapp.answers import readOutcome
from sipapp.interfaces import IAdministration
from sipapp.pool import Unanswered
from sipapp.rpc import Caller, MethodDescription, Unavailable

__all__ = ["Administration"]

#: Seconds that a method may take: the longest replaces every worker, one after the other.
_PATIENCE = 900.0


class _Channel(Protocol):
    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]: ...


@implementer(IAdministration)
class Administration:
    """Asks the parent over the control channel."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def call(
        self, name: str, parameters: Sequence[Any] | Mapping[str, Any], caller: Caller
    ) -> Deferred[Any]:
        question = {"name": name, "parameters": parameters, "caller": caller}
        answered = self._channel.ask("method", msgspec.json.encode(question), _PATIENCE)

        def refuse(failure: Any) -> Any:
            failure.trap(Unanswered)
            raise Unavailable(f"the server {failure.value}") from None

        return answered.addCallbacks(readOutcome, refuse)

    def descriptions(self) -> Deferred[Any]:
        described = self.call("system.describe", (), Caller("", "viewer", "", "web"))
        return described.addCallback(
            lambda found: msgspec.convert(found, tuple[MethodDescription, ...])
        )

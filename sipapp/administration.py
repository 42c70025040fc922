"""The methods of the parent, for the web resources of a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from sipapp.answers import readOutcome
from sipapp.interfaces import IAdministration
from sipapp.pool import Unanswered
from sipapp.rpc import Caller, Fault, MethodDescription, Unavailable

__all__ = ["Administration"]

_log = Logger()

#: Seconds that a method may take: the longest replaces every worker, one after the other.
_PATIENCE = 900.0


class _Channel(Protocol):
    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]: ...

    def tell(self, subject: str, body: bytes) -> Deferred[None]: ...


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

    def audit(
        self,
        caller: Caller,
        method: str,
        parameters: Mapping[str, Any],
        outcome: Any,
        seconds: float,
    ) -> None:
        entry = {"caller": caller, "method": method, "parameters": parameters, "seconds": seconds}
        if isinstance(outcome, Fault):
            entry["fault"] = (outcome.code, outcome.text)
        else:
            entry["result"] = outcome
        body = msgspec.json.encode(entry)
        told = self._channel.tell("audit", body)
        told.addErrback(
            lambda failure: _log.critical(
                "The audit log lacks a call, since the server {cause}: {call}",
                cause=failure.getErrorMessage(),
                call=body.decode(),
            )
        )

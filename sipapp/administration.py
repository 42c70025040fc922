"""The methods of the parent, for the web resources of a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from sipapp.answers import Answers, readOutcome
from sipapp.interfaces import IAdministration
from sipapp.pool import Unanswered
from sipapp.rpc import Caller, Fault, MethodDescription, NoSuchMethod, Unavailable
from sipapp.rpc.jsonrpc import encodeShown
from sipapp.rpc.methods import Methods

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

    def __init__(self, channel: _Channel, answers: Answers) -> None:
        self._channel = channel
        self._offered: Methods | None = None
        answers.add("plugin.methods", self._describeOffered)
        answers.add("plugin.call", self._callOffered)

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

    def offer(self, methods: Methods) -> None:
        self._offered = methods

    def _describeOffered(self) -> list[MethodDescription]:
        if self._offered is None:
            return []
        # Those of system are there already.
        return [
            each for each in self._offered.descriptions() if not each.name.startswith("system.")
        ]

    def _callOffered(
        self, name: str, parameters: Sequence[Any] | Mapping[str, Any], caller: Any
    ) -> Deferred[Any]:
        if self._offered is None:
            raise NoSuchMethod(f"there is no method {name!r}")
        return self._offered.call(msgspec.convert(caller, Caller), name, parameters)

    def audit(
        self,
        caller: Caller,
        method: str,
        parameters: Mapping[str, Any],
        outcome: Any,
        seconds: float,
    ) -> None:
        entry = {
            "caller": caller,
            "method": method,
            "parameters": msgspec.Raw(encodeShown(parameters)),
            "seconds": seconds,
        }
        if isinstance(outcome, Fault):
            entry["fault"] = (outcome.code, outcome.text)
        else:
            entry["result"] = msgspec.Raw(encodeShown(outcome))
        body = msgspec.json.encode(entry)
        told = self._channel.tell("audit", body)
        told.addErrback(
            lambda failure: _log.critical(
                "The audit log lacks a call, since the server {cause}: {call}",
                cause=failure.getErrorMessage(),
                call=body.decode(),
            )
        )

"""What there is to call at the unix socket: the methods of the server; those of plugins, which run
in the workers of the endpoints that have the resource C{xmlrpc}; and those that tell about
methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from sipapp.admin.methods.workforce import Workforce
from sipapp.rpc import Caller, Fault, MethodDescription, Stream
from sipapp.rpc.introspection import Introspection
from sipapp.rpc.methods import Audit, Methods

__all__ = ["AllMethods"]

_DESCRIBE = "system.describe"

#: Seconds that a method of a plugin may take.
_PATIENCE = 900.0


class AllMethods:
    """Calls methods wherever they run. Those of plugins are looked for when somebody wants one: the
    next worker may have others."""

    def __init__(self, methods: Methods, audit: Audit, workforce: Workforce) -> None:
        """
        @param methods: those of the server.
        """
        self._methods = methods
        self._system = Methods({"system": Introspection(self)}, audit)
        self._workforce = workforce

    def call(
        self,
        caller: Caller,
        name: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        stream: Stream | None = None,
    ) -> Deferred[Any]:
        """Call a method: see L{Methods.call}."""
        if name == _DESCRIBE:
            return Deferred.fromCoroutine(self._describe(caller, parameters))
        for methods in (self._methods, self._system):
            if name in methods:
                return methods.call(caller, name, parameters, stream)
        return Deferred.fromCoroutine(self._callPlugin(caller, name, parameters))

    def descriptions(self) -> Deferred[Mapping[str, MethodDescription]]:
        """
        @return: fires with the methods, by name.
        """
        return Deferred.fromCoroutine(self._descriptions())

    async def _descriptions(self) -> Mapping[str, MethodDescription]:
        theirs = [described for _, described in (await self._offered()).values()]
        found = [*self._methods.descriptions(), *self._system.descriptions(), *theirs]
        return {each.name: each for each in sorted(found, key=lambda each: each.name)}

    async def _describe(
        self, caller: Caller, parameters: Sequence[Any] | Mapping[str, Any]
    ) -> list[Any]:
        # It finds out whether there is something wrong with the call.
        await self._methods.call(caller, _DESCRIBE, parameters)
        found: list[Any] = msgspec.to_builtins(list((await self._descriptions()).values()))
        return found

    async def _callPlugin(
        self, caller: Caller, name: str, parameters: Sequence[Any] | Mapping[str, Any]
    ) -> Any:
        offered = await self._offered()
        if name not in offered:
            return await self._methods.call(caller, name, parameters)
        worker, _ = offered[name]
        return await self._workforce.ask(
            worker,
            "plugin.call",
            timeout=_PATIENCE,
            name=name,
            parameters=parameters,
            caller=caller,
        )

    async def _offered(self) -> dict[str, tuple[str, MethodDescription]]:
        """
        @return: the methods of plugins: a worker that has it, and what it is, for each.
        """
        answers = await self._workforce.askAll("plugin.methods", kind="web")
        return {
            each.name: (worker, each)
            for worker, answer in answers.items()
            if not isinstance(answer, Fault)
            for each in msgspec.convert(answer, list[MethodDescription])
        }

"""What there is to call at the doors of the parent: the methods of the server, and those of
plugins, which run in the workers of the endpoints that have the resource C{xmlrpc}."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from sipapp.admin.methods.workforce import Workforce
from sipapp.rpc import Caller, Fault, Stream
from sipapp.rpc.methods import Methods

__all__ = ["AllMethods"]

_DESCRIBE = "system.describe"

#: Seconds that a method of a plugin may take.
_PATIENCE = 900.0


class AllMethods:
    """Calls methods wherever they run. Those of plugins are looked for when somebody wants one: the
    next worker may have others."""

    def __init__(self, methods: Methods, workforce: Workforce) -> None:
        """
        @param methods: those of the server.
        """
        self._methods = methods
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
        if name in self._methods:
            return self._methods.call(caller, name, parameters, stream)
        return Deferred.fromCoroutine(self._callPlugin(caller, name, parameters))

    async def _describe(
        self, caller: Caller, parameters: Sequence[Any] | Mapping[str, Any]
    ) -> list[Any]:
        own = await self._methods.call(caller, _DESCRIBE, parameters)
        theirs = [described for _, described in (await self._offered()).values()]
        return sorted([*own, *theirs], key=lambda each: str(each["name"]))

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

    async def _offered(self) -> dict[str, tuple[str, Any]]:
        """
        @return: the methods of plugins: a worker that has it, and what it is, for each.
        """
        answers = await self._workforce.askAll("plugin.methods", kind="web")
        return {
            described["name"]: (worker, described)
            for worker, answer in answers.items()
            if not isinstance(answer, Fault)
            for described in answer
        }

"""What there is to call: the methods of the server, which run in its parent process, those of
plugins, and those that tell about methods, which both run here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from sipapp.rpc import ROLES, Caller, MethodDescription, Role
from sipapp.rpc.introspection import MULTICALL, Introspection
from sipapp.rpc.methods import Methods

__all__ = ["Catalogue"]


class _AuditLog:
    """That of the server, for calls of what runs here."""

    def __init__(self, administration: Any) -> None:
        self.write = administration.audit


class Catalogue:
    """Methods, wherever they run."""

    def __init__(self, administration: Any, plugins: Mapping[str, object]) -> None:
        """
        @param administration: the L{sipapp.interfaces.IAdministration}.
        @param plugins: their namespaces, by name.
        """
        self._administration = administration
        self._plugins = plugins
        self._own = Methods({**plugins, "system": Introspection(self)}, _AuditLog(administration))
        self._known: Mapping[str, MethodDescription] = {}

    async def load(self) -> None:
        """Learn what the server has.

        @raise ValueError: if a plugin has a namespace of the same name.
        """
        for each in await self._administration.descriptions():
            namespace = each.name.partition(".")[0]
            if namespace in self._plugins:
                raise ValueError(f"a plugin has methods {namespace!r}, and so has the server")
        self._administration.offer(Methods(self._plugins, _AuditLog(self._administration)))
        await self.descriptions()

    def descriptions(self) -> Deferred[Mapping[str, MethodDescription]]:
        """
        @return: fires with the methods, by name.
        """
        return Deferred.fromCoroutine(self._descriptions())

    def roleFor(self, name: str, parameters: Any) -> Role:
        """
        @param parameters: those of C{system.multicall} are calls.
        @return: the role that a call takes, if it is one of something that there is.
        """
        names = [name]
        if name == MULTICALL:
            given = parameters.values() if isinstance(parameters, Mapping) else parameters
            calls = [each for calls in given if isinstance(calls, list) for each in calls]
            names = [str(each.get("methodName")) for each in calls if isinstance(each, dict)]
        roles = [self._known[each].role for each in names if each in self._known]
        return max(roles, key=ROLES.index, default="viewer")

    def call(
        self, caller: Caller, name: str, parameters: Sequence[Any] | Mapping[str, Any]
    ) -> Deferred[Any]:
        """
        @return: fires with the result, made of what JSON has; fails with a L{sipapp.rpc.Fault}.
            Who cancels it gives up the answer: what was begun goes on.
        """
        if name not in self._own:
            called: Deferred[Any] = self._administration.call(name, parameters, caller)
            return called
        running = self._own.call(caller, name, parameters)
        if name.partition(".")[0] not in self._plugins:
            return running
        answered: Deferred[Any] = Deferred()
        running.chainDeferred(answered)
        return answered

    async def _descriptions(self) -> Mapping[str, MethodDescription]:
        theirs = await self._administration.descriptions()
        self._known = {each.name: each for each in (*theirs, *self._own.descriptions())}
        return self._known

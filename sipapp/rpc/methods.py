"""The methods of the server, whatever door a call comes through."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from sipapp.rpc.caller import Caller
from sipapp.rpc.description import MethodDescription
from sipapp.rpc.fault import Fault, Forbidden, InternalError, NoSuchMethod, Unavailable
from sipapp.rpc.method import BoundMethod, asJSON, boundMethods, method
from sipapp.rpc.role import covers
from sipapp.rpc.stream import Stream

__all__ = ["Audit", "Methods"]

_log = Logger()


class Audit(Protocol):
    """Keeps who has changed what: C{sipapp.admin.methods.audit.Audit}."""

    def write(
        self,
        caller: Caller,
        method: str,
        parameters: Mapping[str, Any],
        outcome: Any,
        seconds: float,
    ) -> object:
        """Keep a call.

        @param parameters: without what is secret.
        @param outcome: the result, or the L{Fault}.
        @param seconds: that it took.
        """


class Methods:
    """Calls methods for those who may.

    @ivar underWay: how many calls have no outcome yet.
    """

    def __init__(
        self,
        namespaces: Mapping[str, object],
        audit: Audit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        @param namespaces: by the name that stands before the dot; their functions that bear
            L{method} are what there is to call.
        """
        self.underWay = 0
        self._audit = audit
        self._clock = clock
        self._methods: dict[str, BoundMethod] = {}
        for name, namespace in {"system": _System(self), **namespaces}.items():
            for each in boundMethods(name, namespace):
                self._methods[each.description.name] = each

    def __contains__(self, name: object) -> bool:
        """
        @return: whether there is a method of this name.
        """
        return name in self._methods

    def descriptions(self) -> tuple[MethodDescription, ...]:
        """
        @return: all there are, by name.
        """
        return tuple(self._methods[name].description for name in sorted(self._methods))

    def call(
        self,
        caller: Caller,
        name: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        stream: Stream | None = None,
    ) -> Deferred[Any]:
        """Call a method.

        @param name: namespace and method: C{pool.resize}.
        @param parameters: in their order, or by their names.
        @param stream: takes what the method sends after its result.
        @return: fires with the result, made of what JSON has; fails with a L{Fault} and nothing
            else.
        """
        return Deferred.fromCoroutine(self._call(caller, name, parameters, stream))

    async def _call(
        self,
        caller: Caller,
        name: str,
        parameters: Sequence[Any] | Mapping[str, Any],
        stream: Stream | None,
    ) -> Any:
        called = self._methods.get(name)
        if called is None:
            raise NoSuchMethod(f"there is no method {name!r}")
        began = self._clock()
        shown: Mapping[str, Any] = {}
        outcome: Any = None
        self.underWay += 1
        try:
            given = called.bind(parameters)
            shown = called.shown(given)
            least = called.description.role
            if not covers(caller.role, least):
                raise Forbidden(f"{name} is for the role {least}; {caller.name} is {caller.role}")
            outcome = await _result(called.call(caller, given, stream))
        except Fault as fault:
            outcome = fault
        except CancelledError:
            outcome = Unavailable(f"{name} has taken too long")
        except Exception:
            _log.failure("{method} has failed", method=name)
            outcome = InternalError(f"{name} has failed: the log says why")
        finally:
            self.underWay -= 1
        if called.description.changes:
            seconds = self._clock() - began
            self._audit.write(caller, name, shown, called.shownOutcome(outcome), seconds)
        if isinstance(outcome, Fault):
            raise outcome
        return outcome


class _System:
    """What the doors need themselves."""

    def __init__(self, methods: Methods) -> None:
        self._methods = methods

    @method()
    def describe(self) -> tuple[MethodDescription, ...]:
        """Describe all methods: their parameters, results, and who may call them."""
        return self._methods.descriptions()


async def _result(returned: Any) -> Any:
    if isinstance(returned, Deferred) or hasattr(returned, "__await__"):
        returned = await returned
    # Whatever cannot be written has failed here, and not at a door.
    return asJSON(returned)

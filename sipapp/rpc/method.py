"""What makes a function a method that operators call."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from sipapp.rpc.caller import Caller
from sipapp.rpc.description import MethodDescription, Parameter
from sipapp.rpc.fault import Fault, InvalidParameters
from sipapp.rpc.role import Role
from sipapp.rpc.stream import Stream
from sipapp.rpc.typenames import alternatives, shapeOf, typeName

__all__ = ["BoundMethod", "Secret", "asJSON", "boundMethods", "method"]

Secret = Annotated[str, Meta(extra={"secret": True})]
"""A parameter that is not written into the audit log."""

_F = TypeVar("_F", bound=Callable[..., Any])

_ATTRIBUTE = "_sipappMethod"
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET_NAMES = frozenset({"password", "passphrase", "secret", "token", "ha1"})


@dataclass(frozen=True)
class _Mark:
    role: Role
    changes: bool
    isPrivate: bool
    name: str | None


def method(
    *,
    role: Role = "viewer",
    changes: bool = False,
    isPrivate: bool = False,
    name: str | None = None,
) -> Callable[[_F], _F]:
    """Make a function of a namespace a method.

    Its parameters and their types are those of its annotations, which have to be importable when
    the server runs; what C{msgspec.convert} does not accept never reaches it. A parameter annotated
    L{Caller} or L{Stream} is filled in. In calls the names are in lower case: C{callID} is
    C{call_id}. The docstring is the help that operators get, so it has no markup.

    What is returned is made of what JSON has, or of C{msgspec.Struct}s; or it is a Deferred or a
    coroutine of that. Every L{sipapp.rpc.Fault} is told to the caller.

    @param role: what the caller must be at least.
    @param changes: whether it changes anything: such calls are written to the audit log.
    @param isPrivate: whether its result is nothing for the audit log.
    @param name: what it is called, if that is not the name of the function.
    """

    def mark(function: _F) -> _F:
        setattr(function, _ATTRIBUTE, _Mark(role, changes, isPrivate, name))
        return function

    return mark


class BoundMethod:
    """A method of a namespace, ready to be called.

    @ivar description: what callers are told about it.
    """

    def __init__(self, namespace: str, function: Callable[..., Any], mark: _Mark) -> None:
        """
        @param function: bound to its namespace.
        """
        self._function = function
        self._isPrivate = mark.isPrivate
        hints = typing.get_type_hints(function, include_extras=True)
        self._returns = hints.pop("return", Any)
        self._hints: dict[str, tuple[str, Any]] = {}
        self._given: dict[str, type] = {}
        parameters = []
        for each in inspect.signature(function).parameters.values():
            hint = hints[each.name]
            filled = next((one for one in (Caller, Stream) if one in alternatives(hint)), None)
            if filled is not None:
                self._given[each.name] = filled
                continue
            name = _lowerCase(each.name)
            self._hints[name] = each.name, hint
            isRequired = each.default is each.empty
            default = None if isRequired else asJSON(each.default)
            parameters.append(Parameter(name, typeName(hint), isRequired, default))
        self.description = MethodDescription(
            name=f"{namespace}.{mark.name or _lowerCase(function.__name__)}",
            role=mark.role,
            changes=mark.changes,
            parameters=tuple(parameters),
            returns=typeName(self._returns),
            shape=shapeOf(self._returns),
            help=inspect.getdoc(function) or "",
        )

    def bind(self, parameters: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
        """
        @param parameters: in their order, or by their names.
        @return: them by their names, as they came.
        @raise InvalidParameters: if there are too many or too few, or one is unknown.
        """
        described = self.description.parameters
        if isinstance(parameters, Mapping):
            given = dict(parameters)
        else:
            if len(parameters) > len(described):
                raise InvalidParameters(f"{self.description.name} takes {_count(len(described))}")
            given = {each.name: value for each, value in zip(described, parameters, strict=False)}
        for name in given:
            if name not in self._hints:
                raise InvalidParameters(f"{self.description.name} has no parameter {name!r}")
        for each in described:
            if each.name not in given and each.isRequired:
                raise InvalidParameters(f"the parameter {each.name!r} is missing")
        return given

    def shown(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """
        @param given: what L{bind} returned.
        @return: it as it may be written down.
        """
        return {name: "***" if self._isSecret(name) else value for name, value in given.items()}

    def shownOutcome(self, outcome: Any) -> Any:
        """
        @param outcome: a result, or a L{Fault}.
        @return: it as it may be written down.
        """
        return "***" if self._isPrivate and not isinstance(outcome, Fault) else outcome

    def call(self, caller: Caller, given: Mapping[str, Any], stream: Stream | None) -> Any:
        """
        @param given: what L{bind} returned.
        @raise InvalidParameters: if one is not of its type.
        """
        arguments: dict[str, Any] = {}
        for name, value in given.items():
            pythonName, hint = self._hints[name]
            try:
                arguments[pythonName] = msgspec.convert(value, hint)
            except msgspec.ValidationError as error:
                raise InvalidParameters(f"{name}: {error}") from None
        for name, kind in self._given.items():
            arguments[name] = caller if kind is Caller else stream
        return self._function(**arguments)

    def _isSecret(self, name: str) -> bool:
        if name in _SECRET_NAMES:
            return True
        _, hint = self._hints[name]
        return any(
            isinstance(each, Meta) and bool((each.extra or {}).get("secret"))
            for one in _annotated(hint)
            for each in one.__metadata__
        )


def asJSON(value: Any) -> Any:
    """
    @return: what is read when a value has been written as JSON.
    @raise TypeError: if it cannot be. @raise ValueError: likewise.
    """
    return msgspec.json.decode(msgspec.json.encode(value))


def boundMethods(namespace: str, provider: object) -> list[BoundMethod]:
    """
    @param namespace: what comes before the dot.
    @param provider: an instance of a namespace class.
    @return: its methods.
    """
    found = []
    for name, function in inspect.getmembers(type(provider), inspect.isfunction):
        mark = getattr(function, _ATTRIBUTE, None)
        if mark is not None:
            found.append(BoundMethod(namespace, getattr(provider, name), mark))
    return found


def _annotated(hint: Any) -> list[Any]:
    if typing.get_origin(hint) is Annotated:
        return [hint, *_annotated(typing.get_args(hint)[0])]
    return [one for each in typing.get_args(hint) for one in _annotated(each)]


def _count(number: int) -> str:
    return f"{number or 'no'} parameter{'' if number == 1 else 's'}"


def _lowerCase(name: str) -> str:
    return _HUMP.sub("_", name).lower()

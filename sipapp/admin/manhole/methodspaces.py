"""The methods of the server as Python functions: C{pool.resize("udp-0", 4)}."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from sipapp.rpc import InvalidParameters, MethodDescription, Parameter

__all__ = ["Call", "MethodSpace", "methodSpaces"]

Call = Callable[[str, Sequence[Any] | Mapping[str, Any]], Deferred[Any]]
"""Calls a method, by its name, for whoever is at the console."""


class Method:
    """A method. Its name alone says how to call it."""

    def __init__(self, description: MethodDescription, call: Call) -> None:
        self._description = description
        self._call = call
        self.__doc__ = f"{signatureOf(description)}\n\n{description.help}"

    def __call__(self, *given: Any, **named: Any) -> Deferred[Any]:
        names = [each.name for each in self._description.parameters]
        if len(given) > len(names):
            raise InvalidParameters(f"it takes no more than {len(names)} values")
        return self._call(
            self._description.name, {**dict(zip(names, given, strict=False)), **named}
        )

    def __repr__(self) -> str:
        return self.__doc__ or ""


class MethodSpace:
    """The methods of a namespace. Its name alone says which."""

    def __init__(self, name: str, descriptions: Iterable[MethodDescription], call: Call) -> None:
        self._name = name
        self._methods = {
            each.name.partition(".")[2]: (each, Method(each, call)) for each in descriptions
        }

    def __getattr__(self, name: str) -> Method:
        try:
            return self._methods[name][1]
        except KeyError:
            raise AttributeError(f"{self._name} has no method {name}") from None

    def __dir__(self) -> list[str]:
        return list(self._methods)

    def __repr__(self) -> str:
        signatures = {name: signatureOf(each) for name, (each, _) in self._methods.items()}
        width = max(map(len, signatures.values()), default=0)
        return "\n".join(
            f"{signatures[name]:{width}}  {_firstLine(each.help)}"
            for name, (each, _) in self._methods.items()
        )


def methodSpaces(descriptions: Iterable[MethodDescription], call: Call) -> dict[str, MethodSpace]:
    """
    @return: the namespaces by name.
    """
    found: dict[str, list[MethodDescription]] = {}
    for each in descriptions:
        found.setdefault(each.name.partition(".")[0], []).append(each)
    return {name: MethodSpace(name, each, call) for name, each in found.items()}


def signatureOf(description: MethodDescription) -> str:
    """
    @return: how to call it.
    """
    return f"{description.name}({', '.join(map(_parameter, description.parameters))})"


def _parameter(each: Parameter) -> str:
    return each.name if each.isRequired else f"{each.name}={each.default!r}"


def _firstLine(text: str) -> str:
    return text.partition("\n")[0]

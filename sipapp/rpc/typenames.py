"""What XML-RPC calls the types of Python: those of parameters and results, by their annotations."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from sipapp.rpc.description import TypeName

__all__ = ["alternatives", "shapeOf", "typeName"]

_NAMES: Mapping[Any, TypeName] = {
    bool: "boolean",
    int: "int",
    float: "double",
    str: "string",
    bytes: "base64",
    datetime: "dateTime.iso8601",
    type(None): "nil",
}


def typeName(hint: Any) -> TypeName:
    """
    @return: what XML-RPC calls a type; of several, the first.
    """
    for each in alternatives(hint):
        origin = typing.get_origin(each) or each
        if origin is typing.Literal:
            return typeName(type(typing.get_args(each)[0]))
        if origin in _NAMES:
            return _NAMES[origin]
        if isinstance(origin, type):
            if issubclass(origin, Struct | Mapping):
                return "struct"
            if issubclass(origin, Sequence | set | frozenset):
                return "array"
    return "struct"


def alternatives(hint: Any) -> list[Any]:
    """The types that a type stands for, bare; C{None} is the last."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        return alternatives(typing.get_args(hint)[0])
    if origin in (typing.Union, types.UnionType):
        found = [one for each in typing.get_args(hint) for one in alternatives(each)]
        return sorted(found, key=lambda one: one is type(None))
    if origin is not None and isinstance(origin, type):
        name = getattr(origin, "__name__", "")
        if name in ("Deferred", "Coroutine", "Awaitable"):
            return alternatives(typing.get_args(hint)[-1])
    return [type(None) if hint is None else hint]


def shapeOf(hint: Any) -> str:
    """
    @return: what is in a result of a type: C{[{name: string, size: int}]} is an array of structs.
    """
    return " or ".join(dict.fromkeys(map(_shape, alternatives(hint))))


def _shape(hint: Any) -> str:
    if hint is Any:
        return "any"
    name = typeName(hint)
    inside = [each for each in typing.get_args(hint) if each is not Ellipsis]
    if isinstance(hint, type) and issubclass(hint, Struct):
        fields = msgspec.structs.fields(hint)
        return "{" + ", ".join(f"{each.encode_name}: {shapeOf(each.type)}" for each in fields) + "}"
    if name == "array" and inside:
        return "[" + ", ".join(map(shapeOf, inside)) + "]"
    if name == "struct" and inside:
        return "{name: " + shapeOf(inside[-1]) + ", \u2026}"
    # Results are the same from every door: JSON has neither bytes nor times.
    return "string" if name in ("base64", "dateTime.iso8601") else name

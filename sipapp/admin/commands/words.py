"""From what is typed in a shell to the parameters of a method, by its description."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from sipapp.admin.commands.asking import Misused
from sipapp.rpc import MethodDescription, Parameter, TypeName

__all__ = ["parametersOf", "usage"]

_TRUTHS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def parametersOf(method: MethodDescription, words: Sequence[str]) -> dict[str, Any]:
    """
    @param words: values as C{NAME=VALUE}, which is what a word is that begins with the name of a
        parameter and an equals sign, and values of the other parameters, in order.
    @return: the parameters by their names.
    @raise Misused: if they are not what the method takes.
    """
    described = {each.name: each for each in method.parameters}
    found: dict[str, Any] = {}
    unnamed = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in described:
            unnamed.append(word)
        elif name in found:
            raise Misused(f"{name} is given twice: {usage(method)}")
        else:
            found[name] = _value(described[name], value)
    others = (each for each in method.parameters if each.name not in found)
    for word in unnamed:
        following = next(others, None)
        if following is None:
            raise Misused(f"{word!r} is too much: {usage(method)}")
        found[following.name] = _value(following, word)
    for each in method.parameters:
        if each.isRequired and each.name not in found:
            raise Misused(f"{each.name} is missing: {usage(method)}")
    return found


def usage(method: MethodDescription) -> str:
    """
    @return: the method and its parameters in one line.
    """
    return " ".join([method.name, *map(_shown, method.parameters)])


def _shown(parameter: Parameter) -> str:
    text = f"{parameter.name}:{parameter.type}"
    if parameter.isRequired:
        return text
    return f"[{text}]" if parameter.default is None else f"[{text}={json.dumps(parameter.default)}]"


def _value(parameter: Parameter, word: str) -> Any:
    read = _READERS.get(parameter.type, str)
    try:
        return read(word)
    except (ValueError, KeyError, msgspec.DecodeError):
        wanted = _WANTED[parameter.type]
        raise Misused(f"{parameter.name}: {word!r} is not {wanted}") from None


def _boolean(word: str) -> bool:
    return _TRUTHS[word.lower()]


def _double(word: str) -> float:
    number = float(word)
    # JSON has no others: they would arrive as if nothing had been given.
    if not math.isfinite(number):
        raise ValueError(word)
    return number


def _array(word: str) -> Any:
    return msgspec.json.decode(word, type=list[Any])


def _struct(word: str) -> Any:
    return msgspec.json.decode(word, type=dict[str, Any])


# What is not here is given as it is typed: text, times in ISO 8601, bytes in base64.
_READERS: Mapping[TypeName, Callable[[str], Any]] = {
    "int": int,
    "boolean": _boolean,
    "double": _double,
    "array": _array,
    "struct": _struct,
}
_WANTED: Mapping[TypeName, str] = {
    "int": "a whole number",
    "boolean": "true or false",
    "double": "a number",
    "array": """a JSON array such as '["a", "b"]'""",
    "struct": """a JSON object such as '{"a": 1}'""",
}

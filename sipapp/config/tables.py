"""Converts TOML values to settings, with errors in the words of the file.

L{msgspec.convert} stops at the first error and speaks of objects and nulls, so the tables are
walked here and it converts the values in them.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import FieldInfo

from sipapp.config.errors import Problems, suggestion, tomlValue

UNUSABLE: Final[Any] = object()
"""What stands for a value that could not be converted. The problem has been noted."""

_WORDS = {"array": "array", "object": "table", "float": "number"}
_STEP = re.compile(r"\[(\d+)\]|\.([A-Za-z0-9_-]+)")


def readValue(
    value: object, wanted: Any, key: str, problems: Problems, homes: Mapping[str, str]
) -> Any:
    """Convert a value.

    @param wanted: its type: a C{msgspec.Struct} class, a tuple or list of those, or anything that
        msgspec can convert to.
    @param key: where it stands, for problems.
    @param homes: for known keys, the table that they belong to: see L{homesOf}.
    @return: the converted value or L{UNUSABLE}.
    """
    struct = structOf(wanted)
    if struct is not None:
        if isinstance(value, dict):
            return _readTable(value, struct, key, problems, homes)
        problems.add(key, f"expected a table, got {tomlValue(value)}")
        return UNUSABLE
    element = elementOf(wanted)
    if element is not None and structOf(element) is not None:
        if isinstance(value, list):
            items = [
                readValue(item, element, f"{key}[{index}]", problems, homes)
                for index, item in enumerate(value)
            ]
            return UNUSABLE if UNUSABLE in items else tuple(items)
        problems.add(key, f"expected tables, [[{key}]], got {tomlValue(value)}")
        return UNUSABLE
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        _explain(str(error), value, wanted, key, problems)
        return UNUSABLE


def _readTable(
    table: dict[str, object],
    struct: type[msgspec.Struct],
    key: str,
    problems: Problems,
    homes: Mapping[str, str],
) -> Any:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    values: dict[str, Any] = {}
    for name, value in table.items():
        where = f"{key}.{name}"
        if name in fields:
            values[fields[name].name] = readValue(value, fields[name].type, where, problems, homes)
        else:
            problems.add(where, unknownKey(name, fields, homes))
            values[name] = UNUSABLE
    for name, field in fields.items():
        if field.required and name not in table:
            problems.add(f"{key}.{name}", "missing")
            values[field.name] = UNUSABLE
    if UNUSABLE in values.values():
        return UNUSABLE
    try:
        return struct(**values)
    except ValueError as error:
        problems.add(key, str(error))
        return UNUSABLE


def unknownKey(name: str, known: Mapping[str, object], homes: Mapping[str, str]) -> str:
    """What to say about a key that is not known where it stands."""
    if name in homes:
        return f"unknown key; it belongs in {homes[name]}"
    return f"unknown key{suggestion(name, known)}"


def _explain(message: str, value: Any, wanted: Any, key: str, problems: Problems) -> None:
    reason, _, path = message.partition(" - at `$")
    for index, name in _STEP.findall(path):
        value = value[int(index)] if index else value[name]
        wanted = (elementOf(wanted) if index else None) or Any
        key = f"{key}[{index}]" if index else f"{key}.{name}"
    if reason.startswith("Invalid enum value"):
        choices = [choice for choice in _choices(wanted) if isinstance(choice, str | int)]
        reason = f"expected one of {', '.join(map(tomlValue, choices))}"
    reason = reason.partition(", got ")[0].replace("Expected", "expected")
    reason = re.sub(r"`([^`]*)`", _inWords, reason)
    problems.add(key, f"{reason}, got {tomlValue(value)}")


def _inWords(match: re.Match[str]) -> str:
    names = [name for name in match[1].split(" | ") if name != "null"]
    return " or ".join(_WORDS.get(name, name) for name in names)


def _alternatives(wanted: Any) -> list[Any]:
    """The types that a type stands for, bare: without C{None} and constraints."""
    if typing.get_origin(wanted) is typing.Annotated:
        return _alternatives(typing.get_args(wanted)[0])
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        return [
            each
            for argument in typing.get_args(wanted)
            if argument is not types.NoneType
            for each in _alternatives(argument)
        ]
    return [wanted]


def _choices(wanted: Any) -> tuple[Any, ...]:
    return tuple(
        choice
        for each in _alternatives(wanted)
        if typing.get_origin(each) is typing.Literal
        for choice in typing.get_args(each)
    )


def structOf(wanted: Any) -> type[msgspec.Struct] | None:
    """The settings class that a type is or optionally is."""
    for each in _alternatives(wanted):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return each
    return None


def elementOf(wanted: Any) -> Any:
    """The type of the elements, if a type is or may be a tuple or list."""
    for each in _alternatives(wanted):
        if typing.get_origin(each) in (tuple, list) and typing.get_args(each):
            return typing.get_args(each)[0]
    return None


def homesOf(sections: Mapping[str, Any]) -> dict[str, str]:
    """For every key of a configuration, the table that it belongs to, as a heading: so that a
    key in the wrong table is told where it belongs."""
    homes: dict[str, str] = {}
    for name, wanted in sections.items():
        _addHomes(name, wanted, homes)
    return homes


def _addHomes(name: str, wanted: Any, homes: dict[str, str]) -> None:
    element = elementOf(wanted)
    struct = structOf(wanted if element is None else element)
    if struct is None:
        return
    fields: tuple[FieldInfo, ...] = msgspec.structs.fields(struct)
    for field in fields:
        homes.setdefault(field.encode_name, f"[{name}]" if element is None else f"[[{name}]]")
    for field in fields:
        _addHomes(f"{name}.{field.encode_name}", field.type, homes)

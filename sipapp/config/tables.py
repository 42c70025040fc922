"""Converts TOML values to settings, with errors in the words of the file.

L{msgspec.convert} stops at the first error and speaks of objects and nulls, so the tables are
walked here, and it converts the values in them.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from sipapp.config.errors import Problems, suggestion, tomlValue

UNUSABLE: Final[Any] = object()
"""What stands for a value that could not be converted. The problem has been noted."""

_WORDS = {"array": "array", "object": "table", "float": "number"}
_INDEX = re.compile(r"\[(\d+)\]")


class TableReader:
    """Reads the tables of one file.

    @param homes: for keys that are known somewhere, the table they belong in: see L{homesOf}.
    """

    def __init__(self, problems: Problems, homes: Mapping[str, str]) -> None:
        self._problems = problems
        self._homes = homes

    def read(self, value: object, wanted: Any, key: str) -> Any:
        """Convert a value.

        @param wanted: its type: a C{msgspec.Struct} class, anything that msgspec converts to, or
            a tuple, list or dict of those.
        @param key: where it stands, for problems.
        @return: the converted value or L{UNUSABLE}.
        """
        match _shape(wanted):
            case "table", struct:
                if isinstance(value, dict):
                    return self._readTable(value, struct, key)
                return self._refuse(key, "expected a table", value)
            case "mapping", item:
                if isinstance(value, dict):
                    entries = {
                        name: self.read(each, item, f"{key}.{name}") for name, each in value.items()
                    }
                    return UNUSABLE if UNUSABLE in entries.values() else entries
                return self._refuse(key, "expected a table", value)
            case "tables", item:
                if isinstance(value, list):
                    items = [
                        self.read(each, item, f"{key}[{index}]") for index, each in enumerate(value)
                    ]
                    return UNUSABLE if UNUSABLE in items else tuple(items)
                return self._refuse(key, f"expected tables, [[{key}]]", value)
        try:
            return msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            return self._explain(str(error), value, wanted, key)

    def complainOfKey(self, key: str, known: Mapping[str, object]) -> None:
        """Note a key that is not known where it stands.

        @param known: the names that are known there.
        """
        name = key.rpartition(".")[2]
        if name in self._homes:
            self._problems.add(key, f"unknown key; it belongs in {self._homes[name]}")
        else:
            self._problems.add(key, f"unknown key{suggestion(name, known)}")

    def _readTable(self, table: dict[str, object], struct: type[msgspec.Struct], key: str) -> Any:
        fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
        values: dict[str, Any] = {}
        for name, value in table.items():
            where = f"{key}.{name}"
            if name in fields:
                values[fields[name].name] = self.read(value, fields[name].type, where)
            else:
                self.complainOfKey(where, fields)
                values[name] = UNUSABLE
        for name, field in fields.items():
            if field.required and name not in table:
                self._problems.add(f"{key}.{name}", "missing")
                values[field.name] = UNUSABLE
        if UNUSABLE in values.values():
            return UNUSABLE
        try:
            return struct(**values)
        except ValueError as error:
            self._problems.add(key, str(error))
            return UNUSABLE

    def _refuse(self, key: str, reason: str, value: object) -> Any:
        self._problems.add(key, f"{reason}, got {tomlValue(value)}")
        return UNUSABLE

    def _explain(self, message: str, value: Any, wanted: Any, key: str) -> Any:
        """Put what msgspec says into the words of the file."""
        reason, _, path = message.partition(" - at `$")
        for index in map(int, _INDEX.findall(path)):
            value, key, wanted = value[index], f"{key}[{index}]", _elementOf(wanted)
        if reason.startswith("Invalid enum value"):
            reason = f"expected one of {', '.join(map(tomlValue, _choices(wanted)))}"
        reason = reason.partition(", got ")[0].replace("Expected", "expected")
        return self._refuse(key, re.sub(r"`([^`]*)`", _inWords, reason), value)


def homesOf(sections: Mapping[str, Any]) -> dict[str, str]:
    """For every key of a configuration, the heading of the table that it belongs in, so that it
    can be said of one in the wrong table. Outer tables come before the ones in them."""
    homes: dict[str, str] = {}
    for name, wanted in sections.items():
        shape, inner = _shape(wanted)
        if shape == "tables":
            _, struct = _shape(inner)
            heading = f"[[{name}]]"
        else:
            struct, heading = inner, f"[{name}]"
        if shape in ("table", "tables"):
            fields = msgspec.structs.fields(struct)
            for field in fields:
                homes.setdefault(field.encode_name, heading)
            deeper = homesOf({f"{name}.{field.encode_name}": field.type for field in fields})
            homes = {**deeper, **homes}
    return homes


def _shape(wanted: Any) -> tuple[str, Any]:
    """What has to be walked in a type: a C{table} with its class, a C{mapping} or C{tables} with
    the type of its items; anything else is a C{value}."""
    for each in _alternatives(wanted):
        origin, arguments = typing.get_origin(each), typing.get_args(each)
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return "table", each
        if origin is dict:
            return "mapping", arguments[1]
        if origin in (tuple, list) and _shape(arguments[0])[0] == "table":
            return "tables", arguments[0]
    return "value", wanted


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


def _elementOf(wanted: Any) -> Any:
    return next(
        (
            typing.get_args(each)[0]
            for each in _alternatives(wanted)
            if typing.get_origin(each) in (tuple, list)
        ),
        Any,
    )


def _choices(wanted: Any) -> list[Any]:
    return [
        choice
        for each in _alternatives(wanted)
        if typing.get_origin(each) is typing.Literal
        for choice in typing.get_args(each)
    ]


def _inWords(match: re.Match[str]) -> str:
    names = [name for name in match[1].split(" | ") if name != "null"]
    return " or ".join(_WORDS.get(name, name) for name in names)

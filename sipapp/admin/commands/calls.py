"""C{sipappctl call} and C{sipappctl methods}: any method of the server, whether there is a command
for it or not."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sipapp.admin.client import Client
from sipapp.admin.commands.asking import Misused, asking, operating
from sipapp.admin.commands.progress import progress
from sipapp.admin.commands.words import parametersOf, usage
from sipapp.admin.tables import Column, Table, present, shown, writeJSON
from sipapp.config.errors import suggestion
from sipapp.rpc import MethodDescription

__all__ = ["addCallCommands", "describe", "show"]

_METHODS = (
    Column("METHOD", "name"),
    Column("ROLE", "role"),
    Column("CHANGES", "changes"),
    Column("WHAT IT DOES", "help", lambda text: " ".join(text.partition("\n\n")[0].split())),
)


def addCallCommands(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    calling = commands.add_parser(
        "call",
        help="call a method of the server, whatever it is",
        parents=[operating()],
        epilog="What is typed is understood by the types of the method's parameters; arrays and"
        " structs are JSON.",
    )
    calling.add_argument("method", metavar="METHOD", help="such as pool.resize")
    calling.add_argument(
        "words", nargs="*", metavar="ARG", help="a value, or NAME=VALUE in any order"
    )
    calling.set_defaults(run=asking(_call))
    listing = commands.add_parser(
        "methods",
        help="show the methods of the server, or how one is called",
        parents=[operating()],
    )
    listing.add_argument("method", nargs="?", metavar="METHOD")
    listing.set_defaults(run=asking(_methods))


def describe(client: Client) -> dict[str, MethodDescription]:
    """
    @return: all methods of the server, by name.
    """
    described = client.call("system.describe")
    return {each.name: each for each in msgspec.convert(described, list[MethodDescription])}


def show(value: Any) -> None:
    """Write a result for people: what is alike as a table."""
    if isinstance(value, Mapping):
        _showStruct(value)
    elif _isTable(value):
        keys = dict.fromkeys(key for row in value for key in row)
        present([_column(key, value) for key in keys], [value], asJSON=False)
    elif isinstance(value, list):
        for each in value:
            print(shown(each))
    elif isinstance(value, str):
        for line in value.splitlines():
            print(shown(line))
    elif value is not None:
        print(shown(value))


def _call(client: Client, given: Namespace) -> None:
    method = _find(describe(client), given.method)
    parameters = parametersOf(method, given.words)
    with progress(method.name, given) as draw:
        result = client.call(method.name, parameters, patience=None, meanwhile=draw)
    if given.json:
        writeJSON(result)
    else:
        show(result)


def _methods(client: Client, given: Namespace) -> None:
    methods = describe(client)
    if given.method is None:
        rows = [msgspec.to_builtins(each) for each in methods.values()]
        present(_METHODS, [rows], given.json)
        return
    method = _find(methods, given.method)
    if given.json:
        writeJSON(method)
        return
    effect = "changes something" if method.changes else "changes nothing"
    print(f"{usage(method)} -> {method.returns}")
    print(f"\n{method.help}\n\nFor the role {method.role}; {effect}.")


def _find(methods: Mapping[str, MethodDescription], name: str) -> MethodDescription:
    if name not in methods:
        raise Misused(f"the server has no method {name!r}{suggestion(name, methods)}")
    return methods[name]


def _isTable(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _column(key: str, rows: Sequence[Mapping[str, Any]]) -> Column:
    values = [row.get(key) for row in rows]
    numbers = [type(value) in (int, float) for value in values if value is not None]
    return Column(shown(key).upper().replace("_", " "), key, isNumber=all(numbers))


def _showStruct(value: Mapping[str, Any]) -> None:
    """Names and values; what takes more than a line follows."""
    long = {key: each for key, each in value.items() if _isTable(each) or _isLong(each)}
    short = [{"name": key, "value": each} for key, each in value.items() if key not in long]
    if short:
        Table([Column("NAME", "name"), Column("VALUE", "value")]).add(short)
    for key, each in long.items():
        print(f"\n{shown(key)}")
        show(each)


def _isLong(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value

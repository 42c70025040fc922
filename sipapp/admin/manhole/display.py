"""How values look in the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sipapp.admin.tables import Column, Table
from sipapp.evaluation import shown

__all__ = ["Text", "display", "tableOf"]


class Text(str):
    """What is shown as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def display(value: Any) -> str:
    """
    @return: a value for people: what methods give as rows is a table.
    """
    if isinstance(value, Text):
        return str(value).rstrip("\n")
    if isinstance(value, dict) and _areRows(value.get("rows")):
        rest = {name: each for name, each in value.items() if name != "rows" and each}
        table = tableOf(value["rows"]) if value["rows"] else "none"
        return f"{table}\n{shown(rest)}" if rest else table
    if _areRows(value) and value:
        return tableOf(value)
    return shown(value)


def tableOf(rows: Sequence[Mapping[str, Any]]) -> str:
    """
    @return: rows below the names of what is in them.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [
        Column(
            name.replace("_", " "),
            name,
            isNumber=all(isinstance(row.get(name), int | float | None) for row in rows),
        )
        for name in names
    ]
    return "\n".join(Table(columns).lines(rows))


def _areRows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)

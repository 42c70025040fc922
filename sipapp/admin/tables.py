"""The one way in which C{sipappctl} writes lists: a table for people, or JSON for programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TextIO

import msgspec

__all__ = ["Column", "Row", "Table", "present", "shown", "toJSON", "writeJSON"]

_NOT_ASCII = re.compile("[^\x00-\x7e]")

Row = Mapping[str, Any]
"""What a line shows, by name."""


def shown(value: Any) -> str:
    """
    @return: a value in one line. Text from the network does nothing to a terminal: what is not
        printable is escaped.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # All digits of a moment in seconds since 1970, and no more than were meant.
        return f"{value:.12g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    if isinstance(value, Mapping):
        return " ".join(f"{shown(key)}={shown(each)}" for key, each in value.items())
    text = str(value)
    return text if text.isprintable() else ascii(text)


class Column(NamedTuple):
    """What stands in one column.

    @ivar title: the first line of it.
    @ivar key: which of a row's values it shows; nothing stands there for rows without it.
    @ivar show: what it makes of a value other than C{None}.
    @ivar isNumber: whether values end below each other, rather than begin.
    """

    title: str
    key: str
    show: Callable[[Any], str] = shown
    isNumber: bool = False

    def cell(self, row: Row) -> str:
        """What stands there for a row."""
        value = row.get(self.key)
        return "" if value is None else self.show(value)


class Table:
    """Lines of cells. It may be written a page at a time: columns never get narrower."""

    def __init__(self, columns: Sequence[Column], file: TextIO | None = None) -> None:
        """
        @param file: what to write to; C{None} is standard output.
        """
        self._columns = columns
        self._file = file
        self._widths = [len(column.title) for column in columns]
        self._isBegun = False

    def add(self, rows: Iterable[Row]) -> None:
        """Write lines; before the first of them, the titles."""
        for line in self.lines(rows):
            print(line, file=self._file or sys.stdout)

    def lines(self, rows: Iterable[Row]) -> list[str]:
        """
        @return: what L{add} writes.
        """
        lines = [[column.cell(row) for column in self._columns] for row in rows]
        if not self._isBegun:
            self._isBegun = True
            lines.insert(0, [column.title for column in self._columns])
        for cells in lines:
            self._widths = list(map(max, self._widths, map(len, cells)))
        return [self._line(cells) for cells in lines]

    def _line(self, cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if column.isNumber else cell.ljust(width)
            for cell, width, column in zip(cells, self._widths, self._columns, strict=True)
        )
        return "  ".join(padded).rstrip()


def present(columns: Sequence[Column], pages: Iterable[Iterable[Row]], asJSON: bool) -> None:
    """Write a list to standard output as its pages come: a table with the columns given, or a JSON
    array with each row as it is, on a line of its own.
    """
    if not asJSON:
        table = Table(columns)
        for page in pages:
            table.add(page)
        return
    isFirst = True
    for page in pages:
        for row in page:
            print("[" if isFirst else ",")
            sys.stdout.write(toJSON(row))
            isFirst = False
    print("[]" if isFirst else "\n]")


def toJSON(value: Any) -> str:
    """
    @return: a value as JSON, in one line that does nothing to a terminal.
    """
    return _printable(msgspec.json.encode(value))


def writeJSON(value: Any) -> None:
    """Write a value to standard output as JSON, indented."""
    print(_printable(msgspec.json.format(msgspec.json.encode(value), indent=1)))


def _printable(encoded: bytes) -> str:
    """
    @param encoded: JSON.
    @return: the same JSON, with everything escaped that does something to a terminal: there is more
        of that than the control characters of ASCII.
    """
    return _NOT_ASCII.sub(lambda found: _escaped(found[0]), encoded.decode())


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))

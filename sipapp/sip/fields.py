"""Header lines: found by name, read as text, edited one line at a time.

A line that nobody changes stays as it came, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sipapp.sip.errors import clip
from sipapp.sip.grammar import WHITESPACE, isToken, splitCommas
from sipapp.sip.headers import KNOWN, LISTS, canonical, displayName

__all__ = ["HeaderFields", "HeaderLines", "checkText", "headerLine", "linesOf", "valueOf"]

_FOLD = re.compile(r"\r\n[ \t]++")
_BREAKS = re.compile(r"[\r\n\0]")


def headerLine(name: str, value: str) -> str:
    """
    @param name: canonical key or the name as it shall be written.
    @return: the line to send, without its CRLF.
    @raise ValueError: if the name is no token, or the value could break out of its line or
        cannot be encoded.
    """
    if name not in KNOWN and not isToken(name):
        raise ValueError(f"{name!a} is not a header field name")
    return f"{displayName(name)}: {checkText(value)}"


def checkText(text: str) -> str:
    """
    @return: the text.
    @raise ValueError: if it could break out of its line, or cannot be encoded.
    """
    if text.isascii() and text.isprintable():
        return text
    if _BREAKS.search(text) is not None:
        raise ValueError(f"CR, LF or NUL in {clip(text)}")
    text.encode("utf-8", "surrogateescape")
    return text


class HeaderLines:
    """
    Header fields that many messages get: checked and written once.

    @ivar lines: the lines to send, without their CRLF.
    @ivar names: the canonical key of each line.
    """

    __slots__ = ("lines", "names")

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        """
        @param headers: names and values.
        @raise ValueError: as L{headerLine}.
        """
        self.lines: list[str] = []
        self.names: list[str] = []
        for name, value in headers:
            self.lines.append(headerLine(name, value))
            self.names.append(canonical(name))


def linesOf(headers: Iterable[tuple[str, str]], body: bytes) -> tuple[list[str], list[str]]:
    """
    @param headers: names and values of the header fields of a new message.
    @return: lines and names, with the Content-Length.
    @raise ValueError: as L{headerLine}.
    """
    new = HeaderLines(headers)
    lines, names = new.lines, new.names
    if "content-length" not in names:
        lines.append(f"Content-Length: {len(body)}")
        names.append("content-length")
    return lines, names


def valueOf(line: str) -> str:
    """
    @param line: a header line.
    @return: its value, unfolded and stripped.
    """
    value = line[line.find(":") + 1 :].strip(WHITESPACE)
    return _FOLD.sub(" ", value).strip(WHITESPACE) if "\n" in value else value


class HeaderFields:
    """
    The header fields of a message.

    Names may be given in any case or compact form; canonical keys (long names in lower case) are
    looked up fastest.

    @ivar lines: the header lines as received without the final CRLF; folded ones hold CRLF inside.
    @ivar names: the canonical key of each line.
    """

    __slots__ = ("_typed", "lines", "names")

    lines: list[str]
    names: list[str]
    # What is known of the typed values, by canonical key: a value or the error to raise.
    _typed: dict[str, Any]

    def has(self, name: str) -> bool:
        """Whether there is such a header field."""
        return name in self.names or canonical(name) in self.names

    def get(self, name: str) -> str | None:
        """The value of the first line of this name, unfolded and stripped; it may be a list."""
        names = self.names
        if name not in names:
            name = canonical(name)
            if name not in names:
                return None
        return valueOf(self.lines[names.index(name)])

    def getAll(self, name: str) -> list[str]:
        """The values of all lines of this name; those of a list split at their commas."""
        names, lines = self.names, self.lines
        key = name if name in names else canonical(name)
        if names.count(key) == 1:
            value = valueOf(lines[names.index(key)])
            return splitCommas(value) if "," in value and key in LISTS else [value]
        values = [valueOf(line) for line, each in zip(lines, names, strict=True) if each == key]
        if key in LISTS:
            return [part for value in values for part in splitCommas(value)]
        return values

    def append(self, name: str, value: str) -> None:
        """Add a header line below all others.

        @raise ValueError: as L{headerLine}; so do all methods that take a value.
        """
        self._insert(canonical(name), len(self.lines), headerLine(name, value))

    def prepend(self, name: str, value: str) -> None:
        """Add a header line above those of the same name; if there are none, a Via becomes the
        first line and any other follows the Vias at the top."""
        line = headerLine(name, value)
        names = self.names
        key = canonical(name)
        if key in names:
            index = names.index(key)
        else:
            index = 0
            if key != "via":
                while index < len(names) and names[index] == "via":
                    index += 1
        self._insert(key, index, line)

    def _insert(self, key: str, at: int, line: str) -> None:
        self.lines.insert(at, line)
        self.names.insert(at, key)
        self._forget(key)

    def _forget(self, key: str) -> None:
        self._typed.pop(key, None)
        if key == "via":
            self._typed.pop("top-via", None)

    def set(self, name: str, value: str) -> None:
        """Make this the only line of its name, in the place of the first one there is."""
        line = headerLine(name, value)
        names = self.names
        key = canonical(name)
        if key not in names:
            self._insert(key, len(names), line)
            return
        self.lines[names.index(key)] = line
        if names.count(key) > 1:
            self._drop(key, names.index(key) + 1)
        self._forget(key)

    def remove(self, name: str) -> None:
        """Remove all lines of this name, if there are any."""
        key = canonical(name)
        if key in self.names:
            self._drop(key, 0)
            self._forget(key)

    def _drop(self, key: str, start: int) -> None:
        kept = [index for index, name in enumerate(self.names) if index < start or name != key]
        self.lines[:] = [self.lines[index] for index in kept]
        self.names[:] = [self.names[index] for index in kept]

    def popFirst(self, name: str) -> str:
        """Remove the first value of a list, such as the topmost Via.

        @return: the value.
        @raise KeyError: if there is no such header field.
        """
        names = self.names
        if name in names:
            index = names.index(name)
            line = self.lines[index]
            if "," not in line:
                del self.lines[index], names[index]
                self._forget(name)
                return valueOf(line)
        key, index, values = self._first(name)
        if len(values) > 1:
            self.lines[index] = f"{displayName(key)}: {', '.join(values[1:])}"
        else:
            del self.lines[index], self.names[index]
        self._forget(key)
        return values[0]

    def replaceFirst(self, name: str, value: str) -> None:
        """Change the first value of a list, such as the topmost Via.

        @raise KeyError: if there is no such header field.
        """
        key, index, values = self._first(name)
        values[0] = value
        # The other values are as received, so that only the new one needs to be looked at.
        line = headerLine(name, value)
        self.lines[index] = ", ".join([line, *values[1:]])
        self._forget(key)

    def _first(self, name: str) -> tuple[str, int, list[str]]:
        """Find the first line of a name: its key, index and values."""
        key = canonical(name)
        if key not in self.names:
            raise KeyError(name)
        index = self.names.index(key)
        value = valueOf(self.lines[index])
        return key, index, splitCommas(value) if key in LISTS else [value]

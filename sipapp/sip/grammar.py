"""The pieces of RFC 3261 §25.1 that many header fields are made of.

Every pattern here is linear in time on any input: characters are repeated possessively, groups can
be taken apart in one way only, and nothing searches for the end of a quoted string from more than
one place. (Groups are not repeated possessively: before CPython 3.11.5, and so on Debian 12, one
that fails half-way keeps what it has consumed.) Character classes are spelled out, because
C{\\d}, C{\\s}, C{str.isdigit}, C{str.strip} and C{int} take far more for digits and spaces than
SIP does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = [
    "HOST",
    "PLAIN_PARAMS",
    "PLAIN_VALUE",
    "QUOTED",
    "TOKEN",
    "WHITESPACE",
    "escape",
    "formatParams",
    "isToken",
    "parseByte",
    "parseNumber",
    "parseParams",
    "plainParams",
    "quote",
    "splitCommas",
    "unescape",
    "unquote",
]

WHITESPACE = " \t"

_CHARACTERS = r"A-Za-z0-9\-.!%*_+`'~"
TOKEN = rf"[{_CHARACTERS}]++"
"""Pattern of a token."""

QUOTED = r'"[^"\\\x00-\x08\x0a-\x1f\x7f]*+(?:\\[^\r\n][^"\\\x00-\x08\x0a-\x1f\x7f]*+)*"'
"""Pattern of a quoted-string, including its quotes."""

_LABEL = r"[A-Za-z0-9_]++(?:-++[A-Za-z0-9_]++)*"
HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*\.?+|\[[0-9A-Fa-f:.]++\])"
"""Pattern of a host: name, IPv4 address or IPv6 reference. It does not look at the numbers of an
address: L{sipapp.sip.host.checkHost} does. The underscore is an addition to the RFC's grammar:
names with one are in use, and refusing them helps nobody."""

PLAIN_VALUE = rf"[{_CHARACTERS}\[\]:]++"
"""Pattern of a parameter's value that needs no quotes."""

PLAIN_PARAMS = rf"(?:;{TOKEN}(?:={PLAIN_VALUE})?)*"
"""Pattern of parameters without white space and quotes."""

_PARAM = re.compile(
    rf"[ \t]*+;[ \t]*+({TOKEN})"
    rf"(?:[ \t]*+=[ \t]*+({PLAIN_VALUE}|{QUOTED}))?"
)
_PLAIN_PARAMS = re.compile(PLAIN_PARAMS + r"\Z")
_PLAIN_VALUE = re.compile(PLAIN_VALUE + r"\Z")
_TOKEN = re.compile(rf"{TOKEN}\Z")
_QUOTED = re.compile(QUOTED)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_UNSAFE_IN_QUOTES = re.compile(r'["\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f]')
_SEPARATOR = re.compile(r'[,"<]')
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")


def isToken(text: str) -> bool:
    """Tell whether a text is a token (RFC 3261 §25.1)."""
    return _TOKEN.match(text) is not None


def quote(text: str) -> str:
    """
    @param text: any text without CR and LF, for which there is no escape (RFC 3261 §25.1).
    @return: the quoted-string that stands for it.
    @raise ValueError: for CR and LF.
    """
    if "\r" in text or "\n" in text:
        raise ValueError("CR and LF cannot be in a quoted string")
    return '"' + _UNSAFE_IN_QUOTES.sub(r"\\\g<0>", text) + '"'


def unquote(text: str) -> str:
    """
    @param text: a quoted-string with its quotes.
    @return: the text that it stands for.
    """
    text = text[1:-1]
    return _QUOTED_PAIR.sub(r"\1", text) if "\\" in text else text


def splitCommas(value: str) -> list[str]:
    """Split a header field's value at the commas that separate its elements (RFC 3261 §7.3.1).

    Commas in quoted strings and between C{<} and C{>} are part of an element. Where one of those
    is not closed the rest is one element, for the element's own parser to complain about.

    @return: the elements without the white space around them; some may be empty.
    """
    if "," not in value:
        return [value.strip(WHITESPACE)]
    if '"' not in value and "<" not in value:
        return [part.strip(WHITESPACE) for part in value.split(",")]
    parts = []
    start = position = 0
    while found := _SEPARATOR.search(value, position):
        position = found.end()
        separator = found.group()
        if separator == ",":
            parts.append(value[start : position - 1].strip(WHITESPACE))
            start = position
        elif separator == "<":
            end = value.find(">", position)
            if end < 0:
                break
            position = end + 1
        else:
            quoted = _QUOTED.match(value, position - 1)
            if quoted is None:
                break
            position = quoted.end()
    parts.append(value[start:].strip(WHITESPACE))
    return parts


def parseParams(text: str) -> dict[str, str | None]:
    """Parse the C{;name=value} parameters of a header field (RFC 3261 §7.3.1).

    @param text: nothing, or the parameters from the first semicolon to the end.
    @return: values by lower-case name; C{None} for a parameter without value; a quoted value
        without its quotes.
    @raise ValueError: for anything else, and for a name that appears twice.
    """
    if _PLAIN_PARAMS.match(text):
        return plainParams(text, {})
    params: dict[str, str | None] = {}
    text = text.rstrip(WHITESPACE)
    position, end = 0, len(text)
    while position < end:
        found = _PARAM.match(text, position)
        if found is None:
            raise ValueError("malformed parameter")
        position = found.end()
        name = found[1].lower()
        if name in params:
            raise ValueError("a parameter appears twice")
        optional: str | None = found[2]
        if optional is not None and optional[0] == '"':
            optional = unquote(optional)
        params[name] = optional
    return params


def plainParams(text: str, params: dict[str, str | None]) -> dict[str, str | None]:
    """
    @param text: parameters that match L{PLAIN_PARAMS}.
    @param params: those that stand before them; they are added to it.
    @return: values by lower-case name; C{None} for a parameter without value.
    @raise ValueError: for a name that appears twice.
    """
    parts = text.split(";")
    parts.pop(0)
    expected = len(params) + len(parts)
    for part in parts:
        name, equals, value = part.partition("=")
        params[name.lower()] = value if equals else None
    if len(params) != expected:
        raise ValueError("a parameter appears twice")
    return params


def formatParams(params: Mapping[str, str | None]) -> str:
    """Write parameters; the inverse of L{parseParams}. What is no token or host is quoted."""
    return "".join(
        [
            f";{name}"
            if value is None
            else f";{name}={value if _PLAIN_VALUE.match(value) else quote(value)}"
            for name, value in params.items()
        ]
    )


def parseNumber(text: str, maximum: int) -> int:
    """Parse 1*DIGIT. Leading zeros mean nothing.

    @param maximum: what larger values are taken for: C{maximum + 1} says I{too large} without
        the time that converting thousands of digits would take.
    @raise ValueError: if there is anything but ASCII digits.
    """
    # Only in ASCII are digits what C{isdigit} says they are.
    if not (text.isascii() and text.isdigit()):
        raise ValueError("not a number")
    if len(text) > 10:
        text = text.lstrip("0") or "0"
        if len(text) > 20:
            return maximum + 1
    return min(int(text), maximum + 1)


def parseByte(text: str | None) -> int | None:
    """
    @return: the number from 0 to 255 that the text is, C{None} if it is nothing like it.
    """
    if text is None:
        return None
    try:
        number = parseNumber(text, 255)
    except ValueError:
        return None
    return number if number <= 255 else None


def unescape(text: str) -> str:
    """
    @param text: text of a URI.
    @return: the text with each C{%hh} replaced by the byte that it stands for, read as UTF-8;
        bytes that are not UTF-8 become lone surrogates as everywhere in sipapp.
    """
    if "%" not in text:
        return text
    data = text.encode("utf-8", "surrogateescape")
    return _ESCAPED.sub(_byte, data).decode("utf-8", "surrogateescape")


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))


def escape(text: str, safe: frozenset[int]) -> str:
    """
    @param text: any text.
    @param safe: the byte values that may stay as they are.
    @return: the text with every other byte of its UTF-8 form as C{%HH}.
    """
    data = text.encode("utf-8", "surrogateescape")
    return "".join([chr(byte) if byte in safe else f"%{byte:02X}" for byte in data])

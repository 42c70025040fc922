"""Name-addr and addr-spec with parameters: From, To, Contact, Route and their like
(RFC 3261 §20.10, §20.20, §20.30, §20.34, §20.39)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sipapp.sip.errors import MalformedHeader, clip
from sipapp.sip.grammar import (
    PLAIN_PARAMS,
    QUOTED,
    TOKEN,
    WHITESPACE,
    formatParams,
    isToken,
    parseNumber,
    parseParams,
    plainParams,
    quote,
    splitCommas,
    unquote,
)
from sipapp.sip.uri import URI, parseURI

__all__ = ["NameAddr", "parseNameAddr", "parseNameAddrList"]

# Outside quotes a display name is made of tokens. Characters beyond ASCII are let through as
# well: phones write names so, and nothing can be mistaken for something else by it.
_WORDS = r"(?:[A-Za-z0-9\-.!%*_+`'~\x80-\U0010ffff]++[ \t]*+)*"
_DISPLAY = rf"[ \t]*+(?:({QUOTED})[ \t]*+|({_WORDS}))"

_nameAddr = re.compile(rf"{_DISPLAY}<([^<>]*+)>({PLAIN_PARAMS})").match
# From and To of most messages.
_tagged = re.compile(rf"<([^<>]*+)>(?:;tag=({TOKEN}))?\Z").match
_addrSpec = re.compile(r"[ \t]*+([^\x00-\x20<>\",;?]++)[ \t]*+").match

_q = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z").match

_new = object.__new__
_MAXIMUM_EXPIRES = 2**32 - 1


class NameAddr:
    """
    An address with an optional display name and header parameters. Immutable by convention.

    @ivar displayName: the name without quotes and escapes, or C{None}.
    @ivar uri: the address.
    @ivar params: the parameters by lower-case name, values without quotes.
    """

    __slots__ = ("_text", "displayName", "params", "uri")

    def __init__(
        self,
        displayName: str | None,
        uri: URI,
        params: Mapping[str, str | None] | None = None,
        text: str | None = None,
    ) -> None:
        """
        @param text: the value as it was received, if it was.
        """
        self.displayName = displayName
        self.uri = uri
        self.params: Mapping[str, str | None] = {} if params is None else params
        self._text = text

    @property
    def tag(self) -> str | None:
        """The tag parameter (RFC 3261 §19.3)."""
        return self.params.get("tag")

    @property
    def q(self) -> float:
        """The preference, from 0 to 1 (RFC 3261 §20.10); 1 if there is none.

        @raise MalformedHeader: for a value that is no qvalue.
        """
        if "q" not in self.params:
            return 1.0
        value = self.params["q"]
        if value is None or _q(value) is None:
            raise MalformedHeader("malformed q", "Contact")
        return float(value)

    @property
    def expires(self) -> int | None:
        """The expires parameter in seconds, C{None} if there is none.

        A malformed one counts as 3600 and one beyond 2**32-1 as that (RFC 3261 §20.10).
        """
        if "expires" not in self.params:
            return None
        try:
            value = parseNumber(self.params["expires"] or "", _MAXIMUM_EXPIRES)
        except ValueError:
            return 3600
        return min(value, _MAXIMUM_EXPIRES)

    def withParams(
        self, params: Mapping[str, str | None] | None = None, **more: str | None
    ) -> NameAddr:
        """
        @param params: parameters to add or change, by lower-case name.
        @param more: the same, for names that are identifiers.
        @return: an address that has them.
        """
        return NameAddr(self.displayName, self.uri, {**self.params, **(params or {}), **more})

    def __str__(self) -> str:
        text = self._text
        if text is None:
            name = ""
            if self.displayName is not None:
                words = self.displayName.split(" ")
                plain = all(isToken(word) for word in words)
                name = f"{self.displayName if plain else quote(self.displayName)} "
            # Always in brackets: only then do parameters belong to whom they seem to.
            text = self._text = f"{name}<{self.uri}>{formatParams(self.params)}"
        return text

    def __repr__(self) -> str:
        return f"<NameAddr {str(self)!r}>"

    def __eq__(self, other: object) -> bool:
        """Whether both are written alike."""
        return isinstance(other, NameAddr) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def parseNameAddr(text: str) -> NameAddr:
    """
    @param text: one unfolded value.
    @raise MalformedHeader: if it is not C{name-addr} or C{addr-spec} with parameters.
    @raise MalformedURI: if its URI is not one.
    """
    found = _tagged(text)
    if found is not None:
        address, tag = found.groups()
        return NameAddr(None, parseURI(address), {} if tag is None else {"tag": tag}, text)
    found = _nameAddr(text)
    if found is not None:
        quoted, words, address, rest = found.groups()
        start = found.end(3) + 1
        isPlain = found.end() == len(text)
    else:
        # Without brackets a URI has no comma, question mark or semicolon (§20.10): a
        # semicolon starts the parameters of the header field.
        found = _addrSpec(text)
        if found is None:
            raise MalformedHeader(f"{clip(text)} is not an address")
        quoted = words = None
        address = found[1]
        start = found.end()
        isPlain = False
    uri = parseURI(address)
    name: str | None = None
    if quoted is not None:
        name = unquote(quoted)
    elif words:
        name = words.rstrip(WHITESPACE)
    # This way rather than by a call, which would take longer.
    result = _new(NameAddr)
    result.displayName = name
    result.uri = uri
    result._text = text
    try:
        result.params = plainParams(rest, {}) if isPlain else parseParams(text[start:])
    except ValueError as error:
        raise MalformedHeader(f"{error} in {clip(text)}") from None
    return result


def parseNameAddrList(text: str) -> list[NameAddr]:
    """
    @param text: one unfolded value of a header field whose elements are separated by commas.
    @raise MalformedHeader: if an element is not an address.
    """
    return [parseNameAddr(part) for part in splitCommas(text)]

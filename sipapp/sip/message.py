"""Messages: an index of header lines, values that are parsed at first use, and editing by line.

A header field that nobody asks for is never parsed, and one that nobody changes leaves as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from sipapp.sip.address import NameAddr, parseNameAddr
from sipapp.sip.errors import MalformedHeader, SIPError
from sipapp.sip.grammar import WHITESPACE, isToken, splitCommas
from sipapp.sip.headers import (
    LISTS,
    CSeq,
    canonical,
    displayName,
    parseCallID,
    parseContentLength,
    parseContentType,
    parseCSeq,
    parseMaxForwards,
    parseSeconds,
    parseTokens,
)
from sipapp.sip.via import Via, parseVia

__all__ = ["Message", "headerLine"]

_FOLD = re.compile(r"\r\n[ \t]++")
_BREAKS = re.compile(r"[\r\n\0]")
_MANDATORY = frozenset(("from", "to", "call-id", "cseq"))


def headerLine(name: str, value: str) -> str:
    """
    @param name: canonical key or the name as it shall be written.
    @return: the line to send, without its CRLF.
    @raise ValueError: if the name is no token, or the value could break out of its line or
        cannot be encoded.
    """
    if not isToken(name):
        raise ValueError(f"{name!a} is not a header field name")
    if not value.isascii():
        value.encode("utf-8", "surrogateescape")
    if _BREAKS.search(value) is not None:
        raise ValueError(f"CR, LF or NUL in the value of {name}")
    return f"{displayName(name)}: {value}"


def _valueOf(line: str) -> str:
    value = line[line.find(":") + 1 :].strip(WHITESPACE)
    return _FOLD.sub(" ", value).strip(WHITESPACE) if "\r\n" in value else value


class Message:
    """
    What requests and responses share.

    Names of header fields may be given in any case or compact form; canonical keys (long names in
    lower case) are looked up fastest. A typed value whose header field is malformed, repeated
    where it must not be, or missing where it has to be, raises the same L{SIPError} each time.

    @ivar version: C{'SIP/2.0'}.
    @ivar lines: the header lines as received without the final CRLF; folded ones hold CRLF inside.
    @ivar names: the canonical key of each line.
    @ivar defect: the first thing found wrong with the message as a whole, C{None} if it is sound.
        A message with a defect is indexed nevertheless, so that it can be answered.
    @ivar flow: where a received message came from, C{None} for one that was made here.
    """

    __slots__ = ("_body", "_typed", "defect", "flow", "lines", "names", "version")

    def __init__(self, version: str, lines: list[str], names: list[str], body: bytes) -> None:
        self.version = version
        self.lines = lines
        self.names = names
        self._body = body
        self._typed: dict[str, Any] = {}
        self.defect: SIPError | None = None
        self.flow: Any = None

    @property
    def startLine(self) -> str:
        """The first line, without its CRLF."""
        raise NotImplementedError

    @property
    def body(self) -> bytes:
        """The message body. Assigning one corrects or adds the Content-Length."""
        return self._body

    @body.setter
    def body(self, body: bytes) -> None:
        self._body = body
        self.set("content-length", str(len(body)))

    def attach(self, body: bytes) -> None:
        """Give the message the body that it was received with."""
        self._body = body

    def toBytes(self) -> bytes:
        """
        @return: the message to send.
        """
        head = "\r\n".join((self.startLine, *self.lines, "", ""))
        return head.encode("utf-8", "surrogateescape") + self._body

    # Header fields as text

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
        return _valueOf(self.lines[names.index(name)])

    def getAll(self, name: str) -> list[str]:
        """The values of all lines of this name; those of a list split at their commas."""
        key = name if name in self.names else canonical(name)
        values = [
            _valueOf(line) for line, each in zip(self.lines, self.names, strict=True) if each == key
        ]
        if key in LISTS:
            return [part for value in values for part in splitCommas(value)]
        return values

    # Header fields as typed values

    @property
    def via(self) -> Via:
        """The topmost Via."""
        value: Via = self._typedValue("via", self._firstVia)
        return value

    @property
    def vias(self) -> tuple[Via, ...]:
        """All Vias, topmost first."""
        value: tuple[Via, ...] = self._typedValue("vias", self._allVias)
        return value

    @property
    def fromHeader(self) -> NameAddr:
        """The From."""
        value: NameAddr = self._typedValue("from", self._single, parseNameAddr)
        return value

    @property
    def to(self) -> NameAddr:
        """The To."""
        value: NameAddr = self._typedValue("to", self._single, parseNameAddr)
        return value

    @property
    def callID(self) -> str:
        """The Call-ID."""
        value: str = self._typedValue("call-id", self._single, parseCallID)
        return value

    @property
    def cseq(self) -> CSeq:
        """The CSeq."""
        value: CSeq = self._typedValue("cseq", self._single, parseCSeq)
        return value

    @property
    def contacts(self) -> tuple[NameAddr, ...]:
        """The Contacts; none of them if the header field is C{*} (RFC 3261 §10.2.2)."""
        value: tuple[NameAddr, ...] = self._typedValue("contact", self._contacts)
        return value

    @property
    def isWildcardContact(self) -> bool:
        """Whether the Contact is C{*}."""
        return not self.contacts and self.has("contact")

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        """The Routes, the next one first."""
        return self._addresses("route")

    @property
    def recordRoutes(self) -> tuple[NameAddr, ...]:
        """The Record-Routes, the last added first."""
        return self._addresses("record-route")

    @property
    def path(self) -> tuple[NameAddr, ...]:
        """The Path (RFC 3327)."""
        return self._addresses("path")

    @property
    def serviceRoute(self) -> tuple[NameAddr, ...]:
        """The Service-Route (RFC 3608)."""
        return self._addresses("service-route")

    @property
    def maxForwards(self) -> int | None:
        """The Max-Forwards."""
        value: int | None = self._typedValue("max-forwards", self._single, parseMaxForwards)
        return value

    @property
    def expires(self) -> int | None:
        """The Expires in seconds, at most 2**32-1."""
        value: int | None = self._typedValue("expires", self._single, parseSeconds)
        return value

    @property
    def minExpires(self) -> int | None:
        """The Min-Expires in seconds, at most 2**32-1."""
        value: int | None = self._typedValue("min-expires", self._single, parseSeconds)
        return value

    @property
    def contentLength(self) -> int | None:
        """The Content-Length."""
        value: int | None = self._typedValue("content-length", self._single, parseContentLength)
        return value

    @property
    def contentType(self) -> str | None:
        """The media type in lower case, without its parameters."""
        value: str | None = self._typedValue("content-type", self._single, parseContentType)
        return value

    @property
    def require(self) -> tuple[str, ...]:
        """The option tags of Require."""
        return self._tokens("require")

    @property
    def proxyRequire(self) -> tuple[str, ...]:
        """The option tags of Proxy-Require."""
        return self._tokens("proxy-require")

    @property
    def supported(self) -> tuple[str, ...]:
        """The option tags of Supported."""
        return self._tokens("supported")

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The option tags of Unsupported."""
        return self._tokens("unsupported")

    @property
    def allow(self) -> tuple[str, ...]:
        """The methods of Allow."""
        return self._tokens("allow")

    def _typedValue(self, key: str, load: Callable[..., Any], *rest: Any) -> Any:
        """Return or raise what is known under a key, which C{load(key, *rest)} finds out once."""
        typed = self._typed
        if key in typed:
            value = typed[key]
        else:
            try:
                value = load(key, *rest)
            except SIPError as error:
                header = "via" if key == "vias" else key
                value = MalformedHeader(error.detail, displayName(header))
            typed[key] = value
        if value.__class__ is MalformedHeader:
            # Without this the traceback of the kept error would grow at each access.
            raise value.with_traceback(None)
        return value

    def _single(self, key: str, parse: Callable[[str], Any]) -> Any:
        names = self.names
        count = names.count(key)
        if count == 1:
            return parse(_valueOf(self.lines[names.index(key)]))
        if count:
            return _amiss("Repeated", key)
        return _amiss("Missing", key) if key in _MANDATORY else None

    def _firstVia(self, key: str) -> Any:
        value = self.get(key)
        if value is None:
            return _amiss("Missing", key)
        return parseVia(splitCommas(value)[0])

    def _allVias(self, key: str) -> Any:
        if "via" not in self.names:
            return _amiss("Missing", "via")
        return tuple([parseVia(value) for value in self.getAll("via")])

    def _contacts(self, key: str) -> Any:
        values = self.getAll(key)
        if "*" in values:
            if len(values) > 1:
                return _amiss("Repeated", key)
            return ()
        return tuple([parseNameAddr(value) for value in values])

    def _addresses(self, key: str) -> tuple[NameAddr, ...]:
        value: tuple[NameAddr, ...] = self._typedValue(key, self._listed, parseNameAddr)
        return value

    def _listed(self, key: str, parse: Callable[[str], Any]) -> Any:
        if key not in self.names:
            return ()
        return tuple([parse(value) for value in self.getAll(key)])

    def _tokens(self, key: str) -> tuple[str, ...]:
        value: tuple[str, ...] = self._typedValue(key, self._tokenList)
        return value

    def _tokenList(self, key: str) -> Any:
        if key not in self.names:
            return ()
        return tuple(parseTokens(",".join(self.getAll(key))))

    # Editing

    def append(self, name: str, value: str) -> None:
        """Add a header line below all others.

        @raise ValueError: as L{headerLine}; so do all methods that take a value.
        """
        self.lines.append(headerLine(name, value))
        self._touch(name, len(self.lines))

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
        self.lines.insert(index, line)
        self._touch(key, index)

    def _touch(self, name: str, at: int) -> None:
        """Note the name of a line that was inserted, and forget what was known by it."""
        key = canonical(name)
        self.names.insert(at, key)
        self._forget(key)

    def _forget(self, key: str) -> None:
        self._typed.pop(key, None)
        if key == "via":
            self._typed.pop("vias", None)

    def set(self, name: str, value: str) -> None:
        """Make this the only line of its name, in the place of the first one there is."""
        line = headerLine(name, value)
        names = self.names
        key = canonical(name)
        if key not in names:
            self.lines.append(line)
            self._touch(key, len(names))
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
        value = _valueOf(self.lines[index])
        return key, index, splitCommas(value) if key in LISTS else [value]

    def _copyInto(self, other: Message) -> None:
        other._typed = self._typed.copy()
        other.defect = self.defect
        other.flow = self.flow


def _amiss(what: str, key: str) -> MalformedHeader:
    header = displayName(key)
    return MalformedHeader(what.lower(), header, f"{what} {header} Header Field")


def linesOf(headers: Iterable[tuple[str, str]], body: bytes) -> tuple[list[str], list[str]]:
    """
    @param headers: names and values of the header fields of a new message.
    @return: lines and names, with the Content-Length.
    @raise ValueError: as L{headerLine}.
    """
    lines = []
    names = []
    for name, value in headers:
        lines.append(headerLine(name, value))
        names.append(canonical(name))
    if "content-length" not in names:
        lines.append(f"Content-Length: {len(body)}")
        names.append("content-length")
    return lines, names

"""Requests (RFC 3261 §7.1) and the responses that are made from them (§8.2.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from sipapp.sip.errors import SIPError
from sipapp.sip.fields import HeaderLines, checkText, linesOf
from sipapp.sip.grammar import isToken
from sipapp.sip.message import Message
from sipapp.sip.response import Response
from sipapp.sip.status import reasonPhrase
from sipapp.sip.uri import URI, parseURI

if TYPE_CHECKING:
    from sipapp.sip.digest import Identity

__all__ = ["Request"]

_VISIBLE = re.compile(r"[^\x00-\x20\x7f]++\Z")
_STRAYS = re.compile(r"\r(?!\n)|(?<!\r)\n|\0")
_COPIED = frozenset(("via", "from", "to", "call-id", "cseq"))
_COPIED_BY_100 = _COPIED | {"timestamp"}

_LAYOUTS = 256
_MOST_LINES = 40


class Request(Message):
    """
    A request.

    @ivar method: the method, which is case-sensitive.
    @ivar authenticated: who has proven to have sent it; C{None} if nobody was asked. Resources set
        and read it, and nothing in a message does.
    """

    __slots__ = ("_oddStartLine", "_requestURI", "authenticated", "method")

    authenticated: Identity | None

    def __init__(
        self,
        method: str,
        requestURI: str,
        version: str,
        lines: list[str],
        names: list[str],
        body: bytes,
        oddStartLine: str | None = None,
    ) -> None:
        """
        @param oddStartLine: the start line as received, where it is not what its three parts
            make with a space between them.
        """
        # Set here rather than in the base class: this is done once for each message.
        self.version = version
        self.lines = lines
        self.names = names
        self._body = body
        self._typed = {}
        self.defect = None
        self.flow = None
        self.method = method
        self.authenticated = None
        self._requestURI = requestURI
        self._oddStartLine = oddStartLine

    @classmethod
    def build(
        cls,
        method: str,
        uri: str | URI,
        headers: Iterable[tuple[str, str]],
        body: bytes = b"",
    ) -> Request:
        """Make a new request. Content-Length is added.

        @raise ValueError: if something of it could break out of its line.
        """
        if not isToken(method):
            raise ValueError(f"{method!a} is not a method")
        lines, names = linesOf(headers, body)
        request = cls(method, "", "SIP/2.0", lines, names, body)
        request.requestURI = str(uri)
        return request

    @property
    def requestURI(self) -> str:
        """The Request-URI as received or assigned."""
        return self._requestURI

    @requestURI.setter
    def requestURI(self, text: str) -> None:
        if _VISIBLE.match(text) is None:
            raise ValueError(f"{text!a} is not a Request-URI")
        self._requestURI = checkText(text)
        self._oddStartLine = None
        self._typed.pop("request-uri", None)

    @property
    def uri(self) -> URI:
        """The Request-URI, parsed.

        @raise MalformedURI: the same each time.
        """
        value: URI | SIPError | None = self._typed.get("request-uri")
        if value is None:
            try:
                value = parseURI(self._requestURI)
            except SIPError as error:
                value = error.again()
            self._typed["request-uri"] = value
        if isinstance(value, SIPError):
            raise value.again()
        return value

    @property
    def startLine(self) -> str:
        """The request line, without its CRLF."""
        return self._oddStartLine or f"{self.method} {self._requestURI} {self.version}"

    def copy(self) -> Request:
        """
        @return: a request that can be edited without this one noticing.
        """
        other = Request(
            self.method,
            self._requestURI,
            self.version,
            self.lines[:],
            self.names[:],
            self._body,
            self._oddStartLine,
        )
        other.authenticated = self.authenticated
        self._copyInto(other)
        return other

    def respond(
        self,
        status: int,
        reason: str | None = None,
        toTag: str | None = None,
        headers: Iterable[tuple[str, str]] | HeaderLines = (),
        body: bytes = b"",
    ) -> Response:
        """Make a response to this request (RFC 3261 §8.2.6). The header lines that it shares
        with the request are copied as they came, so that malformed ones can be answered too.

        @param toTag: the tag to add to a To that has none.
        @param headers: further header fields; those that are always the same are best made
            L{HeaderLines}.
        """
        find = _copied if len(self.names) <= _MOST_LINES else _copied.__wrapped__
        places, copied, to = find(tuple(self.names), status == 100)
        own = self.lines
        lines = [own[place] for place in places]
        names = copied.copy()
        if to >= 0 and toTag is not None and not self._hasToTag(lines[to]):
            lines[to] = f"{lines[to]};tag={toTag}"
        if self.defect is not None:
            # Nothing of a broken message may break the response as well.
            lines = [_STRAYS.sub(" ", line) for line in lines]
        if headers:
            more = headers if isinstance(headers, HeaderLines) else HeaderLines(headers)
            lines += more.lines
            names += more.names
        lines.append(f"Content-Length: {len(body)}")
        names.append("content-length")
        reason = reasonPhrase(status) if reason is None else checkText(reason)
        return Response(status, reason, "SIP/2.0", lines, names, body)

    def refuse(self, error: SIPError, toTag: str | None = None) -> Response:
        """Make the response that an error deserves."""
        return self.respond(error.status, error.reason, toTag)

    def _hasToTag(self, line: str) -> bool:
        """Tell whether a tag must not be added to a To line."""
        if ";" not in line or "tag" not in line.lower():
            return False
        try:
            return "tag" in self.to.params
        except SIPError:
            return True

    def __repr__(self) -> str:
        return f"<Request {self.method} {self._requestURI!a}>"


@lru_cache(_LAYOUTS)
def _copied(names: tuple[str, ...], by100: bool) -> tuple[list[int], list[str], int]:
    """Find the lines that a response has from its request. Peers have few layouts of their
    messages, so those that came last are remembered.

    @return: their indices and keys, not to be changed, and which of them is the To; -1 if none is.
    """
    wanted = _COPIED_BY_100 if by100 else _COPIED
    places: list[int] = []
    copied: list[str] = []
    for place, name in enumerate(names):
        if name in wanted and (name == "via" or name not in copied):
            places.append(place)
            copied.append(name)
    return places, copied, copied.index("to") if "to" in copied else -1

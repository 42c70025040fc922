"""Responses (RFC 3261 §7.2)."""

from __future__ import annotations

from collections.abc import Iterable

from sipapp.sip.fields import checkText, linesOf
from sipapp.sip.message import Message
from sipapp.sip.status import reasonPhrase

__all__ = ["Response"]


class Response(Message):
    """
    A response.

    @ivar status: the status code, from 100 to 699.
    @ivar reason: the reason phrase, which means nothing to a program.
    """

    __slots__ = ("_oddStartLine", "reason", "status")

    def __init__(
        self,
        status: int,
        reason: str,
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
        self.status = status
        self.reason = reason
        self._oddStartLine = oddStartLine

    @classmethod
    def build(
        cls,
        status: int,
        headers: Iterable[tuple[str, str]],
        body: bytes = b"",
        reason: str | None = None,
    ) -> Response:
        """Make a response from nothing; L{Request.respond} is what most want. Content-Length is
        added.

        @raise ValueError: if something of it could break out of its line.
        """
        reason = reasonPhrase(status) if reason is None else checkText(reason)
        lines, names = linesOf(headers, body)
        return cls(status, reason, "SIP/2.0", lines, names, body)

    @property
    def startLine(self) -> str:
        """The status line, without its CRLF."""
        return self._oddStartLine or f"{self.version} {self.status} {self.reason}"

    def copy(self) -> Response:
        """
        @return: a response that can be edited without this one noticing.
        """
        other = Response(
            self.status,
            self.reason,
            self.version,
            self.lines[:],
            self.names[:],
            self._body,
            self._oddStartLine,
        )
        self._copyInto(other)
        return other

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason!a}>"

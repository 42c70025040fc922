"""How large a message may be."""

from __future__ import annotations

from dataclasses import dataclass, field

from sipapp.sip.errors import SIPError
from sipapp.sip.message import Message
from sipapp.sip.request import Request

__all__ = ["MessageBounds"]

#: No line of a head is shorter than this, with its end.
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class MessageBounds:
    """The most that a message may have, in bytes unless it is a count.

    @ivar headSize: start line and header fields, without the empty line after them.
    @ivar bodySize: the body.
    @ivar headers: how many header lines there are, where a continued one counts once.
    @ivar headerSize: the start line, or one header field with its continuation lines.
    @ivar harmless: a message that is no longer than this, body and all, is within all bounds: so
        that nearly all need not be looked at.
    """

    headSize: int = 32_768
    bodySize: int = 65_536
    headers: int = 256
    headerSize: int = 8192
    harmless: int = field(init=False)

    def __post_init__(self) -> None:
        least = min(self.headSize, self.bodySize, self.headers * _SHORTEST, self.headerSize)
        object.__setattr__(self, "harmless", least)

    def excess(self, message: Message) -> SIPError | None:
        """Find what there is too much of in a message. The head counts as it was received, the body
        as much as Content-Length says.

        @return: the error to respond with (RFC 3261 §21.4.11, §21.4.12, §21.5.7), or C{None}.
        """
        if len(message.lines) > self.headers:
            return SIPError(513, f"more than {self.headers} header fields")
        lines = [len(line.encode("utf-8", "surrogateescape")) for line in message.lines]
        start = len(message.startLine.encode("utf-8", "surrogateescape"))
        if start + sum(lines) + 2 * len(lines) > self.headSize:
            return SIPError(513, "the head is too long")
        if start > self.headerSize:
            status = 414 if isinstance(message, Request) else 513
            return SIPError(status, "the start line is too long")
        if max(lines, default=0) > self.headerSize:
            return SIPError(513, "a header field is too long")
        if len(message.body) > self.bodySize:
            return SIPError(413, "the body is too long")
        return None

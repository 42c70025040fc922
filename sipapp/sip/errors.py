"""Errors that know the status they deserve, so that whoever catches one can answer with it."""

from __future__ import annotations

from typing import Self

from sipapp.sip.status import reasonPhrase

__all__ = [
    "AmbiguousLines",
    "MalformedHeader",
    "MalformedMessage",
    "MalformedURI",
    "SIPError",
    "clip",
]


class SIPError(Exception):
    """
    Something that a message did wrong.

    @ivar status: the status code of the response that it deserves.
    @ivar reason: the reason phrase for that response. It never holds text of the message.
    @ivar header: the display name of the header field that it is about, or C{None}.
    @ivar detail: what is wrong, for the log; quoted text of the message is escaped and clipped.
    """

    def __init__(
        self, status: int, detail: str = "", header: str | None = None, reason: str | None = None
    ) -> None:
        super().__init__(status, detail, header)
        self.status = status
        self.detail = detail
        self.header = header
        self.reason = reason or reasonPhrase(status)

    def again(self) -> Self:
        """
        @return: an error like this one. What is kept to be raised more than once must not be raised
            itself: with its traceback it would keep the frames that it has gone through, they
            whatever keeps it, and all of that would be there until the garbage collector comes.
        """
        other = type(self).__new__(type(self), *self.args)
        other.__dict__.update(self.__dict__)
        return other

    def __str__(self) -> str:
        where = f"{self.header}: " if self.header else ""
        return f"{self.status} {self.reason}: {where}{self.detail}"


class MalformedHeader(SIPError):
    """A header field whose value is not what its grammar wants, or that is missing or repeated."""

    def __init__(self, detail: str, header: str | None = None, reason: str | None = None) -> None:
        if reason is None and header is not None:
            # RFC 3261 §21.4.1: the phrase should identify the syntax problem in more detail.
            reason = f"Malformed {header} Header Field"
        super().__init__(400, detail, header, reason)


class MalformedMessage(SIPError):
    """Bytes that cannot be taken for a SIP message."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, detail)


class AmbiguousLines(SIPError):
    """Header lines that others may take apart otherwise: they would find other header fields,
    another length of the body, or the beginning of another message."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, detail)


class MalformedURI(SIPError):
    """A URI that breaks the grammar of RFC 3261 §25.1 or RFC 3966 §3."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, detail, None, "Malformed URI")


def clip(text: str) -> str:
    """
    @param text: text from the network, of any length and with any characters.
    @return: its beginning, quoted and escaped, fit for a log line.
    """
    return ascii(text if len(text) <= 60 else text[:57] + "...")

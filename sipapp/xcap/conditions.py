"""What a request asks of the document before anything is done (RFC 9110 §13, RFC 4825 §7.11).

All that is in a document has the entity tag of the document, so a tag is compared with that, also
by a request for an element that is not there yet: this is how a client inserts one into the
document that it knows. So does C{*}, any tag: C{If-None-Match: *} makes a new document, and never a
new element (RFC 4825 §8.2.6).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sipapp.xcap.errors import XCAPError

__all__ = ["Conditions", "NotModified", "PreconditionFailed"]

_Tags = frozenset[tuple[str | None, bool]]
"""Entity tags, each with whether it is a strong one."""

_ANY: Final[_Tags] = frozenset({(None, True)})
"""Stands for C{*}, which is any tag. No list has this in it."""

_TAG = re.compile(r'[ \t,]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?=,|\Z)')


class PreconditionFailed(XCAPError):
    """The document is another one than the client expects (RFC 9110 §15.5.13)."""

    status = 412


class NotModified(Exception):
    """The client has what it asks for (RFC 9110 §15.4.5).

    @ivar etag: that of the document.
    """

    def __init__(self, etag: str | None) -> None:
        super().__init__(etag)
        self.etag = etag


class Conditions:
    """The conditions of one request."""

    def __init__(self, match: Sequence[bytes], noneMatch: Sequence[bytes]) -> None:
        """
        @param match: the values of C{If-Match}. @param noneMatch: those of C{If-None-Match}.
        @raise XCAPError: 400, if one of them is no list of entity tags.
        """
        self._match = _parse(match)
        self._noneMatch = _parse(noneMatch)

    def check(self, etag: str | None, isRead: bool) -> None:
        """Compare with what there is, in the order of RFC 9110 §13.2.2.

        @param etag: that of the document; C{None} if there is none.
        @param isRead: whether the request only reads.
        @raise PreconditionFailed: if nothing may be done.
        @raise NotModified: if nothing need be sent.
        """
        tags, exists = self._match, etag is not None
        # Only strong tags say that nothing whatever has changed (§13.1.1, §8.8.3.2).
        if tags is not None and not (exists if tags is _ANY else (etag, True) in tags):
            raise PreconditionFailed("the document is not the one that If-Match names")
        tags = self._noneMatch
        if tags is None:
            return
        found = exists if tags is _ANY else any(tag == etag for tag, _ in tags)
        if found:
            if isRead:
                raise NotModified(etag)
            raise PreconditionFailed("the document is one that If-None-Match names")


def _parse(values: Sequence[bytes]) -> _Tags | None:
    """
    @return: the tags, L{_ANY}, or C{None} if there is no such header field.
    """
    if not values:
        return None
    text = b", ".join(values).decode("latin-1").strip(" \t")
    if text == "*":
        return _ANY
    tags: list[tuple[str | None, bool]] = []
    position, end = 0, len(text.rstrip(" \t,"))
    while position < end:
        match = _TAG.match(text, position)
        if match is None:
            raise XCAPError("If-Match or If-None-Match is no list of quoted entity tags")
        tags.append((match[2], match[1] is None))
        position = match.end()
    return frozenset(tags)

"""Where things are in the start tag of an element, byte by byte (XML 1.0 §3.1).

Nothing is checked here: a parser has read the tag before, and has found it well-formed.
"""

from __future__ import annotations

import re

import msgspec

__all__ = ["AttributeText", "StartTag", "tagEnd"]

_name = re.compile(rb"<([^ \t\r\n/>]+)").match
_attribute = re.compile(
    rb"[ \t\r\n]+([^ \t\r\n=/>]+)[ \t\r\n]*=[ \t\r\n]*(?:\"([^\"]*)\"|'([^']*)')"
).match
_tag = re.compile(rb"<[^\"'>]*(?:(?:\"[^\"]*\"|'[^']*')[^\"'>]*)*>").match


class AttributeText(msgspec.Struct, frozen=True):
    """
    An attribute as it is written.

    @ivar prefix: that of its name, empty for none. Namespace declarations are among them: C{xmlns}.
    @ivar local: the rest of its name.
    @ivar before: where the white space begins that parts it from what precedes it.
    @ivar start: where the value begins, behind the quote.
    @ivar end: where the quote is that ends it.
    """

    prefix: str
    local: str
    before: int
    start: int
    end: int


class StartTag(msgspec.Struct, frozen=True):
    """
    @ivar name: that of the element, with its prefix.
    @ivar attributes: in the order in which they are written.
    @ivar attributesEnd: where the last of them ends, or the name if there is none.
    """

    name: str
    attributes: tuple[AttributeText, ...]
    attributesEnd: int

    @classmethod
    def at(cls, body: bytes, start: int) -> StartTag:
        """
        @param start: where an element begins.
        """
        found = _name(body, start)
        assert found is not None
        name, position = found[1].decode(), found.end()
        attributes = []
        while found := _attribute(body, position):
            prefix, _, local = found[1].decode().rpartition(":")
            value = found.span(found.lastindex or 0)
            attributes.append(AttributeText(prefix, local, position, *value))
            position = found.end()
        return cls(name, tuple(attributes), position)


def tagEnd(body: bytes, start: int) -> int:
    """
    @param start: where an element begins.
    @return: where its start tag ends, behind the bracket.
    """
    found = _tag(body, start)
    assert found is not None
    return found.end()

"""What a URI selects: a document, and something in it (RFC 4825 §6).

A node selector looks like XPath and is not: it is a grammar of its own, so nothing in a URI is
ever evaluated. It is read as it stands, from left to right, in time linear in its length::

    resource-lists/list[2][@name="friends"]/entry[@uri="sip:bob@example.com"]/@uri
    step          / step                    / step                          / terminal

The path is split before it is decoded, so that an encoded slash separates nothing. It is refused
in the names of documents and users; in the value of an attribute it is a slash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

import msgspec

from sipapp.sip.errors import clip
from sipapp.sip.grammar import parseNumber
from sipapp.xcap.errors import BadSelector, NotFound, URITooLong
from sipapp.xcap.names import DocumentName
from sipapp.xcap.namespaces import parseBindings
from sipapp.xcap.nodeselector import (
    NAMESPACE,
    WILDCARD,
    AttributeSelector,
    Name,
    NodeSelector,
    Step,
)
from sipapp.xcap.references import UNESCAPED
from sipapp.xcap.xmlgrammar import ATTVALUE, NCNAME, attributeValue

__all__ = ["LONGEST", "Selector", "parseNodeSelector", "parseSelector"]

LONGEST = 8192
"""The most bytes that path and query may have together."""

_SLASH = "\0"
"""Stands for an encoded slash in what is decoded. Nothing else is decoded to it."""
_HIGHEST = 999_999_999
"""No document has as many elements, so that this position and all beyond it select nothing."""

_QNAME = rf"(?:({NCNAME}):)?({NCNAME})"
_step = re.compile(
    rf"(?:\*|{_QNAME})(?:\[([0-9]+)\])?(?:\[@{_QNAME}=({ATTVALUE})\])?(?=/|\Z)"
).match
_attribute = re.compile(rf"@{_QNAME}\Z").match
_badEscape = re.compile(b"%(?![0-9A-Fa-f]{2})").search


class Selector(msgspec.Struct, frozen=True):
    """
    What a URI selects.

    @ivar document: with its user as the URI names it, see L{DocumentName.canonical}.
    @ivar node: C{None} for the document itself.
    """

    document: DocumentName
    node: NodeSelector | None


def parseSelector(path: str | bytes, query: str | bytes = "") -> Selector:
    """Parse what follows the XCAP root in a URI.

    @param path: still percent-encoded; the slash at its beginning may be missing.
    @param query: what follows the question mark, percent-encoded as well.
    @raise BadSelector: if it breaks the grammar.
    @raise NotFound: if it names no document, but a part of the tree above one.
    @raise URITooLong: if it is longer than L{LONGEST}.
    """
    path, query = _bytes(path), _bytes(query)
    if len(path) + len(query) > LONGEST:
        raise URITooLong(f"selectors may have {LONGEST} bytes")
    segments = path.removeprefix(b"/").split(b"/")
    for place, segment in enumerate(segments):
        # The tilde is unreserved, so that a URI means the same with and without its escape.
        if unquote_to_bytes(segment) == b"~~":
            document = _documentName(segments[:place])
            return Selector(document, parseNodeSelector(b"/".join(segments[place + 1 :]), query))
    parseBindings(_decoded(query))
    return Selector(_documentName(segments), None)


def _documentName(segments: list[bytes]) -> DocumentName:
    """
    @param segments: the document selector (RFC 4825 §6.2), percent-encoded.
    """
    names = [_decoded(segment) for segment in segments]
    if any(_SLASH in name for name in names):
        raise BadSelector("there is an encoded slash in the name of a document")
    if not names or names[-1] == "":
        raise NotFound("this is no document, but where there may be some")
    tree = names[1] if len(names) > 1 else ""
    if tree == "users":
        xui, path = "".join(names[2:3]), names[3:]
    elif tree == "global":
        xui, path = "", names[2:]
    else:
        raise NotFound("documents are below users and global")
    if not path:
        raise NotFound("this is no document, but where there may be some")
    if tree == "users" and not xui:
        raise BadSelector("the name of the user is empty")
    try:
        return DocumentName(names[0], xui, "/".join(path))
    except ValueError as error:
        raise BadSelector(str(error)) from None


def parseNodeSelector(text: str | bytes, query: str | bytes = "") -> NodeSelector:
    """Parse what follows the separator C{~~} and its slash in a URI.

    @param text: still percent-encoded.
    @param query: what follows the question mark, percent-encoded as well.
    @raise BadSelector: if it breaks the grammar, or uses a prefix that the query does not bind.
    @raise NotFound: if there is a step in it that is none of XCAP's own: to the grammar this is an
        extension (C{extension-selector}), and here are none (RFC 4825 §8).
    """
    query = _bytes(query)
    decoded = _decoded(_bytes(text))
    namespaces = parseBindings(_decoded(query).replace(_SLASH, "/"))
    steps: list[Step] = []
    position = 0
    while found := _step(decoded, position):
        steps.append(_makeStep(found, namespaces))
        position = found.end() + 1
        if position > len(decoded):
            return NodeSelector(tuple(steps), None, namespaces, _written(query))
    rest = decoded[position:]
    attribute = _attribute(rest)
    if not steps or (attribute is None and rest != NAMESPACE.text):
        kind = NotFound if rest.partition("/")[0] else BadSelector
        raise kind(f"{clip(rest.replace(_SLASH, '%2F'))} is no step of a node selector")
    if attribute is None:
        return NodeSelector(tuple(steps), NAMESPACE, namespaces, _written(query))
    name = _attributeName(attribute[1], attribute[2], namespaces)
    terminal = AttributeSelector(name, _escaped(rest))
    return NodeSelector(tuple(steps), terminal, namespaces, _written(query))


def _makeStep(found: re.Match[str], namespaces: Mapping[str, str]) -> Step:
    """
    @param found: what C{_step} has matched.
    """
    prefix, name, digits, attributePrefix, attributeLocal, value = found.groups()
    attribute = None
    if value is not None:
        tested = _attributeName(attributePrefix, attributeLocal, namespaces)
        try:
            attribute = tested, attributeValue(value[1:-1].replace(_SLASH, "/"))
        except ValueError as error:
            raise BadSelector(f"{clip(value)}: {error}") from None
    return Step(
        None if prefix is None else _bound(prefix, namespaces),
        WILDCARD if name is None else name,
        None if digits is None else parseNumber(digits, _HIGHEST - 1),
        attribute,
        _escaped(found[0]),
    )


def _attributeName(prefix: str | None, local: str, namespaces: Mapping[str, str]) -> Name:
    return ("" if prefix is None else _bound(prefix, namespaces)), local


def _bound(prefix: str, namespaces: Mapping[str, str]) -> str:
    try:
        return namespaces[prefix]
    except KeyError:
        raise BadSelector(f"the prefix {clip(prefix)} is not bound in the query") from None


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _decoded(text: bytes) -> str:
    """
    @param text: a part of a URI. Bytes that should have been escaped are taken as they are.
    @return: what it stands for, C{_SLASH} where it has an encoded slash.
    """
    if b"%00" in text or b"\0" in text:
        raise BadSelector("there is a NUL in the URI")
    if _badEscape(text):
        raise BadSelector("a percent sign in the URI escapes nothing")
    text = text.replace(b"%2F", b"\0").replace(b"%2f", b"\0")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise BadSelector("the URI is not UTF-8") from None


def _escaped(text: str) -> str:
    """
    @param text: a step, or what follows the last one, decoded.
    @return: how it stands in a URI.
    """
    return quote(text.replace(_SLASH, "/"), safe=UNESCAPED)


def _written(query: bytes) -> str:
    """
    @param query: the query as it came.
    @return: the same in ASCII.
    """
    return quote(query, safe=UNESCAPED + "/?%")

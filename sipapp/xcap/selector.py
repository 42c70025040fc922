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
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import msgspec

from sipapp.sip.errors import clip
from sipapp.sip.grammar import parseNumber
from sipapp.xcap.errors import BadSelector, NotFound, URITooLong
from sipapp.xcap.names import DocumentName
from sipapp.xcap.namespaces import parseBindings
from sipapp.xcap.references import UNESCAPED
from sipapp.xcap.xmlgrammar import ATTVALUE, NCNAME, attributeValue

__all__ = [
    "LONGEST",
    "NAMESPACE",
    "WILDCARD",
    "AttributeSelector",
    "Name",
    "NamespaceSelector",
    "NodeSelector",
    "Selector",
    "Step",
    "parseNodeSelector",
    "parseSelector",
]

LONGEST = 8192
"""The most bytes that path and query may have together."""

WILDCARD: Final = "*"
"""The name of a step that any element has, whatever its namespace."""

Name = tuple[str, str]
"""The namespace of an element or attribute, empty where it is in none, and its local name."""

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
_NAMESPACE_AXIS = "namespace::*"


class Step(msgspec.Struct, frozen=True):
    """
    One element on the way down (RFC 4825 §6.3).

    The position counts the children that have the name, from 1; the attribute test is made of the
    one at that position. A step without a position or with an attribute test alone selects those
    that fit, and has to select exactly one.

    @ivar namespace: the namespace of the name, empty for none; C{None} for that of a name without
        a prefix until L{NodeSelector.resolved} has said which one that is, and for L{WILDCARD}.
    @ivar name: the local name, or L{WILDCARD}.
    @ivar position: C{None} if any will do. One beyond what a document can hold is none of it.
    @ivar attribute: the name of an attribute, and its value as an XML parser would tell it.
    @ivar text: the step as it stands in a URI.
    """

    namespace: str | None
    name: str
    position: int | None
    attribute: tuple[Name, str] | None
    text: str


class AttributeSelector(msgspec.Struct, frozen=True):
    """
    An attribute of the element that the steps lead to.

    @ivar text: the selector as it stands in a URI.
    """

    name: Name
    text: str


class NamespaceSelector(msgspec.Struct, frozen=True):
    """The namespace bindings of the element that the steps lead to (RFC 4825 §7.10)."""

    text: str = _NAMESPACE_AXIS


NAMESPACE: Final = NamespaceSelector()
"""The only one there is."""


class NodeSelector(msgspec.Struct, frozen=True):
    """
    What is meant within a document (RFC 4825 §6.3).

    @ivar steps: from the root of the document down; at least one.
    @ivar terminal: what is meant of the element; C{None} is the element itself.
    @ivar namespaces: what the prefixes stand for.
    @ivar query: what has bound them, as it stands in a URI.
    """

    steps: tuple[Step, ...]
    terminal: AttributeSelector | NamespaceSelector | None = None
    namespaces: Mapping[str, str] = {}
    query: str = ""

    @property
    def text(self) -> str:
        """The selector as it stands in a URI, without its query."""
        parts = [step.text for step in self.steps]
        if self.terminal is not None:
            parts.append(self.terminal.text)
        return "/".join(parts)

    def toReference(self) -> str:
        """
        @return: the selector as it stands in a URI, with its query if it has one.
        """
        return f"{self.text}?{self.query}" if self.query else self.text

    def upTo(self, count: int) -> NodeSelector:
        """
        @param count: 1 or more.
        @return: the selector of an ancestor: the element that the first steps lead to.
        """
        return NodeSelector(self.steps[:count], None, self.namespaces, self.query)

    def resolved(self, namespace: str) -> NodeSelector:
        """
        @param namespace: the default document namespace of the usage (RFC 4825 §5.2).
        @return: the same selector, each name that has no prefix in this namespace (§6.4).
            Attributes without a prefix are in none, as everywhere in XML.
        """
        steps = tuple(
            msgspec.structs.replace(step, namespace=namespace)
            if step.namespace is None and step.name != WILDCARD
            else step
            for step in self.steps
        )
        return msgspec.structs.replace(self, steps=steps)


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
    if not steps or (attribute is None and rest != _NAMESPACE_AXIS):
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

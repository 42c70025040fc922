"""The elements of a document, and at which bytes each begins and ends.

A parser reads the document once, and tells where it is whenever an element begins or ends. Whatever
stands in a document, this takes time and memory linear in its length. A document type declaration
ends it at once: no entity is ever defined, let alone expanded or fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers.expat import ErrorString, ExpatError, ParserCreate

import msgspec

from sipapp.xcap.errors import ConstraintFailure, NotUTF8, NotWellFormed
from sipapp.xcap.nodeselector import Name
from sipapp.xcap.scope import EVERYWHERE, Scope, takeDeclarations
from sipapp.xcap.starttag import tagEnd

__all__ = ["ATTRIBUTES", "DEPTH", "ELEMENTS", "NAMESPACE", "Element", "rootOf"]

DEPTH = 64
"""The most elements that may stand one in the other."""

ELEMENTS = 65536
"""The most elements that a document may have."""

ATTRIBUTES = 256
"""The most attributes that an element may have, with its namespace declarations."""

NAMESPACE = 1024
"""The most characters that a namespace may have. A prefix of one letter stands for it wherever it
is used, and who validates a document (libxml2) copies it each time."""


class Element(msgspec.Struct, frozen=True, eq=False, gc=False):
    """
    An element of a document, and where it is in its bytes.

    @ivar name: its namespace, empty for none, and its local name.
    @ivar attributes: the values by name, as an XML parser tells them. Namespace declarations are
        not among them.
    @ivar declared: the namespaces that it declares, by prefix; the default one as the empty
        prefix, and an empty one where that is undone.
    @ivar children: the elements in it.
    @ivar start: where its start tag begins.
    @ivar contentEnd: where its end tag begins. An empty-element tag has none: then it is the
        L{end}.
    @ivar end: where it ends.
    """

    name: Name
    attributes: Mapping[Name, str]
    declared: Mapping[str, str]
    children: tuple[Element, ...]
    start: int
    contentEnd: int
    end: int

    @property
    def isEmptyTag(self) -> bool:
        """Whether it is written as one tag, without content."""
        return self.contentEnd == self.end


def rootOf(body: bytes) -> Element:
    """Find the elements of a document.

    @return: the root element, with the others in it.
    @raise NotUTF8: if the document is, or says that it is, in another encoding.
    @raise NotWellFormed: if it is no XML with namespaces, or has a document type declaration.
    @raise ConstraintFailure: beyond L{DEPTH}, L{ELEMENTS}, L{ATTRIBUTES} or L{NAMESPACE}.
    """
    return _Reading(body).root


class _Open(msgspec.Struct, frozen=True, eq=False, gc=False):
    """An element that has begun: what is known of it by then."""

    name: Name
    attributes: Mapping[Name, str]
    declared: Mapping[str, str]
    scope: Scope
    start: int
    children: list[Element]


class _Reading:
    """
    One pass over a document.

    @ivar root: its root element.
    """

    root: Element

    def __init__(self, body: bytes) -> None:
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise NotUTF8(f"byte {error.start} is not UTF-8") from None
        self._body = body
        self._count = 0
        self._open: list[_Open] = []
        self._parser = parser = ParserCreate("utf-8")
        parser.XmlDeclHandler = self._xmlDeclaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._startElement
        parser.EndElementHandler = self._endElement
        try:
            parser.Parse(body, True)
        except ExpatError as error:
            raise NotWellFormed(
                _where(ErrorString(error.code), error.lineno, error.offset)
            ) from None
        finally:
            # Not to wait for the garbage collector with what refers to each other.
            parser.XmlDeclHandler = parser.StartDoctypeDeclHandler = None
            parser.StartElementHandler = parser.EndElementHandler = None

    def _xmlDeclaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.upper() != "UTF-8":
            raise NotUTF8("the document says that it is in another encoding")

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        # The parser stops at an exception: it has not read what the declaration defines by then.
        raise NotWellFormed("a document type declaration is not allowed")

    def _startElement(self, written: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS:
            raise ConstraintFailure(f"a document may have {ELEMENTS} elements")
        if len(self._open) == DEPTH:
            raise ConstraintFailure(f"a document may be {DEPTH} elements deep")
        if len(attributes) > ATTRIBUTES:
            raise ConstraintFailure(f"an element may have {ATTRIBUTES} attributes")
        scope = self._open[-1].scope if self._open else EVERYWHERE
        start = self._parser.CurrentByteIndex
        try:
            self._open.append(_begun(written, attributes, scope, start))
        except ValueError as error:
            line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber
            raise NotWellFormed(_where(str(error), line, column)) from None

    def _endElement(self, written: str) -> None:
        begun = self._open.pop()
        # Of an empty-element tag this is what follows it.
        contentEnd = end = self._parser.CurrentByteIndex
        if begun.children or not self._isEmptyTag(begun.start, end):
            end = self._body.index(b">", contentEnd) + 1
        element = Element(
            begun.name,
            begun.attributes,
            begun.declared,
            tuple(begun.children),
            begun.start,
            contentEnd,
            end,
        )
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element

    def _isEmptyTag(self, start: int, end: int) -> bool:
        # Text may look like the end of a tag.
        return self._body.startswith(b"/>", end - 2) and tagEnd(self._body, start) == end


def _begun(written: str, attributes: dict[str, str], scope: Scope, start: int) -> _Open:
    """
    @param attributes: with the namespace declarations, which are taken out.
    @param scope: that of the element around.
    @raise ValueError: if names are not what they have to be.
    @raise ConstraintFailure: if a namespace is beyond its bound.
    """
    if not attributes:
        return _Open(scope.elementName(written), {}, {}, scope, start, [])
    declared = takeDeclarations(attributes)
    if declared:
        if max(map(len, declared.values())) > NAMESPACE:
            raise ConstraintFailure(f"a namespace may have {NAMESPACE} characters")
        scope = Scope(declared, scope)
    values = {scope.attributeName(each): value for each, value in attributes.items()}
    if len(values) < len(attributes):
        raise ValueError("an attribute is there twice")
    return _Open(scope.elementName(written), values, declared, scope, start, [])


def _where(what: str, line: int, column: int) -> str:
    return f"{what} in line {line}, column {column + 1}"

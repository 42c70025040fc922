"""A document, kept as the bytes that were put, with an index of where its elements are.

A parser reads it once, and says of each element at which byte it begins and ends. So an element is
a slice of the document, to be answered, replaced or removed as it stands, and nothing is ever
written anew: white space, comments, quotes and prefixes stay what they were.

Whatever stands in a document, to index it takes time and memory linear in its length. A document
type declaration ends it at once: no entity is ever defined, let alone expanded or fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.parsers.expat import ErrorString, ExpatError, ParserCreate
from xml.sax.saxutils import quoteattr

import msgspec

from sipapp.xcap.errors import ConstraintFailure, NotUTF8, NotWellFormed
from sipapp.xcap.namespaces import XML
from sipapp.xcap.selector import WILDCARD, AttributeSelector, Name, NodeSelector, Step
from sipapp.xcap.starttag import AttributeText, StartTag, tagEnd

__all__ = ["ATTRIBUTES", "DEPTH", "ELEMENTS", "Bindings", "Document", "Element", "named"]

DEPTH = 64
"""The most elements that may stand one in the other."""

ELEMENTS = 65536
"""The most elements that a document may have."""

ATTRIBUTES = 256
"""The most attributes that an element may have, with its namespace declarations."""

# What expat puts between a namespace and a name. Neither can hold it.
_SEPARATOR = "\n"


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


class Bindings(msgspec.Struct, frozen=True):
    """
    The namespace bindings of an element.

    @ivar element: its name as it is written, with its prefix.
    @ivar namespaces: those in scope by prefix, the default one as the empty prefix.
    """

    element: str
    namespaces: Mapping[str, str]

    def toXML(self) -> bytes:
        """
        @return: an element of the same name, with a declaration of each (RFC 4825 §7.10).
        """
        declarations = "".join(
            f" xmlns{':' if prefix else ''}{prefix}={quoteattr(namespace)}"
            for prefix, namespace in self.namespaces.items()
            # It is bound everywhere, and nobody declares it.
            if prefix != "xml"
        )
        return f"<{self.element}{declarations}/>".encode()


class Document:
    """
    A well-formed document. It does not change: see L{sipapp.xcap.edit}.

    @ivar body: its bytes.
    @ivar root: its root element.
    """

    __slots__ = ("body", "root")

    def __init__(self, body: bytes) -> None:
        """
        @raise NotUTF8: if it is, or says that it is, in another encoding.
        @raise NotWellFormed: if it is no XML with namespaces, or has a document type declaration.
        @raise ConstraintFailure: beyond L{DEPTH}, L{ELEMENTS} or L{ATTRIBUTES}.
        """
        self.body = body
        self.root = _Index(body).root

    def path(self, steps: Sequence[Step]) -> tuple[Element, ...]:
        """Follow the steps of a node selector as far as they lead. Each has to select exactly one
        element for the next one to go on from there (RFC 4825 §6.3).

        @param steps: of a selector that is C{resolved}.
        @return: the elements that were selected, from the root down: as many as there are steps if
            the last one has selected one too.
        """
        found: list[Element] = []
        children: tuple[Element, ...] = (self.root,)
        for step in steps:
            element = _selected(children, step)
            if element is None:
                break
            found.append(element)
            children = element.children
        return tuple(found)

    def find(self, selector: NodeSelector) -> Element | AttributeText | Bindings | None:
        """
        @param selector: C{resolved} for the usage of the document.
        @return: what is selected; C{None} if that is nothing, or more than one element.
        """
        path = self.path(selector.steps)
        if len(path) < len(selector.steps):
            return None
        if selector.terminal is None:
            return path[-1]
        if isinstance(selector.terminal, AttributeSelector):
            return self._attribute(path, selector.terminal.name)
        tag = StartTag.at(self.body, path[-1].start)
        return Bindings(tag.name, namespacesOf(path))

    def _attribute(self, path: Sequence[Element], name: Name) -> AttributeText | None:
        element = path[-1]
        if name not in element.attributes:
            return None
        namespaces = namespacesOf(path)
        for attribute in StartTag.at(self.body, element.start).attributes:
            prefix, _, local = attribute.name.rpartition(":")
            # The default namespace is not for attributes.
            if name == (namespaces.get(prefix) if prefix else "", local):
                return attribute
        raise AssertionError("an attribute that is not there")

    def isElement(self, start: int, end: int) -> bool:
        """Tell whether exactly these bytes are an element."""
        children: tuple[Element, ...] = (self.root,)
        while children:
            around = [each for each in children if each.start <= start < each.end]
            if not around:
                return False
            (element,) = around
            if element.start == start:
                return element.end == end
            children = element.children
        return False


def named(elements: Sequence[Element], step: Step) -> Sequence[Element]:
    """
    @return: those that have the name of a step: what its position counts.
    """
    if step.name == WILDCARD:
        return elements
    name = step.namespace, step.name
    return [element for element in elements if element.name == name]


def namespacesOf(path: Sequence[Element]) -> dict[str, str]:
    """
    @param path: an element, with those around it before it.
    @return: the namespaces in its scope by prefix, the default one as the empty prefix.
    """
    namespaces = {"xml": XML}
    for element in path:
        namespaces.update(element.declared)
    if not namespaces.get("", XML):
        del namespaces[""]
    return namespaces


def _selected(elements: Sequence[Element], step: Step) -> Element | None:
    """
    @return: the only one that a step selects.
    """
    found = named(elements, step)
    if step.position is not None:
        found = found[step.position - 1 : step.position] if step.position else ()
    if step.attribute is not None:
        name, value = step.attribute
        found = [element for element in found if element.attributes.get(name) == value]
    return found[0] if len(found) == 1 else None


class _Names(dict[str, Name]):
    """Names of XML by how expat writes them. There are few of them in a document."""

    def __missing__(self, written: str) -> Name:
        namespace, _, local = written.rpartition(_SEPARATOR)
        name = self[written] = namespace, local
        return name


class _Index:
    """
    Reads a document.

    @ivar root: its root element.
    """

    root: Element

    def __init__(self, body: bytes) -> None:
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise NotUTF8(f"byte {error.start} is not UTF-8") from None
        self._body = body
        self._names = _Names()
        self._count = 0
        self._declared: dict[str, str] = {}
        # The elements around: name, attributes, declarations, start, and the children so far.
        self._around: list[tuple[Name, dict[Name, str], dict[str, str], int, list[Element]]] = []
        self._parser = parser = ParserCreate("utf-8", _SEPARATOR)
        parser.XmlDeclHandler = self._xmlDeclaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._startElement
        parser.EndElementHandler = self._endElement
        try:
            parser.Parse(body, True)
        except ExpatError as error:
            raise NotWellFormed(
                f"{ErrorString(error.code)} in line {error.lineno}, column {error.offset + 1}"
            ) from None
        finally:
            # Not to wait for the garbage collector with what refers to each other.
            parser.XmlDeclHandler = parser.StartDoctypeDeclHandler = None
            parser.StartNamespaceDeclHandler = None
            parser.StartElementHandler = parser.EndElementHandler = None

    def _xmlDeclaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.upper() != "UTF-8":
            raise NotUTF8("the document says that it is in another encoding")

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:
        raise NotWellFormed("a document type declaration is not allowed")

    def _namespace(self, prefix: str | None, namespace: str | None) -> None:
        self._declared[prefix or ""] = namespace or ""

    def _startElement(self, written: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS:
            raise ConstraintFailure(f"a document may have {ELEMENTS} elements")
        if len(self._around) == DEPTH:
            raise ConstraintFailure(f"a document may be {DEPTH} elements deep")
        if len(attributes) + len(self._declared) > ATTRIBUTES:
            raise ConstraintFailure(f"an element may have {ATTRIBUTES} attributes")
        names = self._names
        values = {names[each]: value for each, value in attributes.items()}
        start = self._parser.CurrentByteIndex
        self._around.append((names[written], values, self._declared, start, []))
        self._declared = {}

    def _endElement(self, written: str) -> None:
        name, attributes, declared, start, children = self._around.pop()
        place = self._parser.CurrentByteIndex
        end = (
            place if self._endsEmpty(start, place, children) else self._body.index(b">", place) + 1
        )
        element = Element(name, attributes, declared, tuple(children), start, place, end)
        if self._around:
            self._around[-1][-1].append(element)
        else:
            self.root = element

    def _endsEmpty(self, start: int, place: int, children: list[Element]) -> bool:
        """
        @param place: where the end of an element was found: its end tag, or what follows its
            empty-element tag.
        """
        # Text may look like the end of a tag.
        return (
            not children
            and self._body.startswith(b"/>", place - 2)
            and tagEnd(self._body, start) == place
        )

"""A document, kept as the bytes that were put.

An element is a slice of them, to be answered, replaced or removed as it stands, and nothing is ever
written anew: white space, comments, quotes and prefixes stay what they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import quoteattr

import msgspec

from sipapp.xcap.elements import Element, rootOf
from sipapp.xcap.namespaces import XML
from sipapp.xcap.nodeselector import WILDCARD, AttributeSelector, Name, NodeSelector, Step
from sipapp.xcap.starttag import AttributeText, StartTag

__all__ = ["Bindings", "Document", "Element", "named", "namespacesOf"]


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
        @raise NotUTF8: if they are, or say that they are, in another encoding.
        @raise NotWellFormed: if they are no XML with namespaces, or have a document type
            declaration.
        @raise ConstraintFailure: beyond the bounds of L{sipapp.xcap.elements}.
        """
        self.body = body
        self.root = rootOf(body)

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
        # The default namespace is not for attributes.
        namespaces = {**namespacesOf(path), "": ""}
        return next(
            attribute
            for attribute in StartTag.at(self.body, element.start).attributes
            if name == (namespaces.get(attribute.prefix), attribute.local)
        )

    def elementAt(self, start: int, end: int) -> Element | None:
        """
        @return: the element that exactly these bytes are; C{None} if they are none.
        """
        children: tuple[Element, ...] = (self.root,)
        while children:
            around = [each for each in children if each.start <= start < each.end]
            if not around:
                return None
            (element,) = around
            if element.start == start:
                return element if element.end == end else None
            children = element.children
        return None


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

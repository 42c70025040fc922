"""What GET, PUT and DELETE do with a part of a document (RFC 4825 §7.4 to §7.10, §8.2).

A change is a splice. What comes of it is indexed anew, and the selector is asked again whether it
selects what was put, or nothing any more: that is what makes the methods idempotent. It is also
what keeps a body in its place. If what the selector finds is not exactly the bytes that were put,
they were no single element, or have closed one around them to open another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sipapp.xcap.document import Bindings, Document, Element, named, namespacesOf
from sipapp.xcap.errors import (
    CannotDelete,
    CannotInsert,
    NoParent,
    NoSuchMethod,
    NotFound,
    NotUTF8,
    NotWellFormed,
    NotXMLAttributeValue,
    NotXMLFragment,
)
from sipapp.xcap.nodeselector import WILDCARD, Name, NamespaceSelector, NodeSelector, Step
from sipapp.xcap.starttag import AttributeText, StartTag

__all__ = ["READING", "delete", "get", "put"]

READING = ("GET", "HEAD", "OPTIONS")
"""The methods that change nothing."""

_WHITE = b" \t\r\n"
_XMLNS = "", "xmlns"


def get(document: Document, selector: NodeSelector) -> bytes:
    """
    @param selector: C{resolved} for the usage of the document, as for the other functions.
    @return: the element as it stands in the document; the value of the attribute, as it stands
        between its quotes; or an element that declares the namespaces (RFC 4825 §7.6, §7.9,
        §7.10).
    @raise NotFound: if nothing is selected, or more than one element.
    """
    found = document.find(selector)
    if found is None:
        raise NotFound("nothing in the document, or more than one thing, is selected")
    if isinstance(found, Bindings):
        return found.toXML()
    return document.body[found.start : found.end]


def put(document: Document, selector: NodeSelector, content: bytes) -> tuple[Document, bool]:
    """Make an element or attribute what a client says, or add it (RFC 4825 §7.4, §7.7).

    @param content: the element, or what is to stand between the quotes of the attribute. White
        space around an element is not part of it.
    @return: what comes of it, and whether nothing was selected before.
    @raise NoParent: if what it is to be put in is not there (§8.2.1).
    @raise NotUTF8: for what is in another encoding (§8.2.2).
    @raise NotXMLFragment: if it is not one balanced element (§8.2.2).
    @raise NotXMLAttributeValue: if it cannot be a value (§8.2.2).
    @raise CannotInsert: if a GET would not answer it (§8.2.3, §8.2.4).
    @raise ConstraintFailure: if there is too much in the document then.
    @raise NoSuchMethod: for namespace bindings.
    """
    terminal = selector.terminal
    if isinstance(terminal, NamespaceSelector):
        raise NoSuchMethod(READING)
    flaw: type[NotXMLFragment | NotXMLAttributeValue]
    try:
        if terminal is None:
            content, flaw = content.strip(_WHITE), NotXMLFragment
            gap = _elementGap(document, selector, content)
        else:
            flaw = NotXMLAttributeValue
            gap = _attributeGap(document, selector, terminal.name, content)
        content.decode()
        changed = gap.filled(document, content)
    except UnicodeDecodeError as error:
        raise NotUTF8(f"byte {error.start} is not UTF-8") from None
    except NotWellFormed as error:
        raise flaw(error.detail) from None
    place = gap.contentFor(content)
    found = changed.find(selector)
    if isinstance(found, Element | AttributeText) and (found.start, found.end) == place:
        return changed, gap.isNew
    if terminal is None and changed.elementAt(*place) is None:
        raise NotXMLFragment("it is not one balanced element")
    raise CannotInsert("the URI would not select it")


def delete(document: Document, selector: NodeSelector) -> Document:
    """Remove an element or attribute (RFC 4825 §7.5, §7.8). White space around an element stays.

    @return: what remains.
    @raise NotFound: if nothing is selected, or more than one element.
    @raise CannotDelete: if something would be selected then too, or if it is the root element.
    @raise NoSuchMethod: for namespace bindings.
    """
    found = document.find(selector)
    if found is None:
        raise NotFound("nothing in the document, or more than one thing, is selected")
    if isinstance(found, Bindings):
        raise NoSuchMethod(READING)
    if found is document.root:
        raise CannotDelete("a document has a root element")
    if isinstance(found, AttributeText):
        gap = _Gap(found.before, found.end + 1)
    else:
        gap = _Gap(found.start, found.end)
    changed = gap.filled(document, b"")
    if changed.find(selector) is not None:
        raise CannotDelete("the URI would select something else")
    return changed


class _Gap(NamedTuple):
    """
    A place for something in a document.

    @ivar start: the first byte that goes.
    @ivar end: the first one behind that stays.
    @ivar before: what is written there before it.
    @ivar after: the same behind it.
    @ivar isNew: whether it takes the place of nothing.
    """

    start: int
    end: int
    before: bytes = b""
    after: bytes = b""
    isNew: bool = False

    def filled(self, document: Document, content: bytes) -> Document:
        """
        @raise XCAPError: if that is no document.
        """
        body = document.body
        parts = body[: self.start], self.before, content, self.after, body[self.end :]
        return Document(b"".join(parts))

    def contentFor(self, content: bytes) -> tuple[int, int]:
        """
        @return: where the content begins and ends in what has been L{filled} with it.
        """
        start = self.start + len(self.before)
        return start, start + len(content)


def _elementGap(document: Document, selector: NodeSelector, content: bytes) -> _Gap:
    """
    @return: the place of the element that is there; or else the one that the position of the last
        step says, or behind the last element that has the name of the new one, or at the end of the
        parent (RFC 4825 §8.2.3, §8.2.4).
    @raise XCAPError: if the content cannot be anywhere in the parent.
    """
    steps = selector.steps
    path = _pathTo(document, selector, len(steps) - 1)
    if len(path) == len(steps):
        return _Gap(path[-1].start, path[-1].end)
    if not path:
        raise CannotInsert("the document has another root element")
    parent, step = path[-1], steps[-1]
    siblings, end = named(parent.children, step), _endGap(document, parent)
    if step.name == WILDCARD and step.position is None:
        # The URI leaves the name to the element.
        element = end.filled(document, content).elementAt(*end.contentFor(content))
        siblings = [each for each in siblings if element is not None and each.name == element.name]
    place = _placeAmong(siblings, step)
    return end if place is None else _Gap(place, place, isNew=True)


def _endGap(document: Document, parent: Element) -> _Gap:
    """
    @return: the place behind all that is in an element.
    """
    if not parent.isEmptyTag:
        return _Gap(parent.contentEnd, parent.contentEnd, isNew=True)
    name = StartTag.at(document.body, parent.start).name
    return _Gap(parent.end - 2, parent.end, b">", f"</{name}>".encode(), isNew=True)


def _placeAmong(siblings: Sequence[Element], step: Step) -> int | None:
    """
    @param siblings: those that have the name of the step.
    @return: where it puts an element among them; C{None} if there are none.
    """
    position = len(siblings) + 1 if step.position is None else step.position
    if not 0 < position <= len(siblings) + 1:
        raise CannotInsert("there are too few elements before this position")
    if position > 1:
        return siblings[position - 2].end
    return siblings[0].start if siblings else None


def _attributeGap(document: Document, selector: NodeSelector, name: Name, content: bytes) -> _Gap:
    """
    @return: the place for a value and its quotes; with the name of the attribute, behind the
        others of its element, if there is no such attribute.
    """
    path = _pathTo(document, selector, len(selector.steps))
    found = document.find(selector)
    if isinstance(found, AttributeText):
        quote = _quoteFor(content, document.body[found.end : found.end + 1])
        return _Gap(found.start - 1, found.end + 1, quote, quote)
    quote = _quoteFor(content, b'"')
    place = StartTag.at(document.body, path[-1].start).attributesEnd
    return _Gap(place, place, f" {_written(name, path)}=".encode() + quote, quote, isNew=True)


def _quoteFor(content: bytes, preferred: bytes) -> bytes:
    for quote in (preferred, b'"', b"'"):
        if quote not in content:
            return quote
    raise NotXMLAttributeValue("both kinds of quotes are in it")


def _written(name: Name, path: Sequence[Element]) -> str:
    """
    @param path: the element that an attribute is added to, with those around it before it.
    @return: the name of the attribute, with a prefix if it needs one.
    """
    namespace, local = name
    if name == _XMLNS:
        raise CannotInsert("a namespace declaration is no attribute")
    if not namespace:
        return local
    for prefix, bound in namespacesOf(path).items():
        # The default namespace is not for attributes.
        if prefix and bound == namespace:
            return f"{prefix}:{local}"
    raise CannotInsert("no prefix is bound to the namespace of the attribute there")


def _pathTo(document: Document, selector: NodeSelector, count: int) -> tuple[Element, ...]:
    """
    @param count: how many elements have to be there.
    @return: those that are.
    @raise NoParent: if there are fewer.
    """
    path = document.path(selector.steps)
    if len(path) < count:
        ancestor = selector.upTo(len(path)).toReference() if path else ""
        raise NoParent(ancestor, "the parent is not there")
    return path

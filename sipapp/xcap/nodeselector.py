"""What is meant within a document: the way down to an element, and what of it (RFC 4825 §6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

__all__ = [
    "NAMESPACE",
    "WILDCARD",
    "AttributeSelector",
    "Name",
    "NamespaceSelector",
    "NodeSelector",
    "Step",
]

WILDCARD: Final = "*"
"""The name of a step that any element has, whatever its namespace."""

Name = tuple[str, str]
"""The namespace of an element or attribute, empty where it is in none, and its local name."""


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

    text: str = "namespace::*"


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

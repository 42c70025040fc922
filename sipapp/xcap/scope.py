"""What names mean at a place in a document (Namespaces in XML 1.0).

The parser could tell. But expat writes the namespace before each name that has a prefix, so that it
takes time and memory by the square of a document's length, if that has a long namespace and many
attributes. Here a namespace is in memory once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sipapp.sip.errors import clip
from sipapp.xcap.namespaces import XML
from sipapp.xcap.nodeselector import Name
from sipapp.xcap.xmlgrammar import NCNAME

__all__ = ["EVERYWHERE", "Scope", "takeDeclarations"]

_XMLNS = "http://www.w3.org/2000/xmlns/"
_ncname = re.compile(NCNAME).fullmatch
_qname = re.compile(rf"({NCNAME}):({NCNAME})").fullmatch


class Scope:
    """What names mean within an element that declares namespaces."""

    __slots__ = ("_around", "_declared", "_names")

    def __init__(self, declared: Mapping[str, str], around: Scope | None = None) -> None:
        """
        @param declared: by prefix; the default namespace as the empty one.
        @param around: where the element is.
        """
        self._declared = declared
        self._around = around
        self._names: dict[str, Name] = {}

    def elementName(self, written: str) -> Name:
        """
        @param written: the name of an element, with its prefix.
        @raise ValueError: if its prefix is not bound, or it is no name.
        """
        name = self._names.get(written)
        if name is None:
            name = (self._bound(""), written) if ":" not in written else self._prefixed(written)
            self._names[written] = name
        return name

    def attributeName(self, written: str) -> Name:
        """
        @param written: the name of an attribute, with its prefix. The default namespace is not
            for attributes.
        @raise ValueError: if its prefix is not bound, or it is no name.
        """
        return ("", written) if ":" not in written else self._prefixed(written)

    def _prefixed(self, written: str) -> Name:
        found = _qname(written)
        if found is None:
            raise ValueError(f"{clip(written)} is no name")
        prefix, local = found.groups()
        namespace = self._bound(prefix)
        if not namespace:
            raise ValueError(f"the prefix {clip(prefix)} is not bound")
        return namespace, local

    def _bound(self, prefix: str) -> str:
        scope: Scope | None = self
        while scope is not None:
            namespace = scope._declared.get(prefix)
            if namespace is not None:
                return namespace
            scope = scope._around
        return ""


EVERYWHERE: Final = Scope({"xml": XML})
"""What is around the root element."""


def takeDeclarations(attributes: dict[str, str]) -> dict[str, str]:
    """Take the namespace declarations out of the attributes of an element.

    @param attributes: values by name, with its prefix.
    @return: namespaces by prefix; the default one as the empty prefix.
    @raise ValueError: if one cannot be declared so (Namespaces in XML 1.0 §3).
    """
    declared: dict[str, str] = {}
    for written in [each for each in attributes if each.startswith("xmlns")]:
        if written == "xmlns":
            prefix = ""
        elif written[5] == ":":
            prefix = written[6:]
            if not attributes[written] or prefix == "xmlns" or not _ncname(prefix):
                raise ValueError(f"the prefix {clip(prefix)} cannot be declared so")
        else:
            continue
        namespace = declared[prefix] = attributes.pop(written)
        if namespace == _XMLNS or (namespace == XML) != (prefix == "xml"):
            raise ValueError(f"the prefix {clip(prefix)} cannot be bound to this namespace")
    return declared

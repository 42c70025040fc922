"""What the query of a URI binds the prefixes of a node selector to (RFC 4825 §6.4): pointer parts
of the C{xmlns()} scheme of XPointer, one after the other. Those of other schemes are ignored."""

from __future__ import annotations

import re

from sipapp.sip.errors import clip
from sipapp.xcap.errors import BadSelector
from sipapp.xcap.xmlgrammar import NCNAME

__all__ = ["XML", "parseBindings"]

XML = "http://www.w3.org/XML/1998/namespace"
"""What the prefix C{xml} is bound to everywhere."""

_S = "[ \t\r\n]*"
_binding = re.compile(rf"xmlns\(({NCNAME}){_S}={_S}").match
_other = re.compile(rf"(?!xmlns\()(?:{NCNAME}:)?{NCNAME}\(").match
_piece = re.compile(r"\^([\^()])|[^\^()]+|[()]").match
_blank = re.compile(_S).match


def parseBindings(query: str) -> dict[str, str]:
    """
    @param query: the query, decoded.
    @return: namespaces by prefix; C{xml} is always among them. Of two bindings of a prefix the
        last is meant.
    @raise BadSelector: if there is anything but pointer parts in it, or a binding that is none or
        is not allowed.
    """
    namespaces = {"xml": XML}
    position = 0
    while position < len(query):
        binding = _binding(query, position)
        part = binding or _other(query, position)
        if part is None:
            raise BadSelector(f"{clip(query[position:])} in the query binds no prefix")
        data, position = _schemeData(query, part.end())
        if binding is not None:
            _bind(namespaces, binding[1], data)
        blank = _blank(query, position)
        position = blank.end() if blank else position
    return namespaces


def _bind(namespaces: dict[str, str], prefix: str, namespace: str) -> None:
    # Namespaces in XML 1.0 §3: these two are what they are, and a prefix is not bound to none.
    if prefix == "xmlns" or (prefix == "xml") != (namespace == XML):
        raise BadSelector(f"the prefix {clip(prefix)} must not be bound to this namespace")
    if not namespace:
        raise BadSelector(f"the prefix {clip(prefix)} is bound to nothing")
    namespaces[prefix] = namespace


def _schemeData(query: str, start: int) -> tuple[str, int]:
    """
    @return: the data that begins here, its escapes removed, and where the query goes on after the
        parenthesis that ends it. Parentheses in it are balanced or escaped (XPointer framework
        §3.1).
    """
    pieces: list[str] = []
    depth = 0
    position = start
    while found := _piece(query, position):
        position = found.end()
        piece = found[1] or found[0]
        if found[0] == "(":
            depth += 1
        elif found[0] == ")":
            depth -= 1
            if depth < 0:
                return "".join(pieces), position
        pieces.append(piece)
    raise BadSelector("a part of the query does not end, or escapes nothing")

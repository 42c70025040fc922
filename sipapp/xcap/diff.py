"""What makes a document from the one before it, for those who have that one (RFC 5874, with the
operations of RFC 5261).

A patch is one operation, written so that it can stand in any C{xcap-diff} document. It declares the
prefixes of its content as the document does where the content goes, and locates that place by
counting, C{*/*[2]/*[1]}, which means the same whatever the namespaces are. It changes what the
request has changed and nothing else, to the last blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count, pairwise
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from sipapp.xcap.document import namespacesOf
from sipapp.xcap.nodeselector import AttributeSelector

if TYPE_CHECKING:
    from sipapp.storage.document import DocumentChange
    from sipapp.xcap.document import Document, Element
    from sipapp.xcap.nodeselector import Name, NodeSelector

__all__ = ["patchFor", "xcapDiff"]

_XCAP_DIFF = "urn:ietf:params:xml:ns:xcap-diff"


def patchFor(old: Document, new: Document, selector: NodeSelector) -> str:
    """
    @param selector: what was put or deleted, C{resolved}.
    @return: an C{add}, C{replace} or C{remove} element.
    """
    before, after = old.path(selector.steps), new.path(selector.steps)
    if isinstance(selector.terminal, AttributeSelector):
        # Without the attribute, the element may be none that the selector leads to.
        wasDeleted = new.find(selector) is None
        return _attributePatch(before, before if wasDeleted else after, selector.terminal.name)
    if new.find(selector) is None:
        return _operation("remove", _located(before))
    content = _written(new, after[-1])
    if old.find(selector) is None:
        return _addition(after, content)
    return _operation("replace", _located(before), after[:-1], content)


def _addition(path: Sequence[Element], content: str) -> str:
    """
    @param path: where the element is now, as L{Document.path} has it.
    """
    around, siblings, added = path[:-1], path[-2].children, path[-1]
    place, located = siblings.index(added), _located(around)
    if place > 0 and siblings[place - 1].end == added.start:
        return _operation("add", f"{located}/*[{place}]", around, content, pos="after")
    if place + 1 < len(siblings) and siblings[place + 1].start == added.end:
        return _operation("add", f"{located}/*[{place + 1}]", around, content, pos="before")
    # Nobody puts it elsewhere than beside another element or at the end.
    return _operation("add", located, around, content)


def _attributePatch(before: Sequence[Element], after: Sequence[Element], name: Name) -> str:
    """
    @param before: the element with those around it.
    @param after: the same with the attribute as it is now; C{before} itself if it has gone.
    """
    located = _located(before)
    prefix = _prefix(name[0], namespacesOf(after))
    written = f"@{prefix}:{name[1]}" if prefix else f"@{name[1]}"
    if before is after:
        return _operation("remove", f"{located}/{written}", after)
    # A parser takes a plain carriage return in a text for a part of the end of a line.
    content = escape(after[-1].attributes[name], {"\r": "&#13;"})
    if name in before[-1].attributes:
        return _operation("replace", f"{located}/{written}", after, content)
    return _operation("add", located, after, content, type=written)


def _prefix(namespace: str, namespaces: Mapping[str, str]) -> str:
    """
    @return: one that an attribute of this namespace can have; the empty one for none.
    """
    if not namespace:
        return ""
    return next(prefix for prefix, uri in namespaces.items() if prefix and uri == namespace)


def _located(path: Sequence[Element]) -> str:
    """
    @return: an element, for C{sel}.
    """
    places = (parent.children.index(child) + 1 for parent, child in pairwise(path))
    return "/".join(("*", *(f"*[{place}]" for place in places)))


def _written(document: Document, element: Element) -> str:
    return document.body[element.start : element.end].decode()


def _operation(
    name: str, located: str, scope: Sequence[Element] = (), content: str = "", **attributes: str
) -> str:
    """
    @param scope: an element with those around it: what the prefixes in C{located} and C{content}
        stand for.
    @param content: as XML.
    @param attributes: those other than C{sel}.
    """
    namespaces = {prefix: uri for prefix, uri in namespacesOf(scope).items() if prefix != "xml"}
    own = next(
        prefix for prefix in ("d" * length for length in count(1)) if prefix not in namespaces
    )
    declared = {own: _XCAP_DIFF, **namespaces}
    start = [f"{own}:{name}"]
    start += [
        f"xmlns{':' if prefix else ''}{prefix}={quoteattr(uri)}" for prefix, uri in declared.items()
    ]
    start += [
        f"{each}={quoteattr(value)}" for each, value in {"sel": located, **attributes}.items()
    ]
    tag = " ".join(start)
    return f"<{tag}>{content}</{own}:{name}>" if content else f"<{tag}/>"


def xcapDiff(root: str, changes: Iterable[DocumentChange]) -> bytes:
    """Say what has become of documents, as an C{application/xcap-diff+xml} (RFC 5874 §3).

    @param root: the URI of the XCAP root, without a slash at the end.
    @param changes: in their order. Of one without a patch it is said that the document is another
        one, or there, or gone; what is in it can be read.
    """
    documents = "".join(map(_document, changes))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<d:xcap-diff xmlns:d="{_XCAP_DIFF}" xcap-root={quoteattr(root + "/")}>'
        f"{documents}</d:xcap-diff>\n"
    ).encode()


def _document(change: DocumentChange) -> str:
    tags = {"previous-etag": change.previous, "new-etag": change.etag}
    attributes = "".join(
        f" {name}={quoteattr(tag)}" for name, tag in tags.items() if tag is not None
    )
    return (
        f"<d:document sel={quoteattr(change.name.toPath())}{attributes}>"
        f"{change.patch or ''}</d:document>"
    )

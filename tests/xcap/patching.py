"""Applies the operations of an C{xcap-diff} document (RFC 5261), by lxml and not by code of ours:
who gets a patch knows nothing of how documents are kept here."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

XCAP_DIFF = "{urn:ietf:params:xml:ns:xcap-diff}"


def canonical(document: bytes) -> bytes:
    """
    @return: what two documents have in common that say the same, white space and comments included.
    """
    return etree.tostring(_parsed(document), method="c14n", with_comments=True)


def applied(document: bytes, *patches: str) -> bytes:
    """
    @param patches: C{add}, C{replace} and C{remove} elements, in their order.
    @return: the document after them, canonical.
    """
    tree = _parsed(document)
    for patch in patches:
        operation = etree.fromstring(patch)
        _OPERATIONS[operation.tag.removeprefix(XCAP_DIFF)](tree, operation)
    # Once more through the parser: adjacent texts are one.
    return canonical(etree.tostring(tree))


def _parsed(document: bytes) -> etree._ElementTree:
    return etree.ElementTree(etree.fromstring(document))


def _selected(
    tree: etree._ElementTree, operation: etree._Element, suffix: str = ""
) -> etree._Element:
    """
    @return: the one element that C{sel} locates, of which it may name an attribute: RFC 5261 §4.1.
    """
    selector = operation.get("sel")
    prefixes = {prefix: uri for prefix, uri in operation.nsmap.items() if prefix}
    [found] = tree.xpath("/" + selector.removesuffix(suffix), namespaces=prefixes)
    return found


def _attribute(operation: etree._Element, written: str) -> str:
    """
    @param written: C{@name} or C{@prefix:name}.
    @return: the name as lxml has it.
    """
    prefix, colon, local = written.removeprefix("@").partition(":")
    return f"{{{_xml(operation, prefix)}}}{local}" if colon else prefix


def _xml(operation: etree._Element, prefix: str) -> str:
    return "http://www.w3.org/XML/1998/namespace" if prefix == "xml" else operation.nsmap[prefix]


def _add(tree: etree._ElementTree, operation: etree._Element) -> None:
    target = _selected(tree, operation)
    if operation.get("type"):
        name = _attribute(operation, operation.get("type"))
        assert target.get(name) is None
        target.set(name, operation.text or "")
        return
    [added] = operation
    assert not operation.text
    assert not added.tail
    match operation.get("pos"):
        case None:
            target.append(added)
        case "prepend":
            text, target.text = target.text, None
            target.insert(0, added)
            added.tail = text
        case "before":
            target.addprevious(added)
        case "after":
            # lxml takes the text after an element for a part of it.
            tail, target.tail = target.tail, None
            target.addnext(added)
            added.tail = tail


def _replace(tree: etree._ElementTree, operation: etree._Element) -> None:
    selector = operation.get("sel")
    _, slash, last = selector.rpartition("/")
    if last.startswith("@"):
        target = _selected(tree, operation, slash + last)
        name = _attribute(operation, last)
        assert target.get(name) is not None
        target.set(name, operation.text or "")
        return
    target = _selected(tree, operation)
    [new] = operation
    new.tail = target.tail
    if target.getparent() is not None:
        target.getparent().replace(target, new)
        return
    # What stands around the root stays there.
    before, after = list(target.itersiblings(preceding=True)), list(target.itersiblings())
    tree._setroot(deepcopy(new))
    for sibling in reversed(before):
        tree.getroot().addprevious(sibling)
    for sibling in reversed(after):
        tree.getroot().addnext(sibling)


def _remove(tree: etree._ElementTree, operation: etree._Element) -> None:
    selector = operation.get("sel")
    _, slash, last = selector.rpartition("/")
    if last.startswith("@"):
        del _selected(tree, operation, slash + last).attrib[_attribute(operation, last)]
        return
    target = _selected(tree, operation)
    parent, before = target.getparent(), target.getprevious()
    if target.tail:
        if before is None:
            parent.text = (parent.text or "") + target.tail
        else:
            before.tail = (before.tail or "") + target.tail
    parent.remove(target)


_OPERATIONS = {"add": _add, "replace": _replace, "remove": _remove}

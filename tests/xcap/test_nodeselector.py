"""What is meant within a document (RFC 4825 §6.3), written again, up to an ancestor, and with the
namespace of its usage."""

from __future__ import annotations

from sipapp.xcap.nodeselector import AttributeSelector
from sipapp.xcap.selector import parseNodeSelector


def test_text() -> None:
    """A selector is written in one way, which means the same."""
    selector = parseNodeSelector(
        "a:foo/bar%5b2%5d%5b@x='1%22%2f2'%5d/%2a/@y%C3%A9", "xmlns(a=urn:a)"
    )
    assert selector.text == "a:foo/bar%5B2%5D%5B@x='1%22%2F2'%5D/*/@y%C3%A9"
    assert selector.toReference() == f"{selector.text}?xmlns(a=urn:a)"
    assert parseNodeSelector("a/namespace::*").toReference() == "a/namespace::*"


def test_ancestors() -> None:
    selector = parseNodeSelector("a:b/c[1]/d/@e", "xmlns(a=urn:a)")
    assert [selector.upTo(count).toReference() for count in (1, 2, 3)] == [
        "a:b?xmlns(a=urn:a)",
        "a:b/c%5B1%5D?xmlns(a=urn:a)",
        "a:b/c%5B1%5D/d?xmlns(a=urn:a)",
    ]
    assert selector.upTo(3).terminal is None


def test_defaultNamespace() -> None:
    """It is that of elements without a prefix; attributes are in it only with one."""
    selector = parseNodeSelector("foo/*/p:bar[@x='1']/@y", "xmlns(p=urn:p)")
    resolved = selector.resolved("urn:default")
    assert [each.namespace for each in resolved.steps] == ["urn:default", None, "urn:p"]
    assert resolved.steps[2].attribute == (("", "x"), "1")
    assert resolved.terminal == AttributeSelector(("", "y"), "@y")
    assert resolved.toReference() == selector.toReference()
    assert resolved.resolved("urn:other") == resolved
    assert selector.resolved("").steps[0].namespace == ""

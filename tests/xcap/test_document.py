"""Tests of C{sipapp.xcap.document}."""

from __future__ import annotations

import pytest
from hypothesis import given

from sipapp.xcap.document import Bindings, Document
from sipapp.xcap.elements import Element
from sipapp.xcap.errors import NotWellFormed
from sipapp.xcap.nodeselector import NodeSelector
from sipapp.xcap.starttag import AttributeText
from tests.support.work import callsOf
from tests.xcap.documents import documents, selector, selectors

_BODY = b"""<?xml version="1.0"?>
<a xmlns="urn:d" xmlns:p="urn:p" i="0">
  <b i="1">first</b>
  <p:b i="1" p:i="2"/>
  <b i="2" k="3"><c/><c/></b>
  <d xmlns=""><b i="1"/></d>
  <b xmlns:q="urn:q" i='1&amp;2' q:i='"'/>
</a>"""
_DOCUMENT = Document(_BODY)


@pytest.mark.parametrize(
    ("text", "slice_"),
    [
        ("a", _BODY[22:]),
        ("*", _BODY[22:]),
        ("a[1]", _BODY[22:]),
        ('*[1][@i="0"]', _BODY[22:]),
        ("a/b[1]", b'<b i="1">first</b>'),
        ('a/b[@i="1"]', b'<b i="1">first</b>'),
        ('a/b[1][@i="1"]', b'<b i="1">first</b>'),
        ("a/p:b", b'<p:b i="1" p:i="2"/>'),
        ("a/p:b[1]", b'<p:b i="1" p:i="2"/>'),
        ("a/*[2]", b'<p:b i="1" p:i="2"/>'),
        ('a/*[@p:i="2"]', b'<p:b i="1" p:i="2"/>'),
        ('a/*[@i="2"]', b'<b i="2" k="3"><c/><c/></b>'),
        ("a/b[2]/c[2]", b"<c/>"),
        ("a/*[4]/*", b'<b i="1"/>'),
        ('a/b[@i="1&amp;2"]', b"""<b xmlns:q="urn:q" i='1&amp;2' q:i='"'/>"""),
        ('a/b[@q:i="&quot;"]', b"""<b xmlns:q="urn:q" i='1&amp;2' q:i='"'/>"""),
        ("a/@i", b"0"),
        ('a/*[@i="2"]/@k', b"3"),
        ("a/p:b/@i", b"1"),
        ("a/p:b/@p:i", b"2"),
        ("a/b[3]/@i", b"1&amp;2"),
        ("a/b[3]/@q:i", b'"'),
    ],
)
def test_found(text: str, slice_: bytes) -> None:
    found = _DOCUMENT.find(selector(text))
    assert isinstance(found, Element | AttributeText)
    assert _BODY[found.start : found.end] == slice_


@pytest.mark.parametrize(
    "text",
    [
        "b",
        "p:a",
        "a[2]",
        'a[@i="1"]',
        'a[@p:i="0"]',
        "a/b",
        "a/*",
        "a/b[0]",
        "a/b[4]",
        "a/b[999999999999999999999]",
        'a/*[@i="1"]',
        'a/b[2][@i="1"]',
        "a/q:b",
        "a/*[4]/b",
        "a/b/c[1]",
        "a/b[2]/c",
        "a/b[2]/c[1]/c",
        "a/@k",
        "a/@p:i",
        "a/b/@i",
        "a/@xmlns",
        "a/b[1]/@q:i",
        "a/d/namespace::*",
    ],
)
def test_notFound(text: str) -> None:
    """Nothing is selected, or by one of the steps more than one element (RFC 4825 §6.3)."""
    assert _DOCUMENT.find(selector(text)) is None


def test_bindings() -> None:
    """The example of RFC 4825 §7.10."""
    body = b"""<?xml version="1.0"?>
<foo xmlns="urn:test:default-namespace">
  <ns1:bar xmlns:ns1="urn:test:namespace1-uri" xmlns="urn:test:namespace1-uri">
    <baz/>
    <ns2:baz xmlns:ns2="urn:test:namespace2-uri"/>
  </ns1:bar>
  <ns3:hi xmlns:ns3="urn:test:namespace3-uri">
    <there/>
  </ns3:hi>
</foo>"""
    found = Document(body).find(
        selector(
            "foo/a:bar/b:baz/namespace::*",
            "xmlns(a=urn:test:namespace1-uri)xmlns(b=urn:test:namespace1-uri)",
            "urn:test:default-namespace",
        )
    )
    assert isinstance(found, Bindings)
    assert found.toXML() == (
        b'<baz xmlns="urn:test:namespace1-uri" xmlns:ns1="urn:test:namespace1-uri"/>'
    )


@pytest.mark.parametrize(
    ("text", "bindings"),
    [
        ("a", b'<a xmlns="urn:d" xmlns:p="urn:p"/>'),
        ("a/p:b", b'<p:b xmlns="urn:d" xmlns:p="urn:p"/>'),
        ("a/*[4]", b'<d xmlns:p="urn:p"/>'),
        ("a/*[4]/*", b'<b xmlns:p="urn:p"/>'),
        ("a/*[5]", b'<b xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"/>'),
    ],
)
def test_bindingsInScope(text: str, bindings: bytes) -> None:
    found = _DOCUMENT.find(selector(text + "/namespace::*"))
    assert isinstance(found, Bindings)
    assert found.toXML() == bindings


def test_bindingsAreEscaped() -> None:
    document = Document(b"<a xmlns:p='&lt;\"&amp;'/>")
    found = document.find(selector("a/namespace::*", "", ""))
    assert isinstance(found, Bindings)
    assert Document(found.toXML()).root.declared == {"p": '<"&'}


def test_path() -> None:
    """As far as the steps lead."""
    steps = selector("a/b[2]/c[1]/d/e").steps
    assert [each.name[1] for each in _DOCUMENT.path(steps)] == ["a", "b", "c"]
    assert _DOCUMENT.path(selector("b").steps) == ()


@pytest.mark.parametrize(
    ("slice_", "isElement"),
    [
        (_BODY[22:], True),
        (b'<b i="1">first</b>', True),
        (b"<c/>", True),
        (b'<b i="1"/>', True),
        (b"<c/><c/>", False),
        (b"<c/", False),
        (b"first", False),
        (b" ", False),
        (b"", False),
        (b"\n<a", False),
    ],
)
def test_elementAt(slice_: bytes, isElement: bool) -> None:
    start = _BODY.index(slice_)
    assert (_DOCUMENT.elementAt(start, start + len(slice_)) is not None) == isElement


def test_isNoElementBehindTheRoot() -> None:
    assert _DOCUMENT.elementAt(len(_BODY), len(_BODY)) is None


def test_notWellFormed() -> None:
    with pytest.raises(NotWellFormed):
        Document(b"<a>")


@given(documents(), selectors())
def test_oneOrNone(body: bytes, node: NodeSelector) -> None:
    """Whatever is selected is there."""
    document = Document(body)
    found = document.find(node)
    if isinstance(found, Element):
        assert document.elementAt(found.start, found.end) is found
    elif isinstance(found, AttributeText):
        quotes = body[found.start - 1], body[found.end]
        assert quotes in ((0x22, 0x22), (0x27, 0x27))
        assert body[found.start : found.end].count(quotes[0]) == 0


@pytest.mark.parametrize(
    "text", ["a/b", "a/b[100]", 'a/b[@i="50"]', "a/*/namespace::*", 'a/b[@i="50"]/c/@i', "a/c/c/c"]
)
def test_linear(text: str) -> None:
    node = selector(text, "", "")

    def document(count: int) -> Document:
        children = b"".join(b"<b i='%d'><c i='1'/></b>" % each for each in range(count))
        return Document(b"<a>" + children + b"</a>")

    small, large = document(100), document(400)
    assert callsOf(lambda: large.find(node)) <= 4.2 * callsOf(lambda: small.find(node)) + 10

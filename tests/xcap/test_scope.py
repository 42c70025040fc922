"""Tests of C{sipapp.xcap.scope}."""

from __future__ import annotations

import pytest

from sipapp.xcap.namespaces import XML
from sipapp.xcap.scope import EVERYWHERE, Scope, takeDeclarations

_OUTER = Scope({"": "urn:d", "p": "urn:p"}, EVERYWHERE)
_INNER = Scope({"": "", "q": "urn:q"}, _OUTER)


@pytest.mark.parametrize(
    ("scope", "written", "name"),
    [
        (EVERYWHERE, "a", ("", "a")),
        (EVERYWHERE, "xml:a", (XML, "a")),
        (_OUTER, "a", ("urn:d", "a")),
        (_OUTER, "p:a", ("urn:p", "a")),
        (_INNER, "a", ("", "a")),
        (_INNER, "p:a", ("urn:p", "a")),
        (_INNER, "q:é", ("urn:q", "é")),
    ],
)
def test_elementName(scope: Scope, written: str, name: tuple[str, str]) -> None:
    assert scope.elementName(written) == name
    assert scope.elementName(written) == name


def test_theDefaultNamespaceIsNotForAttributes() -> None:
    assert _OUTER.attributeName("a") == ("", "a")
    assert _OUTER.attributeName("p:a") == ("urn:p", "a")


@pytest.mark.parametrize("written", ["q:a", ":a", "p:", "p:1", "p:a:b", "xmlns:a", ":"])
def test_noName(written: str) -> None:
    for name in _OUTER.elementName, _OUTER.attributeName:
        with pytest.raises(ValueError, match=r"is no name|is not bound"):
            name(written)


def test_declarations() -> None:
    attributes = {"a": "1", "xmlns": "", "xmlns:p": "urn:p", "xmlnsp": "2", "xmlns:xml": XML}
    assert takeDeclarations(attributes) == {"": "", "p": "urn:p", "xml": XML}
    assert attributes == {"a": "1", "xmlnsp": "2"}


@pytest.mark.parametrize(
    ("written", "namespace"),
    [
        ("xmlns:p", ""),
        ("xmlns:", "urn:p"),
        ("xmlns:p:q", "urn:p"),
        ("xmlns:1", "urn:p"),
        ("xmlns:xmlns", "urn:p"),
        ("xmlns:xml", "urn:p"),
        ("xmlns:p", XML),
        ("xmlns", XML),
        ("xmlns", "http://www.w3.org/2000/xmlns/"),
    ],
)
def test_noDeclaration(written: str, namespace: str) -> None:
    """Namespaces in XML 1.0 §3."""
    with pytest.raises(ValueError, match="cannot be"):
        takeDeclarations({written: namespace})

"""The query of a selector (RFC 4825 §6.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.xcap.errors import BadSelector
from sipapp.xcap.namespaces import XML, parseBindings


@pytest.mark.parametrize(
    ("query", "bound"),
    [
        ("", {}),
        ("xmlns(a=urn:a)", {"a": "urn:a"}),
        (
            "xmlns(a=urn:test:namespace1-uri)xmlns(b=urn:b)",
            {"a": "urn:test:namespace1-uri", "b": "urn:b"},
        ),
        ("xmlns(a=urn:a) \txmlns(b=urn:b) ", {"a": "urn:a", "b": "urn:b"}),
        ("xmlns(a = urn:a)", {"a": "urn:a"}),
        # The binding context is built from left to right.
        ("xmlns(a=urn:a)xmlns(a=urn:b)", {"a": "urn:b"}),
        ("xmlns(a=urn:(b))", {"a": "urn:(b)"}),
        ("xmlns(a=urn:^(^^^))xmlns(b=c)", {"a": "urn:(^)", "b": "c"}),
        ("xmlns(a=x=y&z)", {"a": "x=y&z"}),
        (f"xmlns(xml={XML})", {}),
        ("xmlns(é=urn:é)", {"é": "urn:é"}),
        # RFC 4825 §6.4: other schemes are ignored, and case is part of their names.
        ("xpointer(/a)", {}),
        ("XMLNS(a=urn:a)", {}),
        ('xpath1(id("x")) xmlns(a=urn:a) x:y(^)xmlns^(b=c^))', {"a": "urn:a"}),
    ],
)
def test_bindings(query: str, bound: dict[str, str]) -> None:
    assert parseBindings(query) == {"xml": XML, **bound}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("a=b", "binds no prefix"),
        ("xmlns", "binds no prefix"),
        ("xmlns()", "binds no prefix"),
        ("xmlns(=urn:a)", "binds no prefix"),
        ("xmlns(a:b=urn:a)", "binds no prefix"),
        ("xmlns(1=urn:a)", "binds no prefix"),
        ("xmlns(a)", "binds no prefix"),
        ("xmlns(a=urn:a)&x", "binds no prefix"),
        ("xmlns(a=urn:a))", "binds no prefix"),
        ("1(a)", "binds no prefix"),
        ("x:(a)", "binds no prefix"),
        ("xpointer(/a", "does not end"),
        (" xmlns(a=urn:a)", "binds no prefix"),
        ("xmlns(a=urn:a", "does not end"),
        ("xmlns(a=urn:(a)", "does not end"),
        ("xmlns(a=urn:^a)", "escapes nothing"),
        ("xmlns(a=urn:^", "escapes nothing"),
        ("xmlns(a=)", "bound to nothing"),
        ("xmlns(xml=urn:a)", "must not be bound"),
        (f"xmlns(a={XML})", "must not be bound"),
        ("xmlns(xmlns=urn:a)", "must not be bound"),
    ],
)
def test_noBindings(query: str, why: str) -> None:
    with pytest.raises(BadSelector, match=why):
        parseBindings(query)


_text = st.text(st.sampled_from("ab^() \t:%é"), min_size=1).filter(lambda text: text.strip())


@given(st.dictionaries(st.sampled_from("abc"), _text.map(str.strip)))
def test_escapes(bound: dict[str, str]) -> None:
    """What is escaped is read as it was."""
    escapes = str.maketrans({"^": "^^", "(": "^(", ")": "^)"})
    query = "".join(f"xmlns({prefix}={uri.translate(escapes)})" for prefix, uri in bound.items())
    assert parseBindings(query) == {"xml": XML, **bound}

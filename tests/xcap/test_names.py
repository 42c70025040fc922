"""How documents and their users are called (RFC 4825 §6.2)."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.xcap.errors import BadSelector
from sipapp.xcap.names import DocumentName, canonicalXUI
from sipapp.xcap.selector import parseSelector

_DOMAIN = "example.com"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (
            DocumentName("resource-lists", "sip:alice@example.com", "index"),
            "resource-lists/users/sip:alice@example.com/index",
        ),
        (DocumentName("xcap-caps", "", "index"), "xcap-caps/global/index"),
        (DocumentName("a", "tel:+1555", "b/c d"), "a/users/tel:+1555/b/c%20d"),
        (DocumentName("a", "sip:al%20ice@b", "é"), "a/users/sip:al%2520ice@b/%C3%A9"),
        (DocumentName("a", 'sip:"?#[]@b', "~"), "a/users/sip:%22%3F%23%5B%5D@b/~"),
    ],
)
def test_path(name: DocumentName, path: str) -> None:
    assert name.toPath() == path
    assert parseSelector(path).document == name


def test_trees() -> None:
    assert DocumentName("a", "", "index").isGlobal
    assert not DocumentName("a", "sip:a@b", "index").isGlobal


def test_order() -> None:
    """Documents are listed by usage, then by user: the global tree is before all users."""
    parts = ["baa", "aba", "aab", "aaa"]
    names = [DocumentName(*part) for part in parts] + [DocumentName("a", "", "z")]
    assert sorted(names) == names[::-1]


_WRONG = [
    ("", "a name is empty"),
    (".", "a name is a dot segment"),
    ("..", "a name is a dot segment"),
    ("~~", "a name is the separator of node selectors"),
    ("a\0", "there is a control character in a name"),
    ("a\nb", "there is a control character in a name"),
    ("\x7f", "there is a control character in a name"),
    ("\x85", "there is a control character in a name"),
]


@pytest.mark.parametrize(("part", "why"), [*_WRONG, ("a/b", "there is a slash in a name")])
def test_noAUID(part: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        DocumentName(part, "sip:a@b", "index")


@pytest.mark.parametrize(("part", "why"), [*_WRONG[1:], ("a/b", "there is a slash in a name")])
def test_noXUI(part: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        DocumentName("a", part, "index")


@pytest.mark.parametrize(("part", "why"), _WRONG)
def test_noPath(part: str, why: str) -> None:
    for path in (part, f"a/{part}", f"{part}/a", f"a/{part}/b"):
        with pytest.raises(ValueError, match=why):
            DocumentName("a", "sip:a@b", path)


def test_noNameFromElsewhere() -> None:
    """What is read from a file or a connection is looked at as well."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"auid": "a", "xui": "", "path": "../b"}', type=DocumentName)


@pytest.mark.parametrize(
    ("text", "xui"),
    [
        ("sip:alice@example.com", "sip:alice@example.com"),
        ("SIP:alice@EXAMPLE.com.", "sip:alice@example.com"),
        ("sips:alice@example.com", "sip:alice@example.com"),
        ("sips:alice@example.com:5061", "sip:alice@example.com"),
        ("sip:alice@example.com:5060", "sip:alice@example.com"),
        ("sip:alice@example.com:5070", "sip:alice@example.com"),
        ("sip:alice:secret@example.com;transport=tcp?to=x", "sip:alice@example.com"),
        ("sip:%61lice@example.com", "sip:alice@example.com"),
        ("sip:[2001:DB8::0:1]", "sip:[2001:db8::1]"),
        ("alice@Example.com", "sip:alice@example.com"),
        ("alice", "sip:alice@example.com"),
        ("Alice", "sip:Alice@example.com"),
        ("+15550123", "sip:+15550123@example.com"),
        # A name is not a URI, and what looks like escapes or a password is part of it.
        ("al%20ice", "sip:al%2520ice@example.com"),
        ("1:2", "sip:1%3A2@example.com"),
        ("a/b", "sip:a%2Fb@example.com"),
        # What the path of the request has encoded is decoded here, and encoded for the URI.
        ("sip:al ice@example.com", "sip:al%20ice@example.com"),
        ("sip:al%20ice@example.com", "sip:al%20ice@example.com"),
        ("sip:é@example.com", "sip:%C3%A9@example.com"),
        ("sip:%FF@example.com", "sip:%FF@example.com"),
        ("a@b@example.com", "sip:a%40b@example.com"),
        ("sip:a/b@example.com", "sip:a%2Fb@example.com"),
        ("sip:%2e%2e@example.com", "sip:..@example.com"),
        ("tel:+1-555-0123", "tel:+15550123"),
        ("TEL:7042;phone-context=Example.com;ext=1", "tel:7042;phone-context=example.com"),
        ("tel:1;phone-context=%0A%2541", "tel:1;phone-context=%0A%2541"),
        ("IM:Alice@Example.com", "im:Alice@Example.com"),
    ],
)
def test_canonical(text: str, xui: str) -> None:
    assert canonicalXUI(text, _DOMAIN) == xui
    assert canonicalXUI(xui, "elsewhere.example") == xui


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "sip:", "sip:@", "alice@", "@example.com", "sip:alice@", "sip:a@b c", "a@b/c"),
        *("sip:a%zz@example.com", "sip:alice@256.1.1.1", "sip:alice@exa mple", "sip:a@é"),
        *("tel:x", "tel:7042", "im:", "im:a b", "http://example.com/", "x:..\x85", "tel:1;a=1;a=1"),
        *("tel:1;phone-context=a%2Fb", "sip:am.5.", "alice@256.1.1.1."),
    ],
)
def test_noUser(text: str) -> None:
    with pytest.raises(BadSelector, match="is not a user"):
        canonicalXUI(text, _DOMAIN)


@given(st.one_of(st.text(), st.from_regex(r"\A(sips?:)?[^/]{1,9}@[a-z]{1,4}(:[0-9]+)?\Z")))
def test_canonicalStays(text: str) -> None:
    """Canonical, a user has one spelling, can be in a name, and is found by its path."""
    try:
        xui = canonicalXUI(text, _DOMAIN)
    except BadSelector:
        return
    assert canonicalXUI(xui, "elsewhere.example") == xui
    name = DocumentName("a", xui, "index")
    assert parseSelector(name.toPath()).document == name


@given(st.text(min_size=1).filter(lambda text: ":" not in text and "@" not in text))
def test_names(text: str) -> None:
    """No two names are one user, and none is a user of another domain."""
    xui = canonicalXUI(text, _DOMAIN)
    assert xui.endswith(f"@{_DOMAIN}")
    assert canonicalXUI(f"{text}x", _DOMAIN) != xui
    assert canonicalXUI(f"{text}%", _DOMAIN) != xui


def test_canonicalName() -> None:
    mine = DocumentName("a", "alice", "index").canonical(_DOMAIN)
    assert mine == DocumentName("a", "sip:alice@example.com", "index")
    everybodys = DocumentName("a", "", "index")
    assert everybodys.canonical(_DOMAIN) is everybodys
    with pytest.raises(BadSelector):
        DocumentName("a", "alice@", "index").canonical(_DOMAIN)

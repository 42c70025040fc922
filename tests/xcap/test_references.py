"""URIs by their grammar (RFC 3986)."""

from __future__ import annotations

import pytest

from sipapp.xcap.references import isHTTP, isRelativePath


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a/b:c//d",
        "resource-lists/users/sip:bill@example.com/index/~~/resource-lists/list%5b@name=%22a%22%5d",
        "a?xmlns(b=urn:c)/d?",
        "%2Fa",
    ],
)
def test_relativePath(text: str) -> None:
    assert isRelativePath(text)
    assert not isHTTP(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://a",
        "HTTPS://user@a.example:8443/b/c?d/e",
        "http://[2001:db8::1]/a",
        "http://a//b/%5b@name=%22a%22%5d",
    ],
)
def test_http(text: str) -> None:
    assert isHTTP(text)
    assert not isRelativePath(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "/a", "a:b", "a b", "a%", "a%2", "a%zz", "a[1]", 'a"b', "a#b", "a?b#c", "a\n", "ä"),
        *("http:", "http:/a", "http://", "http:///a", "http://a b", "http://a#b", "ftp://a"),
    ],
)
def test_neither(text: str) -> None:
    assert not isRelativePath(text)
    assert not isHTTP(text)


def test_longOnesTakeNoLonger() -> None:
    assert isRelativePath("a/" * 500_000)
    assert not isRelativePath("a/" * 500_000 + "%")
    assert not isHTTP("http://" + "a%20" * 250_000 + "%")

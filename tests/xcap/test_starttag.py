"""Tests of C{sipapp.xcap.starttag}."""

from __future__ import annotations

import pytest

from sipapp.xcap.starttag import StartTag, tagEnd


@pytest.mark.parametrize(
    "tag",
    [
        b"<a>",
        b"<a/>",
        b"<p:a >",
        b"<a b='>'>",
        b"<a b='\"/>' c=\"'>\"\n>",
        b"<a\nb = '1'\tp:c='' />",
        "<é ü='ß'>".encode(),
    ],
)
def test_tagEnd(tag: bytes) -> None:
    assert tagEnd(b"<x>" + tag + b"</a>'>\"", 3) == 3 + len(tag)


def test_attributes() -> None:
    body = "<x>é<p:a xmlns:p='urn:p'\n b = \"'/>\" p:c='é' d=''\n/>".encode()
    tag = StartTag.at(body, body.index(b"<p:a"))
    assert tag.name == "p:a"
    assert [
        (each.prefix, each.local, body[each.start : each.end].decode()) for each in tag.attributes
    ] == [
        ("xmlns", "p", "urn:p"),
        ("", "b", "'/>"),
        ("p", "c", "é"),
        ("", "d", ""),
    ]
    assert body[tag.attributesEnd :] == b"\n/>"
    assert [body[each.before : each.start - 1].decode() for each in tag.attributes] == [
        " xmlns:p=",
        "\n b = ",
        " p:c=",
        " d=",
    ]


def test_noAttributes() -> None:
    body = b"<a ><b></b></a>"
    assert StartTag.at(body, 0) == StartTag("a", (), 2)
    assert StartTag.at(body, 4) == StartTag("b", (), 6)

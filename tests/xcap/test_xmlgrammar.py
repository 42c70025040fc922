"""The pieces of XML that selectors are made of: they are what a parser says they are."""

from __future__ import annotations

import re
from xml.parsers import expat

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sipapp.xcap.xmlgrammar import ATTVALUE, NCNAME, attributeValue


def valueOf(text: str) -> str | None:
    """
    @return: what expat says the value of an attribute is that is written like this; C{None} if
        there is none.
    """
    values: list[str] = []
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = lambda name, attributes: values.append(attributes["b"])
    try:
        parser.Parse(f'<a b="{text}"/>'.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError:
        return None
    return values[0]


_pieces = st.sampled_from(
    [
        *("&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&nbsp;", "&AMP;", "&", ";", "&#", "&amp"),
        *("&#65;", "&#x41;", "&#X41;", "&#9;", "&#xD;", "&#0;", "&#000000000000065;", "&#65536;"),
        *("&#1114112;", "&#x10FFFF;", "&#xD800;", "&#xfffe;", "&#xg;", "&#-1;", "&#\u0661;"),
        *("\r\n", "\r", "\n", "\t", " ", "a", "é", "\x01", "\uffff", "\U0001f600"),
    ]
)


@given(st.lists(st.one_of(_pieces, st.text(max_size=3))).map("".join))
@example("a\r\n\tb&#13;&#10;&#9;")
@example("&amp;lt;")
@example("&#" + "9" * 5000 + ";")
def test_likeAParser(text: str) -> None:
    text = text.replace('"', "").replace("<", "")
    try:
        mine = attributeValue(text)
    except ValueError:
        mine = None
    assert mine == valueOf(text)


_isName = re.compile(rf"{NCNAME}\Z").match
_isValue = re.compile(rf"{ATTVALUE}\Z").match


@pytest.mark.parametrize(
    "text", ["a", "_", "resource-lists", "a.b", "é", "a1", "名前", "\U00010000"]
)
def test_name(text: str) -> None:
    assert _isName(text)


@pytest.mark.parametrize("text", ["", "1a", "-a", ".a", "a:b", "a b", "a\n", "\xd7", "a\0", "@a"])
def test_noName(text: str) -> None:
    assert not _isName(text)


@pytest.mark.parametrize("text", ['""', "''", '"\'"', "'\"'", '"a]/b[1]"', '"\n"'])
def test_value(text: str) -> None:
    assert _isValue(text)


@pytest.mark.parametrize("text", ["", '"', "\"'", '"""', "a", '"<"', "'<'", '""x'])
def test_noValue(text: str) -> None:
    assert not _isValue(text)

"""The pieces that header fields are made of."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sipapp.sip
from sipapp.sip import (
    escape,
    formatParams,
    isToken,
    parseParams,
    quote,
    splitCommas,
    unescape,
    unquote,
)
from sipapp.sip.grammar import parseByte, parseNumber

TOKENS = st.text("abcXYZ019-.!%*_+`'~", min_size=1)
LINE_TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=()))


@pytest.mark.parametrize("text", ["a", "INVITE", "-.!%*_+`'~", "0"])
def test_tokens(text):
    assert isToken(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "é", "a/b", '"a"', "a\0", "\u0661"])
def test_notTokens(text):
    assert not isToken(text)


@given(LINE_TEXT)
def test_quoteAndUnquoteAreInverse(text):
    assert unquote(quote(text)) == text


@given(LINE_TEXT)
def test_quotedTextIsOneParameterValue(text):
    assert parseParams(f";a={quote(text)};b") == {"a": text, "b": None}


@pytest.mark.parametrize("text", ["\r", "\n", "a\r\nb"])
def test_lineEndsCannotBeQuoted(text):
    with pytest.raises(ValueError, match="CR and LF"):
        quote(text)


def test_unquoteTakesEveryQuotedPair():
    assert unquote('"J Rosenberg \\\\\\""') == 'J Rosenberg \\"'
    assert unquote('"plain"') == "plain"
    assert unquote('""') == ""


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("", [""]),
        ("a", ["a"]),
        (" a , b\t,c ", ["a", "b", "c"]),
        (",,", ["", "", ""]),
        ("<sip:a,b@c>, d", ["<sip:a,b@c>", "d"]),
        ('"a, \\" b" <sip:x>,"c" <sip:y>', ['"a, \\" b" <sip:x>', '"c" <sip:y>']),
        ('a;p="x,y",b', ['a;p="x,y"', "b"]),
        ('<a"b,c>,d"e,f"', ['<a"b,c>', 'd"e,f"']),
        # What is not closed lasts to the end.
        ('a,"b,c', ["a", '"b,c']),
        ("a,<b,c", ["a", "<b,c"]),
        ('a,"b\\",c', ["a", '"b\\",c']),
    ],
)
def test_splitCommas(value, parts):
    assert splitCommas(value) == parts


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("", {}),
        (";a", {"a": None}),
        (";A=B;c=[::1]:5", {"a": "B", "c": "[::1]:5"}),
        (" ; a = b ; c ", {"a": "b", "c": None}),
        (';a="b;c,\\"d"', {"a": 'b;c,"d'}),
        (';a=""', {"a": ""}),
        ("\t;\ta\t=\tb\t", {"a": "b"}),
        ("  ", {}),
    ],
)
def test_parseParams(text, params):
    assert parseParams(text) == params


@pytest.mark.parametrize(
    "text",
    [
        "a",
        ";",
        ";;a",
        ";a;",
        ";a=",
        ";=a",
        ";a=b=c",
        ';a="b',
        ';a="b"c',
        ";a b",
        ";é=1",
        ";a=é",
        ";a\0",
        ";a=\udc80",
        ";a,b",
        ';a="\x01"',
    ],
)
def test_malformedParams(text):
    with pytest.raises(ValueError, match="malformed parameter"):
        parseParams(text)


@pytest.mark.parametrize("text", [";a;a", ";a=1;A=2", " ; tag=1;tag=2"])
def test_repeatedParams(text):
    with pytest.raises(ValueError, match="twice"):
        parseParams(text)


@given(st.dictionaries(TOKENS.map(str.lower), st.none() | LINE_TEXT))
def test_formatAndParseParamsAreInverse(params):
    assert parseParams(formatParams(params)) == params


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("0070", 70), ("255", 255), ("256", 256), ("9" * 70000, 256)]
)
def test_parseNumber(text, number):
    assert parseNumber(text, 255) == number


def test_leadingZerosMeanNothing():
    assert parseNumber("0" * 70000 + "7", 255) == 7
    assert parseNumber("0" * 70000, 255) == 0
    assert parseNumber("0" * 20 + "1" * 20, 10**30) == int("1" * 20)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", " 1", "1 ", "1_0", "\u0661", "\u00b2", "0x1", "1."]
)
def test_notNumbers(text):
    with pytest.raises(ValueError, match="not a number"):
        parseNumber(text, 255)


@pytest.mark.parametrize(
    ("text", "number"),
    [(None, None), ("", None), ("1", 1), ("255", 255), ("256", None), ("x", None)],
)
def test_parseByte(text, number):
    assert parseByte(text) == number


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("abc", "abc"),
        ("%61%4a%4A", "aJJ"),
        ("%C3%A9", "é"),
        ("%00", "\0"),
        ("%ff", "\udcff"),
        ("%", "%"),
        ("%4", "%4"),
        ("%zz%41", "%zzA"),
        ("%2541", "%41"),
        ("é%41\udc80", "éA\udc80"),
    ],
)
def test_unescape(text, plain):
    assert unescape(text) == plain


@given(st.binary(), st.frozensets(st.integers(0, 127)))
def test_escapeAndUnescapeAreInverse(data, safe):
    text = data.decode("utf-8", "surrogateescape")
    assert unescape(escape(text, safe - {ord("%")})) == text


def compiledPatterns() -> Iterator[re.Pattern[str]]:
    """All patterns of the room, which are kept as they are or as their match methods."""
    for info in pkgutil.iter_modules(sipapp.sip.__path__, "sipapp.sip."):
        for value in vars(importlib.import_module(info.name)).values():
            pattern = getattr(value, "__self__", value)
            if isinstance(pattern, re.Pattern):
                yield pattern


def possessiveGroups(parsed: Any) -> Iterator[Any]:
    """
    @param parsed: a pattern, or a part of one, from the parser of C{re}.
    @return: what is repeated possessively and is more than one character.
    """
    for operation, argument in parsed:
        if str(operation) in ("POSSESSIVE_REPEAT", "ATOMIC_GROUP"):
            content = argument[-1] if isinstance(argument, tuple) else argument
            if len(content) != 1 or str(content[0][0]) not in ("IN", "LITERAL", "NOT_LITERAL"):
                yield content
        for part in argument if isinstance(argument, tuple | list) else [argument]:
            for each in part if isinstance(part, list) else [part]:
                if hasattr(each, "data"):
                    yield from possessiveGroups(each)


def test_noPossessiveGroups() -> None:
    """CPython before 3.11.5 matches them wrongly: C{(?:ab)?+} consumes the C{a} of C{ac}."""
    parse = importlib.import_module("re._parser").parse
    assert list(possessiveGroups(parse("x(?:(ab)?+c|d)*")))
    patterns = list(compiledPatterns())
    assert len(patterns) > 10
    for pattern in patterns:
        assert not list(possessiveGroups(parse(pattern.pattern, pattern.flags))), pattern.pattern

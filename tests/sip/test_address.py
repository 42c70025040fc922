"""Addresses: name-addr and addr-spec with parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import (
    SIPURI,
    MalformedHeader,
    MalformedURI,
    NameAddr,
    SIPError,
    TelURI,
    parseNameAddr,
    parseNameAddrList,
    parseURI,
)


@pytest.mark.parametrize(
    ("text", "name", "uri", "params"),
    [
        ("sip:a@b", None, "sip:a@b", {}),
        ("sip:a@b;tag=1", None, "sip:a@b", {"tag": "1"}),
        ("sip:a@b ; Tag = 1", None, "sip:a@b", {"tag": "1"}),
        ("<sip:a@b;x=y>;tag=1", None, "sip:a@b;x=y", {"tag": "1"}),
        ("  <sip:a@b>  ", None, "sip:a@b", {}),
        ("Alice <sip:a@b>", "Alice", "sip:a@b", {}),
        ("Alice\t B. <sip:a@b>", "Alice\t B.", "sip:a@b", {}),
        ("caller<sip:a@b>;tag=323", "caller", "sip:a@b", {"tag": "323"}),
        ('"A, \\"B\\" <c>" <sip:a@b>', 'A, "B" <c>', "sip:a@b", {}),
        ('""<sip:a@b>', "", "sip:a@b", {}),
        ("Пример é <sip:a@b>", "Пример é", "sip:a@b", {}),
        ('"BEL:\\\x07 NUL:\\\x00" <sip:a@b>', "BEL:\x07 NUL:\x00", "sip:a@b", {}),
        ("<tel:+1>", None, "tel:+1", {}),
        ("tel:+1;tag=1", None, "tel:+1", {"tag": "1"}),
        ("X <http://www.example.com>;tag=1", "X", "http://www.example.com", {"tag": "1"}),
        ('<sip:a@b>;+sip.instance="<urn:uuid:1>";reg-id=1', None, "sip:a@b",
         {"+sip.instance": "<urn:uuid:1>", "reg-id": "1"}),
        ("%Z%45 <sip:a@b>", "%Z%45", "sip:a@b", {}),
    ],
)  # fmt: skip
def test_parse(text, name, uri, params):
    address = parseNameAddr(text)
    assert address.displayName == name
    assert str(address.uri) == uri
    assert address.params == params
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "*",
        "<>",
        "sip:a@b?x=y",
        "sip:a,b@c",
        "Bell, Alexander <sip:a@b>",
        '"Watson" < sip:a@b >',
        '"unbalanced <sip:a@b>',
        '"a" "b" <sip:a@b>',
        'a "b" <sip:a@b>',
        "<sip:a@b",
        "sip:a@b>",
        "<sip:a@b>>",
        "<<sip:a@b>>",
        "<sip:a@b> x",
        "<sip:a@b>;",
        "<sip:a@b>;;",
        "<sip:a@b>;tag=1;tag=2",
        "<sip:a@b>;tag=",
        "<sip:a@b>\0",
        "<sip:a@b\0>",
        '"\x07" <sip:a@b>',
        "a\0b <sip:a@b>",
        "<sip:a@256.1.1.1>",
        "<sip:a@b:99999>",
        "<tel:1>",
        "x",
    ],
)
def test_malformed(text):
    with pytest.raises(SIPError) as caught:
        parseNameAddr(text)
    assert caught.value.status == 400
    assert isinstance(caught.value, MalformedHeader | MalformedURI)


def test_parametersWithoutBracketsBelongToTheHeader():
    contact = parseNameAddr("sip:+19725552222@gw1.example.net;unknownparam")
    assert contact.uri.params == {}
    assert contact.params == {"unknownparam": None}
    contact = parseNameAddr("<sip:+19725552222@gw1.example.net;unknownparam>")
    assert contact.uri.params == {"unknownparam": None}
    assert contact.params == {}


def test_tag():
    assert parseNameAddr("<sip:a@b>;tag=x").tag == "x"
    assert parseNameAddr("<sip:a@b;tag=x>").tag is None


@pytest.mark.parametrize(
    ("text", "q"),
    [("", 1.0), (";q=0.33", 0.33), (";q=1", 1.0), (";q=1.000", 1.0), (";q=0", 0.0), (";q=0.", 0.0)],
)
def test_q(text, q):
    assert parseNameAddr(f"<sip:a@b>{text}").q == q


@pytest.mark.parametrize(
    "text", [";q", ";q=1.1", ";q=2", ";q=-1", ";q=0.1234", ";q=x", ";q=.5", ';q=""']
)
def test_badQ(text):
    with pytest.raises(MalformedHeader) as caught:
        _ = parseNameAddr(f"<sip:a@b>{text}").q
    assert caught.value.header == "Contact"


@pytest.mark.parametrize(
    ("text", "expires"),
    [
        ("", None),
        (";expires=0", 0),
        (";expires=60", 60),
        (";expires=280297596632815", 2**32 - 1),
        (";expires=" + "9" * 10000, 2**32 - 1),
        (";expires", 3600),
        (";expires=x", 3600),
        (";expires=-1", 3600),
        (';expires="Sat"', 3600),
    ],
)
def test_expires(text, expires):
    assert parseNameAddr(f"<sip:a@b>{text}").expires == expires


def test_list():
    addresses = parseNameAddrList('"a, b" <sip:a@b>, <sip:c,d@e>;q=1,sip:f@g;x')
    assert [address.displayName for address in addresses] == ["a, b", None, None]
    assert [str(address.uri) for address in addresses] == ["sip:a@b", "sip:c,d@e", "sip:f@g"]


def test_build():
    uri = SIPURI(user="a", host="b")
    assert str(NameAddr(None, uri)) == "<sip:a@b>"
    assert str(NameAddr("Al B", uri, {"tag": "1"})) == "Al B <sip:a@b>;tag=1"
    assert str(NameAddr('"x"', TelURI("+1"))) == '"\\"x\\"" <tel:+1>'
    assert str(NameAddr("", uri)) == '"" <sip:a@b>'
    assert str(NameAddr("é", uri)) == '"é" <sip:a@b>'


def test_withParams():
    address = parseNameAddr("sip:a@b;x=1")
    assert str(address.withParams(tag="t", x=None)) == "<sip:a@b>;x;tag=t"
    assert str(address.withParams({"+sip.instance": "<urn:x>"})) == (
        '<sip:a@b>;x=1;+sip.instance="<urn:x>"'
    )
    assert str(address) == "sip:a@b;x=1"


def test_equalityIsThatOfTheText():
    one = parseNameAddr("<sip:a@b>")
    assert one == NameAddr(None, parseURI("sip:a@b"))
    assert hash(one) == hash(parseNameAddr("<sip:a@b>"))
    assert one != parseNameAddr("sip:a@b")
    assert one != "<sip:a@b>"
    assert repr(one) == "<NameAddr '<sip:a@b>'>"


@given(
    st.none() | st.text(st.characters(exclude_characters="\r\n", exclude_categories=())),
    st.dictionaries(
        st.text("abcxyz-+.", min_size=1),
        st.none() | st.text(st.characters(exclude_characters="\r\n", exclude_categories=())),
    ),
)
def test_buildAndParseAreInverse(name, params):
    uri = parseURI("sip:a%20b@c.example;transport=tcp")
    again = parseNameAddr(str(NameAddr(name, uri, params)))
    assert again.displayName == name
    assert again.uri == uri
    assert again.params == params

"""Names of header fields, and the values that are no addresses."""

import pytest

from sipapp.sip import DISPLAY, CSeq, MalformedHeader, canonical, displayName, parseCSeq
from sipapp.sip.headers import (
    COMPACT,
    KNOWN,
    LISTS,
    parseCallID,
    parseContentLength,
    parseContentType,
    parseMaxForwards,
    parseSeconds,
    parseTokens,
)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("via", "via"),
        ("Via", "via"),
        ("VIA", "via"),
        ("vIa", "via"),
        ("V", "via"),
        ("v", "via"),
        ("cSeQ", "cseq"),
        ("CALL-id", "call-id"),
        ("X-Mine", "x-mine"),
        (" to\t", "to"),
        ("T ", "to"),
        # A Kelvin sign is not a k, whatever str.lower says.
        ("\u212a", "\u212a"),
        ("É", "É"),
        ("", ""),
    ],
)
def test_canonical(name, key):
    assert canonical(name) == key


def test_tablesAgree():
    assert set(COMPACT.values()) <= set(DISPLAY)
    assert set(LISTS) <= set(DISPLAY)
    assert set(KNOWN.values()) == set(DISPLAY)
    for key, form in DISPLAY.items():
        assert canonical(form) == canonical(key) == key


def test_displayName():
    assert displayName("call-id") == "Call-ID"
    assert displayName("www-authenticate") == "WWW-Authenticate"
    assert displayName("VIA") == "VIA"
    assert displayName("X-Mine") == "X-Mine"


@pytest.mark.parametrize(
    ("text", "number", "method"),
    [
        ("1 INVITE", 1, "INVITE"),
        ("0009\t  INVITE", 9, "INVITE"),
        ("0 a%b", 0, "a%b"),
        ("2147483647 ACK", 2147483647, "ACK"),
        ("0" * 1000 + "5 ACK", 5, "ACK"),
    ],
)
def test_cseq(text, number, method):
    cseq = parseCSeq(text)
    assert cseq == CSeq(number, method)
    assert str(cseq) == f"{number} {method}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "INVITE",
        "1INVITE",
        "-1 INVITE",
        "1 INVITE x",
        "1 IN/VITE",
        "\u0661 INVITE",
        "1\u00a0INVITE",
        "1\nINVITE",
        "2147483648 INVITE",
        "36893488147419103232 REGISTER",
        "9" * 10000 + " INVITE",
    ],
)
def test_malformedCSeq(text):
    with pytest.raises(MalformedHeader) as caught:
        parseCSeq(text)
    assert caught.value.header == "CSeq"


@pytest.mark.parametrize(
    "text", ["a", "a@b", "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{", "é", "="]
)
def test_callID(text):
    assert parseCallID(text) == text


@pytest.mark.parametrize("text", ["", "a b", "a\t", "a\0", "a\x7f", "a\r", "a\n"])
def test_malformedCallID(text):
    with pytest.raises(MalformedHeader):
        parseCallID(text)


def test_maxForwards():
    assert parseMaxForwards("0068") == 68
    assert parseMaxForwards("255") == 255


@pytest.mark.parametrize("text", ["", "256", "-1", "7 0", "x", "\u0667"])
def test_malformedMaxForwards(text):
    with pytest.raises(MalformedHeader):
        parseMaxForwards(text)


def test_seconds():
    assert parseSeconds("0") == 0
    assert parseSeconds("3600") == 3600
    assert parseSeconds("1" + "0" * 100) == 2**32 - 1
    with pytest.raises(MalformedHeader):
        parseSeconds("soon")


def test_contentLength():
    assert parseContentLength("00150") == 150


@pytest.mark.parametrize("text", ["-999", "", "1,1", "1 1", "2147483648", "9" * 30, "+1", "0x1"])
def test_malformedContentLength(text):
    with pytest.raises(MalformedHeader):
        parseContentLength(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("application/sdp", "application/sdp"),
        ("Multipart / Mixed ;boundary=7a9", "multipart/mixed"),
        ('text/plain;charset="utf-8"', "text/plain"),
    ],
)
def test_contentType(text, kind):
    assert parseContentType(text) == kind


@pytest.mark.parametrize("text", ["", "text", "text/", "/plain", "text/plain x", "te xt/plain"])
def test_malformedContentType(text):
    with pytest.raises(MalformedHeader):
        parseContentType(text)


def test_tokens():
    assert parseTokens(["a", "", "b"]) == ("a", "b")
    with pytest.raises(MalformedHeader):
        parseTokens(["a b"])

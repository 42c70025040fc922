"""Whom a trace follows."""

from __future__ import annotations

import pytest

from sipapp.tracing import Subject
from sipapp.tracing.subject import read

REMOTE = ("192.0.2.1", 5060)

INVITE = b"""INVITE sip:bob@example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r
f: "Alice" <sip:alice%2Dsmith@Example.NET>;tag=1\r
t: <tel:+49-30-(123)456>\r
i: abc@192.0.2.1\r
CSeq: 1 INVITE\r
m: <sip:+1555@[2001:db8::1]>\r
Content-Length: 0\r
\r
"""
RINGING = b"""SIP/2.0 180 Ringing\r
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r
From: <sip:carol@example.com>;tag=1\r
To: <sip:dave@example.com>;tag=2\r
Call-ID: abc@192.0.2.1\r
CSeq: 1 INVITE\r
Content-Length: 0\r
\r
"""


def isIn(subject: Subject, data: bytes, remote: tuple[str, int] = REMOTE) -> bool:
    return subject.isIn(read(data), remote)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bob",
        "bob@example.com",
        "sip:bob@EXAMPLE.com.",
        "alice-smith",
        "alice-smith@example.net",
        "+4930123456",
        "+49 30 123-456",
        "tel:+4930123456",
        "+1555",
        "+1555@2001:DB8:0::1",
        "abc@192.0.2.1",
        "192.0.2.1",
        "192.0.2.0/24",
        "192.0.2.1:5060",
        "sip:bob@example.com:5061;transport=tls",
        "<sips:bob:secret@example.com;lr>",
        "tel:+49-30-123456;phone-context=example.com",
        "SIP:192.0.2.1:5060;lr",
        "sip:192.0.2.1",
        "sip:bob@",
        "sip:+49 30 123456",
    ],
)
def test_isMeant(text: str) -> None:
    assert isIn(Subject(text), INVITE)


@pytest.mark.parametrize(
    "text",
    [
        "Bob",
        "bob@example.net",
        "alice",
        "49301234567",
        "example.com",
        "abc@192.0.2.2",
        "ABC@192.0.2.1",
        "192.0.2.2",
        "192.0.2.1:5061",
        "192.0.2.1:sip",
        "sip:192.0.2.1:5061",
        "sip:[2001:db8::1]:5060",
        "sip:",
        "<>",
        "198.51.100.0/24",
        "2001:db8::/32",
        "[2001:db8::1]:5060",
        "@",
        ":",
        "\ud800",
    ],
)
def test_isNotMeant(text: str) -> None:
    assert not isIn(Subject(text), INVITE)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("2001:db8::/32", "2001:db8::17"),
        ("[2001:db8::17]:5060", "2001:db8:0::17"),
        ("fe80::1", "fe80::1%eth0"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
    ],
)
def test_addresses(text: str, host: str) -> None:
    assert isIn(Subject(text), INVITE, (host, 5060))


@pytest.mark.parametrize("text", ["bob", "192.0.2.1"])
def test_theRestOfTheCall(text: str) -> None:
    """An answer that names nobody, from somewhere else, belongs to what has been seen."""
    subject, elsewhere = Subject(text), ("198.51.100.1", 5060)
    assert not isIn(subject, RINGING, elsewhere)
    assert isIn(subject, INVITE)
    assert isIn(subject, RINGING, elsewhere)


def test_callsAreForgotten() -> None:
    subject = Subject("bob")
    for number in range(1100):
        assert isIn(subject, INVITE.replace(b"i: abc", b"i: %d" % number))
    elsewhere = ("198.51.100.1", 5060)
    assert isIn(subject, RINGING.replace(b"ID: abc", b"ID: 1099"), elsewhere)
    assert not isIn(subject, RINGING.replace(b"ID: abc", b"ID: 0"), elsewhere)


@pytest.mark.parametrize("data", [b"", b"\0" * 20, b"no SIP at all\r\n\r\n"])
def test_whatCannotBeRead(data: bytes) -> None:
    """It comes from somewhere nevertheless."""
    assert isIn(Subject("192.0.2.1"), data)
    assert isIn(Subject(""), data)
    assert not isIn(Subject("bob"), data)


def test_malformedFields() -> None:
    """The others still count."""
    broken = INVITE.replace(b"sip:bob@example.com SIP", b"sip:bob@@ SIP").replace(b"t: <", b"t: <<")
    assert not isIn(Subject("bob"), broken)
    assert isIn(Subject("alice-smith"), broken)
    assert isIn(Subject("+1555"), broken)

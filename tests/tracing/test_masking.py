"""What nobody gets to see."""

from __future__ import annotations

import pytest

from sipapp.tracing import masked


def message(*lines: str, body: str = "") -> bytes:
    head = "\r\n".join(("REGISTER sip:example.com SIP/2.0", *lines))
    return f"{head}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ('Authorization: Digest username="bob", response="6629fae49393a0", uri="sip:x"', "6629fae"),
        ('proxy-authorization : digest Response = "6629fae49393a0"', "6629fae"),
        ("Authorization: Digest username=bob,response=6629fae", "6629fae"),
        ('Authorization: Digest username="bob",\r\n response="6629fae"', "6629fae"),
        ('Authorization:\r\n Digest nonce="a", RESPONSE="6629fae', "6629fae"),
        ("Authorization: Basic Ym9iOmhpZGRlbg==", "Ym9iOmhpZGRlbg"),
        ("Authorization: Bearer hidden.hidden", "hidden"),
        ("Authorization: hidden", "hidden"),
        ('Authorization: hidden="hidden"', "hidden"),
        ('Authentication-Info: nextnonce="a", rspauth="hidden"', "hidden"),
        ('Proxy-Authentication-Info: rspauth="hidden"', "hidden"),
        ("Contact: <sip:bob:hidden@192.0.2.1>", "hidden"),
        ("Route: <SIPS:bob:hidden@192.0.2.1;lr>", "hidden"),
    ],
)
def test_secrets(line: str, secret: str) -> None:
    data = message("Via: before", line, "Call-ID: after", body="and a body")
    shown = masked(data)
    assert len(shown) == len(data)
    assert secret.encode() in data
    assert secret.encode() not in shown
    for kept in (b"Via: before\r\n", b"\r\nCall-ID: after\r\n\r\nand a body"):
        assert kept in shown
    assert shown.count(b"\r\n") == data.count(b"\r\n")
    assert b"bob" not in data or b"bob" in shown or b"Basic" in shown


def test_keysOfMedia() -> None:
    line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAw|2^20|1:4"
    shown = masked(message("From: <sip:bob@example.com>", body=line))
    assert b"inline:" + b"x" * 36 + b"|2^20|1:4" in shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("k=clear:open sesame", "k=clear:xxxx xxxxxx"),
        ("K=base64:c2VzYW1l", "K=base64:xxxxxxxx"),
        ("a=key-mgmt:mikey AQAFgM0XflAB+/=", "a=key-mgmt:mikey xxxxxxxxxxxxxxx"),
        ("a=ice-pwd:asd88fgpdd777uzjYhagZg", "a=ice-pwd:xxxxxxxxxxxxxxxxxxxxxx"),
        ("k=prompt", "k=prompt"),
        ("a=ice-ufrag:8hhY", "a=ice-ufrag:8hhY"),
    ],
)
def test_otherKeysOfMedia(line: str, shown: str) -> None:
    body = "v=0\r\nm=audio 49170 RTP/AVP 0\r\n{}\r\na=sendrecv\r\n"
    found = masked(message("From: <sip:bob@example.com>", body=body.format(line)))
    assert found == message("From: <sip:bob@example.com>", body=body.format(shown))


@pytest.mark.parametrize(
    "line",
    [
        'WWW-Authenticate: Digest realm="response", nonce="abc"',
        "From: <sip:bob@example.com:5060>;tag=response",
        "Route: <sip:192.0.2.1:5060;lr>, <sip:bob@example.com>",
        "X-Authorization-Hint: response=none",
        "Subject: my response=42",
    ],
)
def test_whatIsNoSecret(line: str) -> None:
    data = message(line, body="Authorities inline : response=1")
    assert masked(data) == data


@pytest.mark.parametrize(
    "data",
    [
        b"Authorization:",
        b"\r\nAuthorization: " * 1000,
        b"sip:" * 16_000,
        b"sip:a:" * 10_000 + b"@",
        b"\r\nAuthorization: Digest" + b" response" * 7_000,
        b"\r\nAuthorization: Digest response" + b" " * 60_000,
        b"\r\nauthorization:" + b"\r\n " * 20_000,
        b"\r\na=key-mgmt:" + b" " * 60_000,
        b"\r\na=key-mgmt:" * 5000,
        bytes(range(256)) * 100,
    ],
    ids=range(10),
)
def test_whateverComes(data: bytes) -> None:
    assert len(masked(data)) == len(data)

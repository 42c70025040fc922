"""L{sipapp.transport.proxyheader}: the headers of the PROXY protocol. Version 1 examples are those
of its specification."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.transport.proxyheader import LONGEST, ProxyHeader, ProxyHeaderError, readProxyHeader

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
EDGE = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
REQUEST = b"GET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n"


def block(kind: int, body: bytes, command: int = 0x21) -> bytes:
    """A header of version 2."""
    return SIGNATURE + struct.pack("!BBH", command, kind, len(body)) + body


def addresses(source: str, port: int = 51234) -> bytes:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    other = "::1" if ":" in source else "127.0.0.1"
    both = socket.inet_pton(family, source) + socket.inet_pton(family, other)
    return both + struct.pack("!HH", port, 5060)


def vector(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


IPV4 = block(0x11, addresses("192.0.2.1"))
# What a header of version 2 may carry: ALPN, authority, a no-op, TLS with its version and name.
VECTORS = (
    vector(0x01, b"sip")
    + vector(0x02, b"example.com")
    + vector(0x04, bytes(5))
    + vector(0x20, b"\x01" + bytes(4) + vector(0x21, b"TLSv1.3") + vector(0x22, b"alice"))
    + vector(0xE0, b"")
)
# The checksum was computed with another implementation, google_crc32c.
CHECKED = block(0x11, addresses("192.0.2.1") + vector(0x03, bytes.fromhex("74daf3d4")))

HEADERS = [
    (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", ("192.168.0.1", 56324)),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", ("255.255.255.255", 65535)),
    (f"PROXY TCP6 {EDGE} {EDGE} 65535 65535\r\n".encode(), (EDGE, 65535)),
    (b"PROXY TCP6 2001:DB8:0::1 ::1 0 5060\r\n", ("2001:db8::1", 0)),
    (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 5060\r\n", ("192.0.2.1", 1)),
    (b"PROXY UNKNOWN\r\n", None),
    (f"PROXY UNKNOWN {EDGE} {EDGE} 65535 65535\r\n".encode(), None),
    (IPV4, ("192.0.2.1", 51234)),
    (block(0x12, addresses("192.0.2.1")), ("192.0.2.1", 51234)),
    (block(0x21, addresses("2001:db8::1")), ("2001:db8::1", 51234)),
    (block(0x21, addresses("::ffff:192.0.2.1")), ("192.0.2.1", 51234)),
    (block(0x11, addresses("192.0.2.1") + VECTORS), ("192.0.2.1", 51234)),
    (block(0x31, bytes(216)), None),
    (block(0x00, b""), None),
    (block(0x00, b"anything"), None),
    (block(0x00, b"", command=0x20), None),
    (block(0xFF, b"anything", command=0x20), None),
    (CHECKED, ("192.0.2.1", 51234)),
]


@pytest.mark.parametrize(("header", "source"), HEADERS)
def test_headers(header: bytes, source: tuple[str, int] | None) -> None:
    """Each is read when it is whole, wherever it is cut, and whatever follows is left alone."""
    whole = ProxyHeader(len(header), source)
    for rest in (b"", REQUEST, header):
        assert readProxyHeader(header + rest) == readProxyHeader(bytearray(header + rest)) == whole
    for end in range(len(header)):
        assert readProxyHeader(header[:end]) is None


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY",
        b"PROXY ",
        b"PROXY TCP4",
        b"PROXY TCP5 192.0.2.1 192.0.2.2 1 2",
        b"PROXY tcp4 192.0.2.1 192.0.2.2 1 2",
        b"proxy TCP4 192.0.2.1 192.0.2.2 1 2",
        b"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 ",
        b"PROXY TCP4\t192.0.2.1 192.0.2.2 1 2",
        b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2",
        b"PROXY TCP4 192.0.2.1 localhost 1 2",
        b"PROXY TCP4 192.0.02.1 192.0.2.2 1 2",
        b"PROXY TCP4 3221225985 192.0.2.2 1 2",
        b"PROXY TCP4 \xd9\xa1.0.0.1 192.0.2.2 1 2",
        b"PROXY TCP4 ::1 ::1 1 2",
        b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2",
        b"PROXY TCP6 [::1] ::1 1 2",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 0x10",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
    ],
)
def test_malformedLines(line: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        readProxyHeader(line + b"\r\n" + REQUEST)


@pytest.mark.parametrize(
    "header",
    [
        SIGNATURE + b"\x11\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x22\x11\x00\x0c" + bytes(12),
        block(0x10, bytes(12)),
        block(0x13, bytes(12)),
        block(0x41, bytes(12)),
        block(0x01, b""),
        block(0x11, bytes(11)),
        block(0x21, bytes(35)),
        block(0x31, bytes(215)),
        block(0x11, bytes(13)),
        block(0x11, bytes(12) + b"\x01\x00"),
        block(0x11, bytes(12) + b"\x01\x00\x05abcd"),
        CHECKED[:-1] + b"\0",
        block(0x11, bytes(12) + vector(0x03, b"")),
        block(0x11, bytes(12) + vector(0x03, bytes(4))),
    ],
)
def test_malformedBlocks(header: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        readProxyHeader(header + REQUEST)


def test_checksumIsLookedAtOnce() -> None:
    """Each one costs a walk over the whole header."""
    twice = CHECKED + vector(0x03, bytes(4))
    with pytest.raises(ProxyHeaderError):
        readProxyHeader(block(0x11, twice[16:]))


@pytest.mark.parametrize(
    "data", [b"INVITE sip:a SIP/2.0\r\n", b"\r\n\r\nPROXY", b"\x16\x03\x01", b"Q"]
)
def test_whatIsNoHeaderIsToldAtOnce(data: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        readProxyHeader(data)


def test_linesHaveABound() -> None:
    """107 bytes with their end (§2.1)."""
    line = b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n"
    assert len(line) == 107
    assert readProxyHeader(line) == ProxyHeader(107, None)
    with pytest.raises(ProxyHeaderError):
        readProxyHeader(b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n")
    assert readProxyHeader(line[:106]) is None
    with pytest.raises(ProxyHeaderError):
        readProxyHeader(line[:105] + b"xx")


def test_blocksHaveABound() -> None:
    """It is known before they are whole."""
    room = LONGEST - 16 - 12 - 3
    header = block(0x11, addresses("192.0.2.1") + vector(0x05, bytes(room)))
    assert readProxyHeader(header) == ProxyHeader(LONGEST, ("192.0.2.1", 51234))
    with pytest.raises(ProxyHeaderError):
        readProxyHeader(block(0x11, bytes(12) + vector(0x05, bytes(room + 1)))[:16])


@given(st.binary(max_size=60), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 1.2.3.4 ", IPV4[:16]]))
def test_anythingIsReadOrRefused(data: bytes, before: bytes) -> None:
    """Nothing else is raised, and what is read once stays the same whatever follows."""
    data = before + data
    try:
        header = readProxyHeader(data)
    except ProxyHeaderError:
        with pytest.raises(ProxyHeaderError):
            readProxyHeader(data + b"more")
    else:
        if header is not None:
            assert header.size <= len(data)
            assert readProxyHeader(data + b"more") == header

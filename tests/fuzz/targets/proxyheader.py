"""The PROXY protocol's header: however it arrives it is the same, it is decided as soon as it can
be, and an address that comes out is one."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from hypothesis import strategies as st

from sipapp.transport.proxyheader import (
    LONGEST,
    ProxyHeader,
    ProxyHeaderError,
    readProxyHeader,
)
from tests.fuzz.target import Target

#: How much is received at a time when it comes slowly.
_PIECES = (1, 2, 5, 16, 100)

Seen = ProxyHeader | str | None


def check(data: bytes) -> None:
    seen = outcome(data)
    if isinstance(seen, ProxyHeader):
        checkHeader(data, seen)
    elif seen is None:
        assert len(data) < LONGEST
    piece = _PIECES[len(data) % len(_PIECES)]
    checkSlowly(data, seen, piece)


def outcome(data: bytes) -> Seen:
    """
    @return: the header, or what is wrong with it, or C{None} as long as that is open.
    """
    try:
        return readProxyHeader(data)
    except ProxyHeaderError as error:
        text = str(error)
        assert text.isascii()
        assert text.isprintable()
        return text


def checkHeader(data: bytes, header: ProxyHeader) -> None:
    assert 0 < header.size <= min(len(data), LONGEST)
    # What follows does not matter, and the last byte does.
    assert outcome(data[: header.size]) == header
    assert outcome(data[: header.size] + b"\r\nOPTIONS") == header
    assert outcome(data[: header.size - 1]) is None
    if header.source is not None:
        host, port = header.source
        assert str(ip_address(host)) == host
        assert 0 <= port <= 65535


def checkSlowly(data: bytes, seen: Seen, piece: int) -> None:
    """What is decided by the beginning is not changed by more, and in the end all is the same."""
    received = bytearray()
    decided: Seen = None
    for start in range(0, min(len(data), 1024), piece):
        received += data[start : start + piece]
        decided = outcome(bytes(received))
        if decided is not None:
            break
    if decided is not None or len(received) == len(data):
        assert type(decided) is type(seen)
        assert isinstance(decided, str) or decided == seen


def _block(command: int, kind: int, content: bytes, length: int | None = None) -> bytes:
    size = len(content) if length is None else length
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", command, kind, size % 65536) + content


_V4 = bytes((192, 0, 2, 1, 198, 51, 100, 1)) + struct.pack("!HH", 51234, 5060)
_V6 = bytes(range(32)) + struct.pack("!HH", 51234, 5061)
_SEEDS = (
    b"PROXY TCP4 192.0.2.1 198.51.100.1 51234 5060\r\nOPTIONS",
    b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n",
    b"PROXY UNKNOWN\r\n",
    b"PROXY UNKNOWN ffff::1 ffff::2 0 0\r\n",
    _block(0x20, 0, b""),
    _block(0x21, 0x11, _V4),
    _block(0x21, 0x21, _V6 + b"OPTIONS", len(_V6)),
    _block(0x21, 0x31, bytes(216)),
    _block(0x21, 0x11, _V4 + b"\x04\x00\x03abc" + b"\x20\x00\x05\x01\0\0\0\0"),
    # A checksum that is right (PP2_TYPE_CRC32C).
    bytes.fromhex("0d0a0d0a000d0a515549540a2000000703000400000000"),
)

_WORDS = (
    *("TCP4", "TCP6", "UNKNOWN", "192.0.2.1", "::1", "0", "5060", "65536", "01"),
    *("::ffff:1.2.3.4", "999.1.1.1", "x"),
)
_lines = st.builds(
    lambda words, blank, end: f"PROXY {blank.join(words)}{end}".encode(),
    st.lists(st.sampled_from(_WORDS), max_size=7),
    st.sampled_from([" ", "  ", "\t"]),
    st.sampled_from(["\r\n", "\n", "", "\r\n\r\n", "x" * 100]),
)
_blocks = st.builds(
    _block,
    st.one_of(st.sampled_from([0x20, 0x21]), st.integers(0, 255)),
    st.one_of(st.sampled_from([0, 0x11, 0x12, 0x21, 0x22, 0x31]), st.integers(0, 255)),
    st.builds(
        lambda addresses, vectors: addresses + b"".join(vectors),
        st.one_of(st.sampled_from([b"", _V4, _V6, bytes(216)]), st.binary(max_size=40)),
        st.lists(
            st.builds(
                lambda kind, value, wrong: struct.pack("!BH", kind, len(value) + wrong) + value,
                st.integers(0, 255),
                st.binary(max_size=10),
                st.sampled_from([0, 0, 0, 1]),
            ),
            max_size=4,
        ),
    ),
    st.one_of(st.none(), st.none(), st.integers(0, 65535)),
)

TARGET = Target(
    what="a header is the same in any pieces, decided early, and its address is one",
    check=check,
    seeds=_SEEDS,
    inputs=st.one_of(_lines, _blocks, st.sampled_from(_SEEDS), st.binary(max_size=20)),
    longest=9000,
)

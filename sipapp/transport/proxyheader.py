"""The header that a load balancer puts before the bytes of a connection that it passes on: the
PROXY protocol, version 1 and 2 (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).

Nothing here knows of sockets. Twisted has parsers too, but they want the header in one piece, take
anything for an address, and have no bound (C{docs/decisions/0010-proxy-protocol.md}).
"""

from __future__ import annotations

import re
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

__all__ = ["LONGEST", "ProxyHeader", "ProxyHeaderError", "readProxyHeader"]

LONGEST = 8192
"""No header is longer than so many bytes. Only one of version 2 can be longer than 107, and that
has a few hundred, or a client's certificate."""

_LINE = b"PROXY "
_LONGEST_LINE = 107
_BLOCK = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = struct.Struct("!12sBBH")
_VECTOR = struct.Struct("!BH")
_LOCAL, _PROXY = 0x20, 0x21

_Kind = type[IPv4Address] | type[IPv6Address]
_LINE_KINDS: dict[bytes, _Kind] = {b"TCP4": IPv4Address, b"TCP6": IPv6Address}
#: By the byte that says what kind of connection it is: length of both addresses and their ports.
_BLOCK_LENGTHS = {0x00: 0, 0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36, 0x31: 216, 0x32: 216}
_BLOCK_KINDS: dict[int, tuple[_Kind, int]] = {12: (IPv4Address, 4), 36: (IPv6Address, 16)}

_isAddress = re.compile(rb"[0-9A-Fa-f.:]{2,39}").fullmatch
_isPort = re.compile(rb"0|[1-9][0-9]{0,4}").fullmatch

_CHECKSUM = 0x03  # PP2_TYPE_CRC32C


class ProxyHeaderError(Exception):
    """What came is no PROXY protocol header, or a broken one: the connection has to be closed. The
    text holds nothing of what was received."""


class ProxyHeader(NamedTuple):
    """A whole header.

    @ivar size: how many bytes it has; what follows is the client's.
    @ivar source: numeric address and port of the client; C{None} if the connection is the
        balancer's own, such as a health check, or it does not say whose it is.
    """

    size: int
    source: tuple[str, int] | None


def readProxyHeader(data: bytes | bytearray) -> ProxyHeader | None:
    """Read the header that a connection begins with. The time that this takes is bounded, however
    much there is.

    @param data: what has been received so far.
    @return: C{None} if there has to come more.
    @raise ProxyHeaderError: as soon as it can be nothing else.
    """
    if data.startswith(_LINE):
        return _readLine(data)
    if data.startswith(_BLOCK):
        return _readBlock(data)
    if _LINE.startswith(data) or _BLOCK.startswith(data):
        return None
    raise ProxyHeaderError("no PROXY protocol header")


def _readLine(data: bytes | bytearray) -> ProxyHeader | None:
    """Version 1: C{PROXY TCP4 192.0.2.1 198.51.100.1 51234 5060}, §2.1."""
    end = data.find(b"\r\n", 0, _LONGEST_LINE)
    if end < 0:
        if len(data) >= _LONGEST_LINE:
            raise ProxyHeaderError("a PROXY line without an end")
        return None
    words = bytes(data[:end]).split(b" ")
    if words[1] == b"UNKNOWN":
        # Whatever follows it is to be ignored.
        return ProxyHeader(end + 2, None)
    kind = _LINE_KINDS.get(words[1])
    if kind is None or len(words) != 6:
        raise ProxyHeaderError("a malformed PROXY line")
    source, _ = (_addressFromText(kind, word) for word in words[2:4])
    port, _ = (_portFromText(word) for word in words[4:6])
    return ProxyHeader(end + 2, (source, port))


def _addressFromText(kind: _Kind, word: bytes) -> str:
    if _isAddress(word) is not None:
        try:
            return _normal(kind(word.decode("ascii")))
        except ValueError:
            pass
    raise ProxyHeaderError("a malformed address in a PROXY line")


def _portFromText(word: bytes) -> int:
    if _isPort(word) is None or int(word) > 65_535:
        raise ProxyHeaderError("a malformed port in a PROXY line")
    return int(word)


def _readBlock(data: bytes | bytearray) -> ProxyHeader | None:
    """Version 2, which is binary, §2.2."""
    if len(data) < _FIXED.size:
        return None
    _, command, kind, length = _FIXED.unpack_from(data)
    size = _FIXED.size + length
    if command not in (_LOCAL, _PROXY):
        raise ProxyHeaderError("an unknown version or command in a PROXY header")
    if size > LONGEST:
        raise ProxyHeaderError("a PROXY header that is too long")
    if command == _LOCAL:
        # The kind is to be ignored, and so is what follows it.
        return ProxyHeader(size, None) if len(data) >= size else None
    addresses = _BLOCK_LENGTHS.get(kind)
    if addresses is None or length < addresses:
        raise ProxyHeaderError(
            "an unknown kind of connection, or no room for it, in a PROXY header"
        )
    if len(data) < size:
        return None
    if kind == 0:
        return ProxyHeader(size, None)
    block = bytes(data[:size])
    _checkVectors(block, _FIXED.size + addresses)
    if addresses not in _BLOCK_KINDS:
        # The path of a unix socket is no address that SIP knows.
        return ProxyHeader(size, None)
    make, width = _BLOCK_KINDS[addresses]
    at = _FIXED.size
    source = _normal(make(block[at : at + width]))
    return ProxyHeader(size, (source, int.from_bytes(block[at + 2 * width :][:2], "big")))


def _normal(address: IPv4Address | IPv6Address) -> str:
    """An IPv4 address written as an IPv6 one is the same: limits must not count it twice."""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _checkVectors(block: bytes, at: int) -> None:
    """Look at the type-length-value vectors that follow the addresses (§2.2.1 to §2.2.7). They have
    to fill the header, and if there is a checksum among them, it has to be right."""
    checked = False
    while at < len(block):
        value = at + _VECTOR.size
        kind, length = _VECTOR.unpack_from(block, at) if value <= len(block) else (0, 0)
        at = value + length
        if at > len(block):
            raise ProxyHeaderError("a vector that is longer than its PROXY header")
        if kind == _CHECKSUM:
            blank = block[:value] + bytes(length) + block[at:]
            if checked or block[value:at] != _crc32c(blank).to_bytes(4, "big"):
                raise ProxyHeaderError("a wrong checksum in a PROXY header")
            checked = True


def _crc32cTable() -> list[int]:
    table = []
    for entry in range(256):
        for _ in range(8):
            entry = entry >> 1 ^ (0x82F63B78 if entry & 1 else 0)
        table.append(entry)
    return table


_TABLE = _crc32cTable()


def _crc32c(data: bytes) -> int:
    """The checksum of RFC 3720 Appendix B.4, which is not the one of C{zlib}."""
    register = 0xFFFF_FFFF
    for byte in data:
        register = register >> 8 ^ _TABLE[(register ^ byte) & 0xFF]
    return register ^ 0xFFFF_FFFF

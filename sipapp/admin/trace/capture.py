"""Messages as a capture that Wireshark and sngrep open: the file format of pcap (its version 2.4),
with packets that begin with their IP header.

The packets are made up from what is known. Of a connection there are only the messages, in segments
that follow each other: no handshake, and nothing that TCP does by itself. What came over TLS stands
there in the clear, as if it were TCP, and with port 5060 in the place of 5061, where programs would
look for TLS.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import BinaryIO

from sipapp.tracing import Sighting

__all__ = ["Capture"]

_MAGIC = 0xA1B2C3D4
_VERSION = (2, 4)
_RAW_IP = 101
_LONGEST = 262_144

_UDP, _TCP = 17, 6
_HOPS = 64
_DONT_FRAGMENT = 0x4000
_PUSH_ACK = 0x18
_WINDOW = 65_535
#: Bytes of a segment: with its headers it fits into an IP packet.
_SEGMENT = 60_000
_SEQUENCE = 1 << 32

#: So many connections are remembered.
_CONNECTIONS = 16_384

_Address = IPv4Address | IPv6Address
_End = tuple[_Address, int]


class Capture:
    """Writes messages as packets."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._number = 0
        # What either end sends next, by the ends as they stand in the packet.
        self._next: OrderedDict[tuple[_End, _End], int] = OrderedDict()
        self._file.write(struct.pack("=IHHiIII", _MAGIC, *_VERSION, 0, 0, _LONGEST, _RAW_IP))
        self._file.flush()

    def add(self, sighting: Sighting) -> None:
        """Write a message. It is in the file when this returns."""
        source, destination = _ends(sighting)
        for payload, protocol in self._payloads(sighting, source, destination):
            packet = self._packet(source[0], destination[0], protocol, payload)
            seconds, fraction = divmod(round(sighting.time * 1_000_000), 1_000_000)
            size = len(packet)
            self._file.write(struct.pack("=IIII", seconds, fraction, size, size) + packet)
        self._file.flush()

    def _payloads(
        self, sighting: Sighting, source: _End, destination: _End
    ) -> Iterator[tuple[bytes, int]]:
        data = sighting.message
        if sighting.transport == "UDP":
            yield _datagram(source, destination, data), _UDP
            return
        for start in range(0, len(data), _SEGMENT):
            piece = data[start : start + _SEGMENT]
            sequence = self._take(source, destination, len(piece))
            awaited = self._take(destination, source, 0)
            yield _segment(source, destination, sequence, awaited, piece), _TCP

    def _take(self, source: _End, destination: _End, size: int) -> int:
        """
        @return: the sequence number of the next bytes in this direction.
        """
        sequence = self._next.pop((source, destination), 1)
        self._next[source, destination] = (sequence + size) % _SEQUENCE
        if len(self._next) > _CONNECTIONS:
            self._next.popitem(last=False)
        return sequence

    def _packet(
        self, source: _Address, destination: _Address, protocol: int, payload: bytes
    ) -> bytes:
        addresses = source.packed + destination.packed
        if source.version == 6:
            return (
                struct.pack("!IHBB", 6 << 28, len(payload), protocol, _HOPS) + addresses + payload
            )
        self._number = (self._number + 1) % 65_536
        head = struct.pack(
            "!BBHHHBB", 0x45, 0, 20 + len(payload), self._number, _DONT_FRAGMENT, _HOPS, protocol
        )
        return head + _sum(head + addresses) + addresses + payload


def _datagram(source: _End, destination: _End, data: bytes) -> bytes:
    """A UDP datagram (RFC 768)."""
    head = struct.pack("!HHH", source[1], destination[1], 8 + len(data))
    found = _sum(_pseudoHeader(source, destination, _UDP, 8 + len(data)) + head + data)
    # 0 says that there is none.
    return head + (b"\xff\xff" if found == b"\0\0" else found) + data


def _segment(source: _End, destination: _End, sequence: int, awaited: int, data: bytes) -> bytes:
    """A TCP segment (RFC 9293 §3.1)."""
    head = struct.pack(
        "!HHIIBBH", source[1], destination[1], sequence, awaited, 5 << 4, _PUSH_ACK, _WINDOW
    )
    pseudo = _pseudoHeader(source, destination, _TCP, 20 + len(data))
    return head + _sum(pseudo + head + bytes(4) + data) + b"\0\0" + data


def _pseudoHeader(source: _End, destination: _End, protocol: int, size: int) -> bytes:
    """What a checksum is about besides (RFC 9293 §3.1, RFC 8200 §8.1)."""
    return source[0].packed + destination[0].packed + struct.pack("!II", size, protocol)


def _sum(data: bytes) -> bytes:
    """The checksum of the internet (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


def _ends(sighting: Sighting) -> tuple[_End, _End]:
    """
    @return: who has sent a message, and who gets it.
    """
    remote = _address(sighting.remote[0])
    local = _address(sighting.local[0])
    if local is None or (remote is not None and local.version != remote.version):
        # Whichever it was that the kernel took.
        local = IPv4Address(0) if remote is None or remote.version == 4 else IPv6Address(0)
    if remote is None:
        remote = type(local)(0)
    ours, theirs = _port(sighting, sighting.local), _port(sighting, sighting.remote)
    ends = (local, ours), (remote, theirs)
    return ends if sighting.direction == "sent" else (ends[1], ends[0])


def _address(text: str) -> _Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _port(sighting: Sighting, end: tuple[str, int]) -> int:
    return 5060 if sighting.transport == "TLS" and end[1] == 5061 else end[1]

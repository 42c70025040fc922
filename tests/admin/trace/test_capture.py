"""Messages as a capture. What Wireshark makes of it is in C{peers/test_tshark.py}."""

from __future__ import annotations

import io
import struct
from ipaddress import ip_address

import pytest

from sipapp.admin.trace.capture import Capture
from sipapp.tracing import Sighting
from tests.admin.trace.sightings import NOON, sighting


def packets(*sightings: Sighting) -> list[tuple[float, bytes]]:
    """
    @return: time and bytes of each packet.
    """
    file = io.BytesIO()
    capture = Capture(file)
    for each in sightings:
        capture.add(each)
    data = file.getvalue()
    assert struct.unpack_from("=IHHiIII", data) == (0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101)
    found, place = [], 24
    while place < len(data):
        seconds, fraction, kept, size = struct.unpack_from("=IIII", data, place)
        assert kept == size
        place += 16
        found.append((seconds + fraction / 1e6, data[place : place + size]))
        place += size
    return found


def total(data: bytes) -> int:
    """RFC 1071: of what contains its own checksum it is 0xFFFF."""
    data += bytes(len(data) % 2)
    found = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while found >> 16:
        found = (found & 0xFFFF) + (found >> 16)
    return found


@pytest.mark.parametrize("size", [0, 1, 2, 101, 65_507])
@pytest.mark.parametrize("isSent", [False, True])
def test_datagrams(size: int, isSent: bool) -> None:
    data = bytes(number % 251 for number in range(size))
    [(moment, packet)] = packets(sighting(isSent=isSent, message=data, after=0.25))
    assert moment == NOON + 0.25
    assert packet[0] == 0x45
    assert struct.unpack_from("!H", packet, 2) == (28 + size,)
    assert packet[9] == 17
    assert total(packet[:20]) == 0xFFFF
    ends = [(str(ip_address(packet[12:16])), 20), (str(ip_address(packet[16:20])), 22)]
    source, destination = ((host, *struct.unpack_from("!H", packet, at)) for host, at in ends)
    local, remote = ("192.0.2.254", 5060), ("192.0.2.1", 5062)
    assert (source, destination) == ((local, remote) if isSent else (remote, local))
    assert total(packet[12:20] + struct.pack("!HH", 17, 8 + size) + packet[20:]) == 0xFFFF
    assert packet[28:] == data


def test_sixth() -> None:
    [(_, packet)] = packets(sighting(local=("::", 5060), remote=("fe80::1%eth0", 5060)))
    assert packet[0] >> 4 == 6
    assert packet[6] == 17
    assert ip_address(packet[8:24]) == ip_address("fe80::1")
    assert ip_address(packet[24:40]) == ip_address("::")
    size = len(packet) - 40
    assert total(packet[8:40] + struct.pack("!II", size, 17) + packet[40:]) == 0xFFFF


@pytest.mark.parametrize(
    ("local", "remote"),
    [("sip.example.com", "192.0.2.1"), ("192.0.2.1", "2001:db8::1"), ("a", "b"), ("::1", "b")],
)
def test_addressesThatDoNotFit(local: str, remote: str) -> None:
    """Nothing is raised: what is not known is the address of nobody."""
    [(_, packet)] = packets(sighting(local=(local, 5060), remote=(remote, 5060)))
    assert packet[0] >> 4 in (4, 6)


def segment(packet: bytes) -> tuple[int, int, int, int, bytes]:
    """
    @return: ports, sequence and acknowledgement numbers and data.
    """
    assert packet[9] == 6
    assert total(packet[12:20] + struct.pack("!HH", 6, len(packet) - 20) + packet[20:]) == 0xFFFF
    return (*struct.unpack_from("!HHII", packet, 20), packet[40:])


def test_connections() -> None:
    long = b"x" * 150_001
    found = packets(
        sighting(transport="TCP", message=long),
        sighting(transport="TCP", message=b"answer", isSent=True),
        sighting(transport="TCP", message=b"more"),
        sighting(transport="TCP", message=b"other", remote=("192.0.2.1", 5063)),
    )
    assert [segment(packet) for _, packet in found] == [
        (5062, 5060, 1, 1, long[:60_000]),
        (5062, 5060, 60_001, 1, long[:60_000]),
        (5062, 5060, 120_001, 1, long[:30_001]),
        (5060, 5062, 1, 150_002, b"answer"),
        (5062, 5060, 150_002, 7, b"more"),
        (5063, 5060, 1, 1, b"other"),
    ]


def test_tlsInTheClear() -> None:
    """With a port where nobody looks for TLS."""
    [(_, packet)] = packets(
        sighting(transport="TLS", local=("192.0.2.254", 5061), remote=("192.0.2.1", 40_000))
    )
    assert segment(packet)[:2] == (40_000, 5060)

"""L{sipapp.transport.steering}: the program, interpreted and in the kernel, and Python agree."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipapp.transport import steering, steeringloop
from sipapp.transport.steering import Steering, attach, findCallID, slotOf
from sipapp.transport.steeringprogram import largest, program
from tests.transport.workers import bound

SLOTS = 4
PROGRAM = list(struct.iter_unpack("=HBBI", program(SLOTS, 32)))
#: What may be parked of four slots.
PARKINGS = [frozenset(parked) for n in range(1, 4) for parked in combinations(range(SLOTS), n)]

#: What the instructions that compute do with the accumulator, by opcode.
COMPUTE = {
    0x00: lambda a, k, x: k,
    0x04: lambda a, k, x: a + k,
    0x0C: lambda a, k, x: a + x,
    0x14: lambda a, k, x: a - k,
    0x24: lambda a, k, x: a * k,
    0x34: lambda a, k, x: a // k,
    0x44: lambda a, k, x: a | k,
    0x54: lambda a, k, x: a & k,
    0x64: lambda a, k, x: a << k,
    0x74: lambda a, k, x: a >> k,
    0x87: lambda a, k, x: x,
    0x94: lambda a, k, x: a % k,
}


def run(code: list[tuple[int, ...]], data: bytes) -> int:
    """Interpret classic BPF as the kernel does, over a datagram."""
    accumulator = index = at = 0
    memory: dict[int, int] = {}
    while True:
        op, jt, jf, k = code[at]
        at += 1
        if op in (0x40, 0x48, 0x50):
            size = {0x40: 4, 0x48: 2, 0x50: 1}[op]
            chunk = data[index + k : index + k + size]
            if len(chunk) < size:
                return 0
            accumulator = int.from_bytes(chunk, "big")
        elif op == 0x05:
            at += k
        elif op == 0x15:
            at += jt if accumulator == k else jf
        elif op == 0x25:
            at += jt if accumulator > k else jf
        elif op == 0x06:
            return k
        elif op == 0x16:
            return accumulator
        elif op == 0x02:
            memory[k] = accumulator
        elif op == 0x61:
            index = memory[k]
        elif op == 0x07:
            index = accumulator
        elif op == 0x60:
            accumulator = memory[k]
        else:
            accumulator = COMPUTE[op](accumulator, k, index) & 0xFFFFFFFF


def request(callID: str, name: str = "Call-ID:", before: int = 1) -> bytes:
    via = "Via: SIP/2.0/UDP pc33.atlanta.com:5060;branch=z9hG4bK776asdhds;rport\r\n"
    return (
        "INVITE sip:bob@biloxi.com SIP/2.0\r\n"
        + via * before
        + "Call-Info: <sip:a@b>\r\nMax-Forwards: 70\r\nIn-Reply-To: i:x\r\n"
        + f"{name} {callID}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"X\r\nCall-ID: abc@host\r\n", b"abc@host"),
        (b"X\r\ncALL-iD:abc\r\n", b"abc"),
        (b"X\r\nCall-ID \t :\t abc \r\n", b"abc"),
        (b"X\r\ni:abc\r\n", b"abc"),
        (b"X\r\nI : abc\r\n", b"abc"),
        (b"\r\ni:a\r\n", b"a"),
        (b"X\r\ni:" + b"a" * 40, b"a" * 32),
        (b"X\r\nCall-Info: i\r\nidentity: j\r\nCall-ID: k\r\n", b"k"),
        (b"X\r\n i:folded\r\nCall-ID: k\r\n", b"k"),
        (b"X\r\r\nCall-ID: k\r\n", b"k"),
        (b"X\nCall-ID: k\r\n", None),
        (b"X\r\nCall-ID:\r\n folded\r\n", None),
        (b"X\r\nCall-IDs: a\r\nCall-ID: k\r\n", None),
        (b"X\r\nCall-ID" + b" " * 9 + b": k\r\n", None),
        (b"X\r\nCall-ID: unfinished", None),
        (b"X\r\ni:", None),
        (b"\r\n\r\n", None),
        (b"", None),
    ],
)
def test_rule(data: bytes, expected: bytes | None) -> None:
    """The first Call-ID line of any spelling counts; folded, empty or cut off it is none."""
    assert findCallID(data) == expected
    assert run(PROGRAM, data) == slotOf(expected, SLOTS)


_PIECES = st.sampled_from(
    b"\r|\n|\r\n| |\t|:|i|I|c|Call-I|D|\r\ni:|\x00|\r\nCall-ID:|\r\ncALL-Id|"
    b"abcdef@10.0.0.1|Via: SIP/2.0/UDP host|\xff\x80)".split(b"|")
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES | st.binary(max_size=6), max_size=14).map(b"".join))
def test_programAgreesWithPython(data: bytes) -> None:
    """Whatever the bytes, the kernel's program and Python choose one slot."""
    assert run(PROGRAM, data) == slotOf(findCallID(data), SLOTS)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 120), max_size=9),
    st.text("abcXYZ0189-.@%", min_size=1, max_size=50),
    st.sampled_from(["Call-ID: ", "i:", "CALL-ID  :", "I\t: "]),
)
def test_programFindsCallIDBehindHeaders(lengths: list[int], value: str, name: str) -> None:
    """Nine header lines of up to 120 bytes are no obstacle, wherever the four-byte loads fall."""
    head = b"OPTIONS sip:a@b SIP/2.0\r\n" + b"".join(b"v:" + b"x" * n + b"\r\n" for n in lengths)
    data = head + f"{name}{value}\r\nCSeq: 1 OPTIONS\r\n\r\n".encode()
    assert findCallID(data) == value.encode()[:32]
    assert run(PROGRAM, data) == slotOf(value.encode()[:32], SLOTS)


def test_programMissesBeyondItsReach() -> None:
    """What the program does not reach goes to slot 0, and L{Steering} counts the miss."""
    callID = next(f"c{n}" for n in range(100) if slotOf(f"c{n}".encode(), SLOTS) == 2)
    data = request(callID, before=40)
    assert run(PROGRAM, data) == 0
    here = Steering(slot=0, slots=SLOTS, reach=64)
    assert here.owner(data) == 2
    assert here.misses == 1
    assert Steering(slot=2, slots=SLOTS, reach=0).owner(data) == 2


def test_kernelThatSeesEverythingIsNotChecked() -> None:
    """Neither a single slot nor a datagram within the reach needs the rule in Python."""
    data = request("abc", before=40)
    assert Steering(slot=0, slots=1, reach=0).owner(data) == 0
    assert Steering(slot=3, slots=SLOTS, reach=4000).owner(data) == 3


def test_programSizes() -> None:
    """The largest program uses the kernel's limit well and the smallest still ends."""
    assert 3900 < len(program(SLOTS, largest(SLOTS))) // 8 <= 4096
    code = program(SLOTS, 0)
    assert run(list(struct.iter_unpack("=HBBI", code)), request("abc")) == 0


@pytest.fixture
def group() -> Iterator[list[socket.socket]]:
    """Four sockets on one loopback port."""
    with ExitStack() as stack:
        made = [stack.enter_context(bound(socket.SOCK_DGRAM))]
        port = made[0].getsockname()[1]
        made += [stack.enter_context(bound(socket.SOCK_DGRAM, port=port)) for _ in range(SLOTS - 1)]
        yield made


def mayLoad() -> bool:
    """Whether this user may give extended BPF to this kernel."""
    try:
        os.close(steeringloop.load(SLOTS))
    except OSError:
        return False
    return True


CLASSIC = pytest.param(
    False,
    marks=pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="the kernel's hook is Linux's"
    ),
    id="classic",
)
EXTENDED = pytest.param(
    True,
    marks=pytest.mark.skipif(not mayLoad(), reason="this user may not load extended BPF here"),
    id="extended",
)


@pytest.mark.parametrize("privileged", [CLASSIC, EXTENDED])
def test_kernelSteers(group: list[socket.socket], privileged: bool) -> None:
    """2,000 Call-IDs spread over the slots; every message of one arrives at one slot."""
    assert attach(group[0], SLOTS, privileged) == (4000 if privileged else 64)
    counts = [0] * SLOTS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(group[0].getsockname())
        for number in range(2000):
            callID = f"{number * 7919 % 100003:x}-{number}@192.0.2.{number % 250}"
            slot = slotOf(callID.encode()[:32], SLOTS)
            counts[slot] += 1
            for name, before in (("Call-ID:", 1), ("i:", number % 9), ("cALL-iD\t:", 4)):
                data = request(callID, name, before)
                client.send(data)
                assert group[slot].recv(4096) == data
    assert min(counts) > 400
    assert max(counts) < 600


@pytest.mark.parametrize("privileged", [CLASSIC, EXTENDED])
def test_kernelAgreesWithPython(group: list[socket.socket], privileged: bool) -> None:
    """Whatever the bytes, the kernel and Python choose one slot."""
    attach(group[0], SLOTS, privileged)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(group[0].getsockname())

        @settings(max_examples=500, deadline=None)
        @given(st.lists(_PIECES | st.binary(max_size=6), max_size=14).map(b"".join))
        def agree(data: bytes) -> None:
            client.send(data)
            assert group[slotOf(findCallID(data), SLOTS)].recv(4096) == data

        agree()


@pytest.mark.parametrize("privileged", [EXTENDED])
def test_longHead(group: list[socket.socket], privileged: bool) -> None:
    """The loop finds what no window would reach, and ends nevertheless."""
    reach = attach(group[0], SLOTS, privileged)
    callID = next(f"c{n}" for n in range(100) if slotOf(f"c{n}".encode(), SLOTS) == 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(group[0].getsockname())
        data = request(callID, before=85)
        assert len(data) > 6000
        client.send(data)
        assert group[2].recv(65535) == data
        data = request(callID, before=800)
        client.send(data)
        assert group[0].recv(65535) == data
        assert Steering(slot=0, slots=SLOTS, reach=reach).owner(data) == 2


def test_kernelWithoutHook(group: list[socket.socket]) -> None:
    """A socket that takes no program is not steered, which is not an error."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        assert attach(other, SLOTS) == 0
        assert attach(other, SLOTS, privileged=False) == 0
    assert attach(group[0], 1) == steering.UNLIMITED


@pytest.mark.parametrize("parked", PARKINGS, ids=lambda parked: "-".join(map(str, parked)))
def test_parkedSlots(parked: frozenset[int]) -> None:
    """Nothing comes to them, their calls spread evenly, and those of the others stay."""
    code = list(struct.iter_unpack("=HBBI", program(SLOTS, 32, parked)))
    moved = [0] * SLOTS
    for number in range(4000):
        callID = f"{number * 7919 % 100003:x}-{number}@192.0.2.{number % 250}".encode()[:32]
        before, after = slotOf(callID, SLOTS), slotOf(callID, SLOTS, parked)
        assert after not in parked
        assert after == before or before in parked
        moved[after] += before in parked
        if number < 400:
            assert run(code, request(callID.decode())) == after
    others = [moved[slot] for slot in range(SLOTS) if slot not in parked]
    share = sum(others) / len(others)
    assert 0.8 * share < min(others) <= max(others) < 1.2 * share
    # What has no Call-ID, or too late, goes to one slot as well.
    missing = slotOf(None, SLOTS, parked)
    assert missing not in parked
    assert run(code, b"X\r\nCall-ID\x00: abc\r\n\r\n") == missing
    assert run(code, request("abc", before=60)) == missing


def test_largestParkingFits() -> None:
    """The kernel's limit holds for any number of slots, whichever are parked."""
    for slots in (2, 256):
        for parked in (frozenset({0}), frozenset(range(slots // 2)), frozenset(range(slots - 1))):
            code = program(slots, largest(slots, parked), parked)
            assert len(code) // 8 <= 4096
            assert largest(slots, parked) > 20


def test_steeringWithParkedSlots() -> None:
    """A worker looks at everything itself once it has been told."""
    data = request("abc")
    steering = Steering(slot=1, slots=SLOTS, reach=4000)
    assert steering.owner(data) == 1
    home = slotOf(b"abc", SLOTS)
    steering.park(frozenset({home}))
    assert steering.owner(data) == slotOf(b"abc", SLOTS, frozenset({home})) != home


@pytest.mark.parametrize("privileged", [CLASSIC, EXTENDED])
@pytest.mark.parametrize(
    "parked", [frozenset({0}), frozenset({1, 3}), frozenset({0, 1, 3})], ids=str
)
def test_kernelSparesParkedSlots(
    group: list[socket.socket], privileged: bool, parked: frozenset[int]
) -> None:
    """A program takes the place of another one, and agrees with Python."""
    attach(group[0], SLOTS, privileged)
    assert attach(group[0], SLOTS, privileged, parked) > 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(group[0].getsockname())
        for number in range(500):
            data = request(f"{number * 7919 % 100003:x}@192.0.2.1", before=number % 8)
            client.send(data)
            assert group[slotOf(findCallID(data), SLOTS, parked)].recv(4096) == data
        attach(group[0], SLOTS, privileged)
        for number in range(100):
            data = request(f"{number * 7919 % 100003:x}@192.0.2.1")
            client.send(data)
            assert group[slotOf(findCallID(data), SLOTS)].recv(4096) == data

"""Which worker slot a datagram belongs to: the kernel's answer and Python's, which agree.

A UDP endpoint has one C{SO_REUSEPORT} socket for each worker slot. A program attached to that
group makes the kernel put each datagram into the socket that its Call-ID selects, so that
everything about one call meets in one worker and stays in order.

B{The rule} (L{findCallID}) is a property of the bytes alone, no parser is asked:

    - the first C{CRLF} followed by C{Call-ID} (any case), or by C{i} and a blank or a colon, ends
      the search; blanks before and after the colon are skipped, eight at most on each side;
    - the value goes up to the first byte that is not printable, or 32 bytes; it is not empty;
    - anything else, and a datagram that ends before that is known, has no Call-ID: hash 0.

A Call-ID that is folded away from its name is therefore not seen: slot 0 on both sides.

B{The slot} is the hash modulo the number of slots. If that slot is I{parked}, because its workers
crash one after the other, the quotient chooses among the others: so its calls spread evenly, and
those of the others stay where they are. All that the kernel still puts into a parked slot is a
datagram that ends too early to have a Call-ID, and nobody needs that.

B{The hash} is Adler-32 of the value, mixed by a multiplicative constant: a call of C{zlib} here,
seven instructions for each byte there.

B{The kernel} runs the rule and the hash as a program attached to the group of sockets, see
L{sipapp.transport.steeringloop} and, for parents without the privilege that this one needs,
L{sipapp.transport.steeringprogram}. How far a program's search is certain to reach is limited, so
a longer datagram is looked at again in L{Steering}; a miss costs a hop on the bus.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import socket
import struct
import sys
from zlib import adler32

from sipapp.transport import steeringloop
from sipapp.transport.steeringprogram import MULTIPLIER, largest, program

#: Linux's C{SO_ATTACH_REUSEPORT_CBPF} on every architecture but three that nobody runs SIP on.
_SO_ATTACH_REUSEPORT_CBPF = 51
_SO_ATTACH_REUSEPORT_EBPF = 52

_CALL_ID = re.compile(
    rb"\r\n(?:call-id|i(?=[ \t:]))(?:[ \t]{0,8}:[ \t]{0,8}"
    rb"([!-\xff]{32}|[!-\xff]{1,31}(?=[\x00- ])))?",
    re.IGNORECASE,
)

#: The reach where there is nothing to search for, because there is one slot.
UNLIMITED = 1 << 30


def findCallID(data: bytes) -> bytes | None:
    """The bytes that steer a datagram, as the rule above has it; C{None} if it has none."""
    found = _CALL_ID.search(data)
    return found[1] if found is not None else None


def slotOf(callID: bytes | None, slots: int, parked: frozenset[int] = frozenset()) -> int:
    """The slot that C{findCallID}'s answer selects out of C{slots}.

    @param parked: the slots that must not be chosen; not all of them.
    """
    number = 0 if callID is None else (adler32(callID) * MULTIPLIER & 0xFFFFFFFF) >> 16
    slot = number % slots
    if slot not in parked:
        return slot
    others = [each for each in range(slots) if each not in parked]
    return others[number // slots % len(others)]


def _attachClassic(sock: socket.socket, slots: int, parked: frozenset[int]) -> int:
    """Attach the largest classic program that this kernel's settings allow.

    @return: the number of its rounds.
    """
    # Each success is larger than the last, so the largest program stays attached.
    most = largest(slots, parked)
    reach, refused, rounds = 0, most + 1, most
    while rounds > reach:
        code = program(slots, rounds, parked)
        array = ctypes.create_string_buffer(code, len(code))
        argument = struct.pack("HP", len(code) // 8, ctypes.addressof(array))
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, argument)
        except OSError as error:
            if error.errno != errno.ENOMEM:
                raise
            refused = rounds
        else:
            reach = rounds
        rounds = (reach + refused) // 2
    return reach


def _attachLoop(sock: socket.socket, slots: int, parked: frozenset[int]) -> bool:
    """Attach the looping program; false if this user or this kernel cannot, which is no error."""
    try:
        fd = steeringloop.load(slots, parked)
    except OSError:
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_EBPF, fd)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def attach(
    sock: socket.socket,
    slots: int,
    privileged: bool = True,
    parked: frozenset[int] = frozenset(),
) -> int:
    """Steer the C{SO_REUSEPORT} group that a UDP socket is in; its sockets were bound slot by slot.

    @param privileged: false does not try what only root may do.
    @param parked: slots that get nothing.
    @return: how many bytes of each datagram the kernel is certain to search; 0 if it does not
        steer.
    """
    if slots == 1:
        return UNLIMITED
    if not sys.platform.startswith("linux"):
        return 0
    if privileged and _attachLoop(sock, slots, parked):
        return 2 * steeringloop.STEPS
    try:
        return 2 * _attachClassic(sock, slots, parked)
    except OSError:
        return 0


class Steering:
    """One worker's view: does a datagram that the kernel gave to this slot belong to it?

    @ivar misses: datagrams whose Call-ID lay beyond the kernel's reach and selects another slot.
    """

    __slots__ = ("misses", "parked", "reach", "slot", "slots")

    def __init__(self, slot: int, slots: int, reach: int) -> None:
        """
        @param reach: what L{attach} returned to the process that bound the sockets.
        """
        self.slot = slot
        self.slots = slots
        self.reach = UNLIMITED if slots == 1 else reach
        self.misses = 0
        self.parked: frozenset[int] = frozenset()

    def park(self, slots: frozenset[int]) -> None:
        """Others do the work of these slots. Every datagram is looked at from now on: the kernel
        may have put it here before it knew."""
        self.parked = slots
        self.reach = 0

    def owner(self, data: bytes) -> int:
        """The slot that a datagram received here belongs to.

        To apply the rule costs 0.8 µs, less than to find out whether the kernel's search was
        sure to have got to the Call-ID of a datagram that is longer than its reach.
        """
        if len(data) <= self.reach:
            return self.slot
        slot = slotOf(findCallID(data), self.slots, self.parked)
        if slot != self.slot:
            self.misses += 1
        return slot

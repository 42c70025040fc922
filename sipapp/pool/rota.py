"""New connections in turn: each socket of a group gets the next one.

By itself the kernel gives a connection to a socket by a hash of its addresses and ports, which is
to say by chance: of thousands of phones each worker gets its share that way, and of the twenty
connections of a trunk one of two workers gets fourteen or more, every tenth time
(C{docs/decisions/0020-connections-in-turn.md}).

So the kernel counts: a program attached to the group has a counter (L{sipapp.bpf}).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Sequence

from sipapp.bpf import loadSocketFilter, makeCounter

__all__ = ["takeTurns"]

#: Linux's C{SO_ATTACH_REUSEPORT_EBPF}; the socket module does not name it.
_SO_ATTACH_REUSEPORT_EBPF = 52

# Instructions, as in <linux/bpf.h>.
_STORE_WORD, _MOVE, _MOVE_REGISTER, _ADD = 0x62, 0xB7, 0xBF, 0x07
_LOAD_MAP, _CALL, _EXIT, _MODULO, _JUMP_UNLESS = 0x18, 0x85, 0x95, 0x97, 0x55
_ATOMIC, _FETCH_AND_ADD = 0xDB, 0x01
_LOOK_UP = 1
_STACK = 10


def takeTurns(sock: socket.socket, slots: Sequence[int]) -> bool:
    """Have the kernel give new connections to some of the sockets of a group in turn.

    @param sock: any of the group.
    @param slots: the places of those sockets in it.
    @return: whether the kernel does. If not, it goes on as before.
    """
    with contextlib.suppress(OSError):
        counter = makeCounter()
        try:
            program = loadSocketFilter(_programOf(counter, slots))
        finally:
            os.close(counter)
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_EBPF, program)
        finally:
            # It stays for as long as the group, and so does its counter.
            os.close(program)
        return True
    return False


def _programOf(counter: int, slots: Sequence[int]) -> bytes:
    """
    @param counter: the descriptor of a map whose only value is the number of the next connection.
    """
    code = [
        # R0 = the address of the counter.
        _instruction(_STORE_WORD, to=_STACK, offset=-4),
        _instruction(_MOVE_REGISTER, to=2, source=_STACK),
        _instruction(_ADD, to=2, value=-4),
        _instruction(_LOAD_MAP, to=1, source=1, value=counter),
        _instruction(0),
        _instruction(_CALL, value=_LOOK_UP),
        # The kernel wants to see that this is asked; it is always there.
        _instruction(_JUMP_UNLESS, to=0, offset=1),
        _instruction(_EXIT),
        # R1 = what it was, modulo the number of sockets.
        _instruction(_MOVE, to=1, value=1),
        _instruction(_ATOMIC, to=0, source=1, value=_FETCH_AND_ADD),
        _instruction(_MODULO, to=1, value=len(slots)),
    ]
    for number, slot in enumerate(slots):
        code += [
            _instruction(_MOVE, to=0, value=slot),
            _instruction(_JUMP_UNLESS, to=1, offset=1, value=number),
            _instruction(_EXIT),
        ]
    return b"".join((*code, _instruction(_EXIT)))


def _instruction(code: int, to: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("=BBhi", code, to | source << 4, offset, value)

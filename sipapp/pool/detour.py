"""Around sockets of a group that nobody shall read or accept from any more, or not yet.

One of a slot that is given up stays, because the place of each in its group counts. And when a pool
becomes smaller, the group of its sockets does not at once: what the kernel has put into a socket,
or is about to, must be read by somebody, so the last ones are closed only after nothing has been
put into them for a whole generation of workers. Meanwhile the kernel is told to use the others.

Who of several workers gets a datagram is not indifferent: see C{sipapp.transport.steering}.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from collections.abc import Sequence

#: Linux's C{SO_ATTACH_REUSEPORT_CBPF}; the socket module does not name it.
_SO_ATTACH_REUSEPORT_CBPF = 51

# Classic BPF: LD W ABS with the offset that gives a random number, ALU MOD K, JMP JEQ K, RET K.
_LOAD_RANDOM = struct.pack("=HBBI", 0x20, 0, 0, 0xFFFFF000 + 56)
_MODULO, _JEQ, _RETURN = 0x94, 0x15, 0x06

#: More datagrams than fit into a socket.
_MANY = 20_000


def divert(sock: socket.socket, slots: Sequence[int]) -> bool:
    """Have the kernel give what arrives to some of the sockets of a group, by chance.

    @param sock: any of the group.
    @param slots: the places of those sockets in it.
    @return: whether the kernel does. If not, it goes on to use all of them.
    """
    code = _LOAD_RANDOM + struct.pack("=HBBI", _MODULO, 0, 0, len(slots))
    for number, slot in enumerate(slots):
        # Not this one: over the return.
        code += struct.pack("=HBBI", _JEQ, 0, 1, number)
        code += struct.pack("=HBBI", _RETURN, 0, 0, slot)
    code += struct.pack("=HBBI", _RETURN, 0, 0, slots[0])
    array = ctypes.create_string_buffer(code, len(code))
    argument = struct.pack("HP", len(code) // 8, ctypes.addressof(array))
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, argument)
        return True
    return False


def turnAway(sock: socket.socket) -> None:
    """Close the connections that wait at a socket, so that their peers try again."""
    with contextlib.suppress(OSError):
        while True:
            sock.accept()[0].close()


def throwAway(sock: socket.socket) -> None:
    """Forget the datagrams that wait in a socket.

    Who has sent one sends it again, and that goes to somebody who reads it. If it stayed, it would
    be read when the socket has a reader again: by then a call may begin that was given up long ago.
    """
    for _ in range(_MANY):
        try:
            sock.recv(1)
        except BlockingIOError:
            return
        except OSError:
            # What has become of one that was sent from here.
            continue

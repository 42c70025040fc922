"""Which sockets of a group get what arrives, where there are more of them than slots.

When a pool becomes smaller, the group of its sockets does not at once: what the kernel has put
into a socket, or is about to, must be read by somebody. So the last ones are closed only after
nothing has been put into them for a whole generation of workers. Until then the kernel is told
to choose among the first ones only.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct

#: Linux's C{SO_ATTACH_REUSEPORT_CBPF}; the socket module does not name it.
_SO_ATTACH_REUSEPORT_CBPF = 51

# Classic BPF: LD W ABS with the offset that gives a random number, ALU MOD K, RET A.
_LOAD_RANDOM = (0x20, 0xFFFFF000 + 56)
_MODULO = 0x94
_RETURN_A = (0x16, 0)


def confine(sock: socket.socket, slots: int) -> bool:
    """Have the kernel give what arrives to the first C{slots} sockets of a group, by chance.

    @param sock: any of the group.
    @return: whether the kernel does. If not, it goes on to use all of them.
    """
    instructions = (_LOAD_RANDOM, (_MODULO, slots), _RETURN_A)
    code = b"".join(struct.pack("=HBBI", kind, 0, 0, k) for kind, k in instructions)
    array = ctypes.create_string_buffer(code, len(code))
    argument = struct.pack("HP", len(instructions), ctypes.addressof(array))
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, argument)
        return True
    return False

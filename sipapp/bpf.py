"""Programs of extended BPF, which the kernel runs to choose among the sockets of a group.

To give it one takes a privilege, C{CAP_BPF}, that a process has that was started as root.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

__all__ = ["loadSocketFilter", "makeCounter"]

_SYSTEM_CALLS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351}
_MAP_CREATE, _PROG_LOAD = 0, 5
_ARRAY, _SOCKET_FILTER = 2, 1


def loadSocketFilter(code: bytes) -> int:
    """Give the kernel a program.

    @param code: an array of C{struct bpf_insn}.
    @return: its descriptor.
    @raise OSError: if this kernel, or this user, cannot.
    """
    instructions = ctypes.create_string_buffer(code, len(code))
    license = ctypes.create_string_buffer(b"MIT")
    return _bpf(
        _PROG_LOAD,
        struct.pack(
            "=IIQQ",
            _SOCKET_FILTER,
            len(code) // 8,
            ctypes.addressof(instructions),
            ctypes.addressof(license),
        ),
    )


def makeCounter() -> int:
    """Make a map with one number of 64 bits, which is 0.

    @return: its descriptor.
    @raise OSError: if this kernel, or this user, cannot.
    """
    return _bpf(_MAP_CREATE, struct.pack("=IIII", _ARRAY, 4, 8, 1))


def _bpf(command: int, attributes: bytes) -> int:
    number = _SYSTEM_CALLS.get(platform.machine())
    if number is None:
        raise OSError("the number of the system call is not known on this machine")
    argument = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    fd = int(ctypes.CDLL(None, use_errno=True).syscall(number, command, argument, 128))
    if fd < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return fd

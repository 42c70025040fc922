"""Starts a program with sockets that are bound already, as systemd does: a C{.socket} unit.

C{passsockets.py udp:HOST:PORT tcp:HOST:PORT -- PROGRAM ARGUMENTS}
"""

from __future__ import annotations

import os
import socket
import sys

FIRST_FD = 3
KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}


def bind(specification: str) -> socket.socket:
    transport, host, port = specification.split(":")
    bound = socket.socket(socket.AF_INET, KINDS[transport])
    bound.bind((host, int(port)))
    if transport == "tcp":
        bound.listen()
    return bound


def main(specifications: list[str], program: list[str]) -> None:
    # High enough not to be overwritten.
    bound = [bind(each) for each in specifications]
    high = [os.dup2(each.fileno(), 100 + place) for place, each in enumerate(bound)]
    for place, fd in enumerate(high):
        os.dup2(fd, FIRST_FD + place, inheritable=True)
        os.close(fd)
    names = ":".join(each.partition(":")[0] for each in specifications)
    passed = {
        "LISTEN_FDS": str(len(high)),
        "LISTEN_PID": str(os.getpid()),
        "LISTEN_FDNAMES": names,
    }
    os.execve(program[0], program, {**os.environ, **passed})


if __name__ == "__main__":
    split = sys.argv.index("--")
    main(sys.argv[1:split], sys.argv[split + 1 :])

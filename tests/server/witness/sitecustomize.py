"""Notes who a process is whenever it binds, accepts or reads, in a file of the directory WITNESS:
for each, on one line, what it does, its real, effective and saved user, and its groups.

It works in a process that is started with this directory in its PYTHONPATH.
"""

import os
import socket
import sys
import threading
from types import FrameType
from typing import Any

WATCHED = frozenset(
    ["bind", "_accept", "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into"]
)
FAMILIES = frozenset([socket.AF_INET, socket.AF_INET6])

# Opened before the privileges are dropped.
_notes = open(  # noqa: SIM115 - for as long as the process lives
    os.path.join(os.environ["WITNESS"], str(os.getpid())), "w", encoding="ascii", buffering=1
)
_known = set()


def _witness(frame: FrameType, event: str, called: Any) -> None:
    if event != "c_call" or called.__name__ not in WATCHED:
        return
    its = getattr(called, "__self__", None)
    if isinstance(its, socket._socket.socket) and its.family in FAMILIES:
        users = ",".join(map(str, os.getresuid()))
        groups = ",".join(map(str, sorted({*os.getgroups(), *os.getresgid()})))
        note = f"{called.__name__.lstrip('_')} {users} {groups}\n"
        if note not in _known:
            _known.add(note)
            _notes.write(note)


threading.setprofile(_witness)
sys.setprofile(_witness)

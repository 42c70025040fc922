"""What a worker process is given at its start, and how it takes it.

A worker finds its L{Boot} on standard input, its control channel on descriptor 3 and the sockets
it inherits from descriptor 4 on. What the payload holds is between the composition on either
side: this room passes it on as bytes.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import msgspec
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from .workerlog import WorkerLog

CONTROL_FD = 3
FIRST_INHERITED_FD = 4
#: Makes a worker print its Python stack.
DUMP_SIGNAL = signal.SIGUSR1

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Spawn:
    """What the parent gives to the next process of a slot. Asked for anew at every start.

    @ivar payload: whatever the worker's composition needs to know.
    @ivar fds: the parent's descriptor for each socket that the worker inherits, by label.
    """

    payload: bytes = b""
    fds: Mapping[str, int] = field(default_factory=dict)


class Boot(msgspec.Struct, frozen=True):
    """What a worker learns about itself.

    @ivar name: pool and slot, such as C{udp-0/2}.
    @ivar slot: counted from 0; a replacement has the slot of its predecessor.
    @ivar fds: the worker's own descriptor for each inherited socket, by label.
    @ivar payload: as in L{Spawn}.
    @ivar drainTimeout: seconds that the worker may take to finish its work when it is told to
        go by a signal instead of a command.
    @ivar parent: the process that a worker must not outlive.
    """

    name: str
    slot: int
    fds: dict[str, int]
    payload: bytes
    drainTimeout: float
    parent: int


def encodeBoot(boot: Boot) -> bytes:
    return msgspec.msgpack.encode(boot)


def readBoot(stream: BinaryIO) -> Boot:
    """Read a boot specification up to the end of the stream.

    @raise msgspec.ValidationError: if it is not one.
    """
    return msgspec.msgpack.decode(stream.read(), type=Boot)


def enterWorker() -> Boot:
    """Become a worker: the first thing that a worker process does.

    - reads the boot specification from standard input;
    - keeps the inherited descriptors from any process that the worker might start;
    - prints its Python stack on standard error when it gets L{DUMP_SIGNAL}, also while the reactor
      is stuck, and when it crashes;
    - ignores SIGINT: Ctrl-C reaches the whole process group, and it is the parent that decides
      how its workers end;
    - has the kernel kill this process when the parent dies. A worker exits by itself when the
      control channel closes; this is for one whose reactor is stuck and would not notice.
    """
    faulthandler.enable()
    faulthandler.register(DUMP_SIGNAL)
    boot = readBoot(sys.stdin.buffer)
    for fd in (CONTROL_FD, *boot.fds.values()):
        os.set_inheritable(fd, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != boot.parent:
        # It died before the kernel was asked to watch it.
        os._exit(1)
    return boot


def startLogging(level: str) -> WorkerLog:
    """Log to standard error: the parent puts the lines into its own log.

    @param level: the name of the least that is logged.
    """
    log = WorkerLog(level, sys.stderr)
    globalLogBeginner.beginLoggingTo([log], redirectStandardIO=False)
    return log


def whyNot(failure: Failure) -> str:
    """
    @return: the reason why a worker cannot start: an error of ours needs its traceback, one of the
        operator's does not.
    """
    reason = f"{type(failure.value).__name__}: {failure.getErrorMessage()}"
    return reason if failure.check(OSError) else f"{reason}\n{failure.getTraceback()}"

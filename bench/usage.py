"""What a server takes of the machine: the kernel's figures for all its processes together."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes import children

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """
    @return: the process, its children and theirs.
    """
    return [pid, *(member for child in children(pid) for member in family(child))]


def processorTime(pid: int) -> float:
    """
    @return: seconds, user and system, of a process and all its threads so far, to the nanosecond:
        /proc/PID/stat counts the same in steps of ten milliseconds.
    """
    # clock_getcpuclockid(3), which Python does not have.
    return time.clock_gettime(~pid << 3 | 2)


def _reapedTime(pid: int) -> float:
    """
    @return: seconds of the children that have ended and were waited for, and of theirs.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * _TICK


class Usage:
    """The processor time of a server at one moment."""

    def __init__(self, pid: int) -> None:
        """
        @param pid: of the parent of all its processes.
        """
        self.at = time.monotonic()
        self.processes: dict[int, float] = {}
        self._reaped = 0.0
        for member in family(pid):
            # One that ends meanwhile shows in what its parent has reaped.
            with contextlib.suppress(OSError):
                self.processes[member] = processorTime(member)
                self._reaped += _reapedTime(member)

    @property
    def seconds(self) -> float:
        return sum(self.processes.values()) + self._reaped

    def since(self, earlier: Usage) -> float:
        """
        @return: seconds of processor time.
        """
        return self.seconds - earlier.seconds

    def eachSince(self, earlier: Usage) -> Mapping[int, float]:
        """
        @return: the same for each process.
        """
        return {pid: time - earlier.processes.get(pid, 0.0) for pid, time in self.processes.items()}


def residentMiB(pid: int) -> float:
    """
    @return: proportional set size (PSS): a page that several processes share counts once.
    """
    total = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{member}/smaps_rollup").read_text()
            found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
            total += int(found[1]) if found else 0
    return total / 1024


def descriptors(pid: int) -> int:
    """
    @return: how many files, sockets included, its processes have open.
    """
    total = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            total += len(os.listdir(f"/proc/{member}/fd"))
    return total

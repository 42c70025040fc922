"""When this process has begun."""

from __future__ import annotations

import os
import time

__all__ = ["begun"]

_STARTED = 19
"""The place of C{starttime} behind the name of the program, in C{/proc/self/stat} (proc(5))."""


def begun(now: float) -> float:
    """
    @param now: the time, in seconds since 1970.
    @return: when this process was started, likewise. One that executes another program in its place
        has not begun anew. Where the kernel does not tell, it has begun now.
    """
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        ticks = int(fields[_STARTED])
    except (OSError, ValueError, IndexError):
        return now
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return now - max(age, 0.0)

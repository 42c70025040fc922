"""How long things may take in a pool."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """The times, in seconds, that rule a slot.

    @ivar firstDelay: the wait before the first restart; it doubles from one to the next.
    @ivar longestDelay: the wait that is not exceeded.
    @ivar healthyAfter: how long a process must have been ready to be forgotten its past.
    @ivar boot: how long a process may take until it is ready.
    @ivar drain: how long a process may take to finish its work.
    @ivar handOver: how long a process may take to give its place to others.
    @ivar margin: how long after that, or after a signal, a process may still exist.
    @ivar stuck: how long a process that serves may give no sign of life; C{None} is for ever.
    @ivar stack: how long one that gave none has to say where it hangs.
    @ivar crashes: how many crashes within L{window} make a crash loop.
    @ivar window: see L{crashes}.
    """

    firstDelay: float = 0.1
    longestDelay: float = 30.0
    healthyAfter: float = 60.0
    boot: float = 60.0
    drain: float = 30.0
    handOver: float = 2.0
    margin: float = 5.0
    stuck: float | None = None
    stack: float = 1.0
    crashes: int = 5
    window: float = 30.0

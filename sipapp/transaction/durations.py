"""How long something takes that happens very often."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["BOUNDS", "Durations"]

_BUCKETS = 18

BOUNDS = tuple(2.0**number / 1000 for number in range(_BUCKETS - 1))
"""Where the buckets end, in seconds: at 1 ms, 2 ms and so on up to 65.536 s. The last one has no
end."""


class Durations:
    """Counts in buckets, each twice as wide as the one before, so that the number of a bucket is
    that of the bits of the milliseconds, and nothing has to be searched.

    @ivar counts: how many there were in each bucket alone.
    @ivar total: the sum of all, in seconds.
    """

    __slots__ = ("counts", "total")

    def __init__(self, counts: Iterable[int] = (0,) * _BUCKETS, total: float = 0.0) -> None:
        self.counts = list(counts)
        self.total = total

    def add(self, seconds: float) -> None:
        """Count one. What has ended before it began, since the clock was set back, has taken no
        time: sums do not fall."""
        if seconds < 0.001:
            self.counts[0] += 1
            if seconds > 0.0:
                self.total += seconds
            return
        self.total += seconds
        bucket = int(seconds * 1000.0).bit_length()
        self.counts[bucket if bucket < _BUCKETS else -1] += 1

"""What server transactions have answered, and how long that has taken."""

from __future__ import annotations

from collections import defaultdict

from sipapp.sip.methods import METHODS, OTHER
from sipapp.sip.status import knownStatus
from sipapp.transaction.durations import Durations

__all__ = ["Answers"]


class Answers:
    """Counts responses by the method of the request and their status. What no standard knows is
    counted together, so that nobody makes the tables long.

    @ivar counts: provisional responses, and the first final one of each request, by method and
        status.
    @ivar times: from a request to its first final response, by method.
    """

    __slots__ = ("counts", "times")

    def __init__(self) -> None:
        self.counts: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.times: defaultdict[str, Durations] = defaultdict(Durations)

    def add(self, method: str, status: int, seconds: float) -> None:
        """Count a response.

        @param seconds: since the request came.
        """
        if method not in METHODS:
            method = OTHER
        self.counts[method, knownStatus(status)] += 1
        if status >= 200:
            self.times[method].add(seconds)

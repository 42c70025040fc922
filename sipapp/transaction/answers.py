"""What server transactions have answered, and how long that has taken."""

from __future__ import annotations

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
        self.counts: dict[tuple[str, int], int] = {}
        self.times: dict[str, Durations] = {}

    def add(self, method: str, status: int, seconds: float) -> None:
        """Count a response.

        @param seconds: since the request came.
        """
        try:
            self.counts[method, status] += 1
        except KeyError:
            # For the first time, or it is one of those that are counted together.
            method, status = method if method in METHODS else OTHER, knownStatus(status)
            self.counts[method, status] = self.counts.get((method, status), 0) + 1
            self.times.setdefault(method, Durations())
        if status >= 200:
            self.times[method].add(seconds)

"""What an HTTP endpoint keeps of the requests that it answers."""

from __future__ import annotations

from collections import defaultdict

from sipapp.sip.methods import OTHER
from sipapp.transaction.durations import Durations

__all__ = ["WEB_METHODS", "WebCounters"]

WEB_METHODS = frozenset(
    (b"CONNECT", b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"TRACE")
)
"""RFC 9110 §9.3, and RFC 5789. Others are of some protocol that is not spoken here."""


class WebCounters:
    """What has been answered.

    @ivar names: what the resource is called that has all paths with this first segment; that of the
        empty one has the paths that no other has.
    @ivar answers: requests by resource (empty if there was none, or nobody has looked for it),
        method and status.
    @ivar times: from the last byte of a request to the end of its answer, by resource.
    @ivar accepted: connections so far. @ivar handshakes: of TLS that were completed.
    """

    def __init__(self) -> None:
        self.names: dict[bytes, str] = {}
        self.answers: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self.times: defaultdict[str, Durations] = defaultdict(Durations)
        self.accepted = 0
        self.handshakes = 0

    def answered(self, path: bytes, method: bytes, status: int, seconds: float | None) -> None:
        """A request has been answered.

        @param path: without the query.
        @param seconds: C{None} for an answer that has no end of its own.
        """
        _, _, below = path.partition(b"/")
        name = self.names.get(below.partition(b"/")[0]) or self.names.get(b"", "")
        self._count(name, method, status)
        if seconds is not None:
            self.times[name].add(seconds)

    def refused(self, status: int) -> None:
        """What has come was answered before all of it had, or before anybody had looked at it."""
        self._count("", b"", status)

    def _count(self, name: str, method: bytes, status: int) -> None:
        known = method.decode("ascii") if method in WEB_METHODS else OTHER
        self.answers[name, known, status] += 1

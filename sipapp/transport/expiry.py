"""Deadlines of one length for many connections, under one reactor timer.

Those that were given the same time expire in the order in which they were given it, so that is
the order they are kept in: to renew one is to take it out and put it at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Expiry(Generic[T]):
    """Calls back for each of its members that was not renewed for a while."""

    def __init__(self, reactor: Any, duration: float, expired: Callable[[T], None]) -> None:
        """
        @param duration: in seconds. @param expired: called once for a member, which is then out.
        """
        self._reactor = reactor
        self._duration = duration
        self._expired = expired
        self._since: dict[T, float] = {}
        self._call: Any = None

    def __len__(self) -> int:
        return len(self._since)

    def __iter__(self) -> Iterator[T]:
        return iter(self._since)

    def __contains__(self, member: T) -> bool:
        return member in self._since

    def age(self, member: T) -> float | None:
        """
        @return: seconds since a member was renewed; C{None} for one that is not here.
        """
        since = self._since.get(member)
        return None if since is None else self._reactor.seconds() - since

    def renew(self, member: T) -> None:
        """Give a member, new or not, the whole time again."""
        now = self._reactor.seconds()
        self._since.pop(member, None)
        self._since[member] = now
        if self._call is None:
            self._call = self._reactor.callLater(self._duration, self._look)

    def discard(self, member: T) -> None:
        """Expect nothing of it any more."""
        self._since.pop(member, None)

    def clear(self) -> None:
        """Let go of all, and of the timer."""
        self._since.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _look(self) -> None:
        self._call = None
        now = self._reactor.seconds()
        late = []
        for member, since in self._since.items():
            if since + self._duration > now:
                self._call = self._reactor.callLater(since + self._duration - now, self._look)
                break
            late.append(member)
        for member in late:
            del self._since[member]
        for member in late:
            self._expired(member)

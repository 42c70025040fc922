"""L{sipapp.transport.expiry} and L{sipapp.transport.limits}, on a clock of their own."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from sipapp.transport.expiry import Expiry
from sipapp.transport.limits import LimitLog


def test_expiry() -> None:
    """Members expire in their own time, unless they are renewed or taken out."""
    clock = Clock()
    expired: list[str] = []
    expiry: Expiry[str] = Expiry(clock, 10, expired.append)
    expiry.renew("a")
    clock.advance(4)
    expiry.renew("b")
    expiry.renew("c")
    expiry.renew("d")
    clock.advance(5)
    expiry.renew("b")
    expiry.discard("d")
    clock.advance(1)
    assert expired == ["a"]
    assert "b" in expiry
    clock.advance(4)
    assert expired == ["a", "c"]
    clock.advance(5)
    assert expired == ["a", "c", "b"]
    assert len(expiry) == 0
    assert clock.getDelayedCalls() == []


def test_oneTimer() -> None:
    """However many members there are, there is one delayed call."""
    clock = Clock()
    expiry: Expiry[int] = Expiry(clock, 10, lambda member: None)
    for number in range(100):
        expiry.renew(number)
        clock.advance(0.01)
    assert len(clock.getDelayedCalls()) == 1
    expiry.clear()
    assert clock.getDelayedCalls() == []
    expiry.clear()


def test_renewedWhileExpiring() -> None:
    """A member that is renewed by the end of another is kept."""
    clock = Clock()
    expired: list[str] = []

    def end(member: str) -> None:
        expired.append(member)
        expiry.renew("again")

    expiry: Expiry[str] = Expiry(clock, 1, end)
    expiry.renew("a")
    clock.advance(1)
    assert expired == ["a"]
    clock.advance(1)
    assert expired == ["a", "again"]


def test_limitLog() -> None:
    """One line at first, silence for ten seconds, then a line that says how much was silent."""
    clock = Clock()
    log = LimitLog(clock.seconds)
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    try:
        for _ in range(5):
            log.hit("connections", "TCP 192.0.2.1:5060", "198.51.100.7", "too many")
        log.hit("connections", "TLS 192.0.2.1:5061", "198.51.100.7", "too many")
        clock.advance(10)
        log.hit("connections", "TCP 192.0.2.1:5060", "198.51.100.8", "too many")
    finally:
        globalLogPublisher.removeObserver(events.append)
    lines = [formatEvent(event) or "" for event in events]
    assert len(lines) == 3
    assert "(4 more since" in lines[2]
    assert "198.51.100.8" in lines[2]
    assert log.counts == {"connections": 7}

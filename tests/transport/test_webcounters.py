"""Tests of C{sipapp.transport.webcounters}."""

from __future__ import annotations

import pytest

from sipapp.transport.webcounters import WebCounters


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (b"/healthz", "health"),
        (b"/healthz/", "health"),
        (b"/xcap-root/resource-lists/users/sip:a@b/index", "xcap"),
        (b"/health", ""),
        (b"/", ""),
        (b"*", ""),
    ],
)
def test_resources(path: bytes, name: str) -> None:
    """The first segment says whose a path is."""
    counters = WebCounters()
    counters.names = {b"healthz": "health", b"xcap-root": "xcap"}
    counters.answered(path, b"GET", 200, 0.5)
    assert counters.answers == {(name, "GET", 200): 1}
    assert {name: times.total for name, times in counters.times.items()} == {name: 0.5}


def test_theRest() -> None:
    """A resource without a path has all that no other has."""
    counters = WebCounters()
    counters.names = {b"healthz": "health", b"": "xcap"}
    for path in (b"/healthz", b"/", b"/resource-lists/x"):
        counters.answered(path, b"GET", 200, 0.0)
    assert counters.answers == {("health", "GET", 200): 1, ("xcap", "GET", 200): 2}


def test_withoutAnEnd() -> None:
    """How long somebody has watched says nothing of how fast the server is."""
    counters = WebCounters()
    counters.answered(b"/status/events", b"GET", 200, None)
    assert counters.answers == {("", "GET", 200): 1}
    assert not counters.times


def test_whatClientsMakeUp() -> None:
    counters = WebCounters()
    for number in range(100):
        counters.answered(b"/%d" % number, b"METHOD%d" % number, 501, 0.0)
    counters.refused(414)
    assert counters.answers == {("", "other", 501): 100, ("", "other", 414): 1}

"""What one program leaves to the next: which listeners take nothing new."""

from __future__ import annotations

from sipapp.estate import ListeningEstate, Pauses
from tests.config.surroundings import plan

PLAN = plan("""
[[listen]]
address = "127.0.0.1"
resources = ["options"]
[[listen]]
address = "127.0.0.1"
port = 8080
transport = "http"
resources = ["health"]
""")


def test_pauses() -> None:
    """A drain is one of everything but HTTP, which can be paused alone."""
    assert [each.transport for each in PLAN.listeners] == ["udp", "tcp", "http"]
    assert Pauses().among(PLAN) == ()
    assert Pauses((1, 7)).among(PLAN) == (1,)
    assert Pauses(isDraining=True).among(PLAN) == (0, 1)
    assert Pauses((2,), isDraining=True).among(PLAN) == (0, 1, 2)


def test_aProgramThatKnewOfNone() -> None:
    assert ListeningEstate((), (), {}).pauses == Pauses()

"""What a reload says has changed, the table of its states, and the order of what is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from sipapp.config import ConfigurationError, Plan, Settings, parseSettings
from sipapp.outcomes import Reloaded
from sipapp.plugins import resourceTypes
from sipapp.reload import AGAIN, DONE, IDLE, RELOADING, REQUEST, TABLE, Reload, changes
from tests.test_succession import Timeline

TEXT = """
[server]
domains = ["example.test"]
[sip]
t1 = 0.5
[[listen]]
address = "127.0.0.1"
socket_workers = 2
[resource.registrar]
min_expires = 60
"""


def settings(text: str) -> Settings:
    return parseSettings(text, "sipapp.toml", resourceTypes())


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ("", "", []),
        ("t1 = 0.5", "t1 = 1.0", ["sip.t1"]),
        ("socket_workers = 2", "", ["listen[0].socket_workers"]),
        ("min_expires = 60", "min_expires = 30", ["resource.registrar.min_expires"]),
        ('domains = ["example.test"]', 'domains = ["a.test", "b.test"]', ["server.domains"]),
        ("[resource", '[[listen]]\naddress = "127.0.0.2"\n[resource', ["listen[1]"]),
    ],
)
def test_changes(old: str, new: str, keys: list[str]) -> None:
    """Told by the keys of the file, in either direction."""
    before, after = settings(TEXT), settings(TEXT.replace(old, new))
    assert changes(before, after) == keys
    assert changes(after, before) == keys


def test_theTableHasEveryStateAndInput() -> None:
    assert TABLE == {
        IDLE: {REQUEST: (RELOADING, True)},
        RELOADING: {REQUEST: (AGAIN, False), DONE: (IDLE, False)},
        AGAIN: {REQUEST: (AGAIN, False), DONE: (RELOADING, True)},
    }


class Reloading(Timeline):
    """A server that is reloaded, its workers in memory.

    @ivar reload: reads a file that wants two workers.
    @ivar asked: where the outcomes of requests will be, in the order of those.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.reload = Reload(self.succession, lambda: self.load(2))
        self.reload.started()
        self.asked: list[list[Any]] = []

    def ask(self, workers: int | None = None) -> None:
        """
        @param workers: how many somebody adjusts; C{None} reads the file.
        """
        load = None if workers is None else lambda: self.adjusted(workers)
        self.note(self.reload.request(load))

    def note(self, asked: Deferred[Reloaded]) -> None:
        outcome: list[Any] = []
        asked.addBoth(lambda result: outcome.append(getattr(result, "value", result)))
        self.asked.append(outcome)

    def adjusted(self, workers: int) -> tuple[Settings, Plan]:
        if workers == 0:
            raise ConfigurationError("sipapp.toml", "listen[0].socket_workers", "too few")
        return self.load(workers)

    def sizes(self) -> list[int | None]:
        """The number of workers that each request has come to, C{None} while it has not."""
        return [each[0].workers if each else None for each in self.asked]

    def follow(self) -> None:
        """Those that have been started take over from those that serve, which go."""
        old = self.serving
        new = [each for each in self.reactor.workers if not each.isGone and each not in old]
        self.takeOver(old, new)
        self.leave(old)


@pytest.fixture
def timeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reloading]:
    timeline = Reloading(tmp_path_factory.mktemp("s"))
    yield timeline
    timeline.end()


def test_everybodyIsToldWhatHasCome(timeline: Reloading) -> None:
    """Those who ask during a reload get one of their own, together."""
    timeline.ask()
    timeline.ask()
    timeline.ask()
    assert timeline.reload.state == AGAIN
    timeline.follow()
    assert timeline.sizes() == [2, None, None]
    assert timeline.asked[0][0].generation == 1
    timeline.follow()
    assert timeline.sizes() == [2, 2, 2]
    assert [each[0].generation for each in timeline.asked] == [1, 2, 2]
    assert timeline.reload.state == IDLE


def test_whatIsAdjustedIsDoneInOrder(timeline: Reloading) -> None:
    """Each with an outcome of its own, and a reload of the file where it was asked for."""
    for workers in (3, 1, None, None, 4):
        timeline.ask(workers)
    expected = [[3], [3, 1], [3, 1, 2, 2], [3, 1, 2, 2, 4]]
    for done in expected:
        assert timeline.reload.state != IDLE
        timeline.follow()
        assert timeline.sizes()[: len(done)] == done
        assert not any(timeline.sizes()[len(done) :])
    assert timeline.reload.state == IDLE


def test_oneThatFailsIsNobodyElses(timeline: Reloading) -> None:
    for workers in (0, 3, 0, 1):
        timeline.ask(workers)
    [[error], *_] = timeline.asked
    assert isinstance(error, ConfigurationError)
    timeline.follow()
    assert isinstance(timeline.asked[2][0], ConfigurationError)
    timeline.follow()
    assert [timeline.asked[index][0].workers for index in (1, 3)] == [3, 1]
    assert timeline.succession.current.number == 2
    timeline.ask(0)
    assert isinstance(timeline.asked[-1][0], ConfigurationError)
    assert timeline.reload.state == IDLE

"""C{listener.*} of a server whose workers are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from sipapp.adjusting import Adjusting
from sipapp.admin.methods import Workforce
from sipapp.admin.methods.listener import ListenerMethods
from sipapp.admin.methods.pausing import Pausing
from tests.test_reload import Reloading


class Adding(Reloading):
    """A server that is told to listen at further addresses."""

    def add(self, host: str) -> list[list[str]]:
        """
        @return: where the hosts of the listeners will be that are told to be new.
        """
        pausing = Pausing(
            self.succession, self.listening, Workforce(lambda: self.succession.current)
        )
        adjusting = Adjusting(self.succession, self.reload)
        methods = ListenerMethods(self.succession, adjusting, pausing)
        table = {"address": host, "port": 0, "transport": "udp", "resources": ["options"]}
        added: list[list[str]] = []

        def note(entries: list[Any]) -> None:
            added.append([each.host for each in entries])

        Deferred.fromCoroutine(methods.add(table)).addCallback(note)
        return added


@pytest.fixture
def timeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adding]:
    timeline = Adding(tmp_path_factory.mktemp("s"))
    yield timeline
    timeline.end()


def test_twoAtOnce(timeline: Adding) -> None:
    """Each is told of what he has added, although somebody else's came between."""
    first, second = timeline.add("127.0.0.1"), timeline.add("127.0.0.2")
    timeline.follow()
    assert (first, second) == ([["127.0.0.1"]], [])
    timeline.follow()
    assert second == [["127.0.0.2"]]

"""The resources of a worker: made, started and stopped."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.logger import LogEvent, globalLogPublisher

from sipapp.chains import Chains
from sipapp.resources import ResourceMaker, Settings
from sipapp.resources.sip import SIPResource


class Resource(SIPResource):
    """Notes that it was stopped."""

    def __init__(self, settings: Settings, stopped: list[object]) -> None:
        self.stopped = stopped

    def stop(self) -> Any:
        self.stopped.append(type(self))


class Raising(Resource):
    def stop(self) -> Any:
        super().stop()
        raise OSError("the disk is full")


class Failing(Resource):
    def stop(self) -> Deferred[Any]:
        super().stop()
        return fail(OSError("the disk is full"))


class Waiting(Resource):
    async def stop(self) -> None:
        super().stop()


@pytest.fixture
def events() -> Iterator[list[LogEvent]]:
    """What is logged."""
    seen: list[LogEvent] = []
    globalLogPublisher.addObserver(seen.append)
    yield seen
    globalLogPublisher.removeObserver(seen.append)


def test_stop(events: list[LogEvent]) -> None:
    """The last comes first, and one that fails is not the end of it: the others have something to
    write down, too."""
    kinds = (Resource, Raising, Failing, Waiting)
    stopped: Any = []
    settings: Any = SimpleNamespace(resource={kind.__name__: Settings() for kind in kinds})
    listener: Any = SimpleNamespace(listen=SimpleNamespace(chain=list(settings.resource)))
    chains = Chains(settings, stopped, lambda *_: None)
    chains._makers = {
        kind.__name__: ResourceMaker(kind.__name__, "sip", Settings, kind) for kind in kinds
    }
    ended: list[object] = []
    ensureDeferred(chains.start(listener)).addCallback(ended.append)
    ensureDeferred(chains.stop()).addBoth(ended.append)
    assert len(ended) == 2
    assert ended[1] is None
    assert stopped == [Waiting, Failing, Raising, Resource]
    assert len([event for event in events if "could not be stopped" in event["log_format"]]) == 2

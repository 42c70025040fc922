from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, execute
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from sipapp.location import LocationMaintenance
from sipapp.location.bindingfile import BindingFile
from tests.location.contract import START, binding, to


def fill(path: Path, count: int) -> None:
    file = BindingFile(path, 1 << 24)
    file.apply([(f"sip:{n}@example.com", to(binding(lasts=60))) for n in range(count)], START)
    file.close()


def counted(path: Path) -> int:
    file = BindingFile(path, 1 << 24)
    count = file.count()
    file.close()
    return count


class Maintained:
    """A service whose threads are this one."""

    def __init__(self, path: Path) -> None:
        self.reactor = Clock()
        self.jobs: list[str] = []
        self.now = START
        self.service = LocationMaintenance(
            path, self.reactor, 2.0, 1 << 24, lambda: self.now, self.inThread
        )

    def inThread(self, job: Callable[..., Any]) -> Deferred[Any]:
        self.jobs.append(job.__name__)
        return execute(job)


def test_maintains_at_each_interval_and_syncs_at_the_end(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    maintained = Maintained(tmp_path)
    maintained.service.startService()
    assert maintained.jobs == ["maintain"]
    maintained.reactor.advance(2)
    assert maintained.jobs == ["maintain", "maintain"]
    maintained.now += 61
    maintained.reactor.advance(2)
    assert maintained.service.stopService().called
    assert maintained.jobs[-1] == "_finish"
    assert maintained.reactor.getDelayedCalls() == []
    assert counted(tmp_path) == 0


def test_drops_any_number_in_short_transactions(tmp_path: Path) -> None:
    fill(tmp_path, 2500)
    maintained = Maintained(tmp_path)
    maintained.now += 61
    assert maintained.service.maintain() == 2500
    maintained.service._finish()
    assert counted(tmp_path) == 0


def test_a_failure_is_logged_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "in" / "the" / "way"
    (tmp_path / "in").write_text("a file")
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        maintained = Maintained(path)
        maintained.service.startService()
        assert [e["log_format"] for e in events if "log_failure" in e] == [
            "Maintenance of the location store failed"
        ]
    finally:
        globalLogPublisher.removeObserver(events.append)
    (tmp_path / "in").unlink()
    fill(path, 3)
    maintained.now += 61
    maintained.reactor.advance(2)
    maintained.service.stopService()
    assert counted(path) == 0


def test_works_in_real_threads(tmp_path: Path) -> Deferred[None]:
    from twisted.internet import reactor

    async def run() -> None:
        fill(tmp_path, 10)
        service = LocationMaintenance(tmp_path, reactor, 3600, 1 << 24, lambda: START + 61)
        service.startService()
        await service.stopService()
        assert counted(tmp_path) == 0

    return ensureDeferred(run())

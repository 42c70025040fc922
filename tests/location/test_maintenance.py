from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, execute
from twisted.internet.task import Clock
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from sipapp.location import LocationMaintenance, NotRunning
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

    def __init__(self, path: Path, boot: str = "this boot") -> None:
        self.reactor = Clock()
        self.jobs: list[str] = []
        self.now = START
        self.service = LocationMaintenance(
            path, self.reactor, 2.0, 1 << 24, lambda: self.now, self.inThread, boot
        )

    @property
    def file(self) -> BindingFile:
        assert self.service._file is not None
        return self.service._file

    def add(self, aor: str) -> None:
        self.file.apply([(aor, to(binding(lasts=60)))], START)

    def inThread(self, job: Callable[..., Any]) -> Deferred[Any]:
        self.jobs.append(getattr(job, "__name__", "use"))
        return execute(job)


@contextmanager
def logged() -> Iterator[list[Any]]:
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(events.append)


def test_maintains_at_each_interval_and_once_more_at_the_end(tmp_path: Path) -> None:
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
    maintained.service.startService()
    maintained.now += 61
    assert maintained.service.maintain() == 2500
    maintained.service.stopService()
    assert counted(tmp_path) == 0


def test_a_failure_is_logged_and_tried_again(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    maintained = Maintained(tmp_path)
    maintained.service.startService()
    # The copy that comes next cannot be written.
    (tmp_path / "copy.1").mkdir()
    maintained.add("sip:late@example.com")
    with logged() as events:
        maintained.reactor.advance(2)
        maintained.reactor.advance(2)
        assert not maintained.service.isBusy
        (tmp_path / "copy.1").rmdir()
        maintained.reactor.advance(2)
    assert [(e["log_format"], "log_failure" in e) for e in events] == [
        ("Maintenance of the location store failed", True),
        ("Maintenance of the location store works again", False),
    ]
    assert (tmp_path / "copy.1").stat().st_size > 0
    maintained.service.stopService()


def test_a_store_that_cannot_be_opened_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a file")
    maintained = Maintained(tmp_path / "in" / "the" / "way")
    with pytest.raises(SystemExit, match=r"^sipapp: the location store .*the/way: .*Not a dir"):
        maintained.service.startService()


def test_a_mark_that_nobody_can_read_ends_the_start(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    mark = tmp_path / "mark"
    for text in ("", "nonsense", '{"boot": "", "closed": true}'):
        mark.write_text(text)
        with pytest.raises(
            SystemExit, match=f"^sipapp: the location store .*{mark} cannot be read"
        ):
            Maintained(tmp_path).service.startService()
    mark.unlink()
    maintained = Maintained(tmp_path)
    maintained.service.startService()
    maintained.service.stopService()
    assert counted(tmp_path) == 3


def test_is_busy_while_a_job_is_under_way(tmp_path: Path) -> None:
    """Then this process must not be replaced: its reader slot would stay."""
    waiting: Deferred[Any] = Deferred()
    service = LocationMaintenance(
        tmp_path, Clock(), 2.0, 1 << 24, inThread=lambda job: waiting, boot="this boot"
    )
    service.startService()
    assert service.isBusy
    waiting.callback(None)
    assert not service.isBusy


def test_others_use_the_file(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    maintained = Maintained(tmp_path)
    before: list[Any] = []
    maintained.service.use(BindingFile.count).addErrback(before.append)
    assert before[0].check(NotRunning)
    maintained.service.startService()
    results: list[Any] = []
    maintained.service.use(BindingFile.count).addCallback(results.append)
    maintained.service.use(lambda file: 1 // 0).addErrback(results.append)
    assert results[0] == 10
    assert results[1].check(ZeroDivisionError)
    assert not maintained.service.isBusy
    maintained.service.stopService()
    maintained.service.use(BindingFile.count).addErrback(results.append)
    assert results[2].check(NotRunning)


def test_the_file_is_not_closed_while_it_is_used(tmp_path: Path) -> None:
    jobs: list[tuple[Deferred[Any], Callable[..., Any]]] = []

    def inThread(job: Callable[..., Any]) -> Deferred[Any]:
        jobs.append((Deferred(), job))
        return jobs[-1][0]

    def run() -> None:
        ended, job = jobs.pop(0)
        ended.callback(job())

    service = LocationMaintenance(tmp_path, Clock(), 2.0, 1 << 24, inThread=inThread, boot="this")
    service.startService()
    run()
    counts: list[int] = []
    service.use(BindingFile.count).addCallback(counts.append)
    assert service.isBusy
    stopped: list[Any] = []
    service.stopService().addCallback(stopped.append)
    run()
    assert counts == [0]
    assert stopped == []
    run()
    assert stopped == [None]
    assert jobs == []


def test_the_machine_goes_down(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    before = Maintained(tmp_path)
    before.service.startService()
    before.add("sip:copied@example.com")
    before.reactor.advance(2)
    before.add("sip:lost@example.com")
    before.file.close()
    (tmp_path / "data.mdb").write_bytes(b"what the disk has got of it" * 1000)

    after = Maintained(tmp_path, "the next boot")
    after.now += 5
    with logged() as events:
        after.service.startService()
    (warning,) = [formatEvent(e) for e in events if e["log_level"] is LogLevel.warn]
    assert warning == (
        "The machine went down while the location store was in use. It starts from the copy taken"
        " 5.0 s ago, with 11 addresses-of-record"
    )
    after.service.stopService()
    assert counted(tmp_path) == 11


def test_works_in_real_threads(tmp_path: Path) -> Deferred[None]:
    from twisted.internet import reactor

    async def run() -> None:
        fill(tmp_path, 10)
        service = LocationMaintenance(tmp_path, reactor, 3600, 1 << 24, lambda: START + 61)
        service.startService()
        await service.stopService()
        assert counted(tmp_path) == 0

    return ensureDeferred(run())

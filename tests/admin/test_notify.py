"""What the service manager is told, against a socket as systemd has one."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from sipapp.admin.notify import ServiceNotifier

Starter = Callable[..., ServiceNotifier]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        bound.setblocking(False)
        yield bound


@pytest.fixture
def start(clock: Clock, manager: socket.socket) -> Iterator[Starter]:
    started: list[ServiceNotifier] = []

    def starter(environment: Mapping[str, str] | None = None, **more: str) -> ServiceNotifier:
        variables = {"NOTIFY_SOCKET": manager.getsockname()} if environment is None else environment
        notifier = ServiceNotifier(clock, {**variables, **more})
        notifier.start()
        started.append(notifier)
        return notifier

    yield starter
    for notifier in started:
        notifier.stop()


def told(manager: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(manager.recv(4096).decode())
        except BlockingIOError:
            return messages


def test_lifeOfAServer(start: Starter, manager: socket.socket) -> None:
    notifier = start()
    notifier.ready("4 workers")
    notifier.status("Busy")
    notifier.stopping()
    assert told(manager) == ["READY=1\nSTATUS=4 workers", "STATUS=Busy", "STOPPING=1\nSTATUS=Stops"]


def test_reloadHasItsTime(start: Starter, manager: socket.socket) -> None:
    """systemd compares it with when it has sent the signal."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    start().reloading()
    (message,) = told(manager)
    reloading, moment, _ = message.split("\n")
    assert reloading == "RELOADING=1"
    name, _, value = moment.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(value) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_statusIsOneLine(start: Starter, manager: socket.socket) -> None:
    start().status("bad file:\nWATCHDOG=trigger")
    assert told(manager) == ["STATUS=bad file: WATCHDOG=trigger"]


def test_watchdog(start: Starter, manager: socket.socket, clock: Clock) -> None:
    """Twice as often as it has to be, and only while the reactor turns."""
    start(WATCHDOG_USEC="10000000", WATCHDOG_PID=str(os.getpid()))
    assert told(manager) == ["WATCHDOG=1"]
    clock.advance(4.9)
    assert told(manager) == []
    clock.advance(0.2)
    assert told(manager) == ["WATCHDOG=1"]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
    ],
)
def test_noWatchdog(start: Starter, manager: socket.socket, more: dict[str, str]) -> None:
    assert start(**more).watchdogInterval is None
    assert told(manager) == []


def test_abstractName(start: Starter) -> None:
    name = f"sipapp-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(f"\0{name}")
        start({"NOTIFY_SOCKET": f"@{name}"}).status("here")
        assert bound.recv(100) == b"STATUS=here"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "relative"}])
def test_nobodyToTell(start: Starter, environment: dict[str, str], clock: Clock) -> None:
    start(environment, WATCHDOG_USEC="1000000").ready("unheard")
    assert not clock.getDelayedCalls()


def test_waitsForAManagerThatDoesNotRead(
    start: Starter, manager: socket.socket, clock: Clock
) -> None:
    """The parent does not block, and nothing is lost or put before something else."""
    notifier = start()
    sent = [f"STATUS={number}" for number in range(60)]
    for number in range(60):
        notifier.status(str(number))
    received = told(manager)
    while clock.getDelayedCalls():
        clock.advance(0.1)
        received += told(manager)
    assert received == sent


def test_managerHasGone(start: Starter, manager: socket.socket, tmp_path: Path) -> None:
    notifier = start()
    os.unlink(tmp_path / "notify")
    notifier.ready("unheard")

"""What the service manager hears from a real server."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration
from tests.support.server import START


class ServiceManager:
    """The end that systemd has of its notification socket."""

    def __init__(self, path: Path) -> None:
        self.environment = {"NOTIFY_SOCKET": str(path)}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(START)

    def hear(self) -> dict[str, str]:
        """
        @return: the assignments of the next message.
        """
        lines = self._socket.recv(4096).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)

    def hearOf(self, name: str) -> dict[str, str]:
        """
        @return: the next message that assigns this; the others are passed over.
        """
        while True:
            message = self.hear()
            if name in message:
                return message

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(configuration: Configuration) -> Iterator[ServiceManager]:
    manager = ServiceManager(configuration.directory / "notify")
    yield manager
    manager.close()


def test_readyAndStopping(
    configuration: Configuration, startServer: ServerStarter, manager: ServiceManager
) -> None:
    """Ready is said once, when every worker serves; and nobody but the parent says anything."""
    configuration.listen("udp")
    server = startServer(configuration, environment=manager.environment)
    assert manager.hear() == {"READY": "1", "STATUS": "Serves with 2 workers"}
    server.stop()
    assert manager.hear() == {"STOPPING": "1", "STATUS": "Stops"}


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2])
def test_reload(
    configuration: Configuration,
    startServer: ServerStarter,
    manager: ServiceManager,
    number: signal.Signals,
) -> None:
    """Begin and end are told; an upgrade ends with the reload of the new program."""
    configuration.listen("udp", workers=1)
    server = startServer(configuration, environment=manager.environment)
    manager.hearOf("READY")
    server.program.signal(number)
    assert int(manager.hearOf("RELOADING")["MONOTONIC_USEC"]) > 0
    while "generation 1" not in manager.hearOf("READY")["STATUS"]:
        pass
    server.stop()


def test_watchdogIsFed(
    configuration: Configuration, startServer: ServerStarter, manager: ServiceManager
) -> None:
    configuration.listen("udp", workers=1)
    environment = {**manager.environment, "WATCHDOG_USEC": "200000"}
    startServer(configuration, environment=environment)
    manager.hearOf("READY")
    assert manager.hear() == {"WATCHDOG": "1"}
    assert manager.hear() == {"WATCHDOG": "1"}


def test_cannotStart(
    configuration: Configuration, startServer: ServerStarter, manager: ServiceManager
) -> None:
    """C{systemctl status} shows why."""
    configuration.certificate = configuration.directory / "worthless.pem"
    configuration.certificate.write_text("-----BEGIN NOTHING-----\n")
    configuration.listen("tls")
    startServer(configuration, awaitReady=False, environment=manager.environment)
    assert "worthless.pem" in manager.hearOf("STATUS")["STATUS"]

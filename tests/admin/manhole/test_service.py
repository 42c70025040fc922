"""How the manhole begins and ends."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent

from sipapp.admin.manhole.service import Manhole
from sipapp.admin.methods import Methods, Workforce
from sipapp.admin.methods.audit import Audit
from sipapp.config import ManholeSettings, Settings


class Waiting(Clock):
    """The reactor, whose time is the test's."""

    listenTCP = reactor.listenTCP  # type: ignore[attr-defined]  # as this reactor has it


def manhole(
    directory: Path, port: int = 0, address: str = "127.0.0.1", time: Clock | None = None
) -> Manhole:
    audit = Audit(directory / "audit.log")
    return Manhole(
        ManholeSettings(address=address, port=port, users={"alice": ("ssh-ed25519 AAAA",)}),
        directory / "manhole_key",
        Methods({}, audit),
        Workforce(lambda: None),  # type: ignore[arg-type, return-value] # nobody asks for them
        audit,
        lambda: Settings(file="etc/sipapp.toml"),
        reactor if time is None else time,
    )


@ensureDeferred
async def test_itListensWhileItRuns(tmp_path: Path) -> None:
    service = manhole(tmp_path)
    with capturedLogs() as logged:
        service.startService()
    said = [formatEvent(each) for each in logged]
    assert "alice has no key to get into the manhole with" in said
    port = service.port
    with socket.create_connection(("127.0.0.1", port), timeout=40):
        pass
    await service.stopService()
    assert service.port == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=40)


def end(connection: socket.socket) -> None:
    """Wait for the server to hang up."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass


@ensureDeferred
async def test_whoDoesNotLogIn(tmp_path: Path) -> None:
    """They do not keep others out, and not for ever what they have."""
    clock = Waiting()
    service = manhole(tmp_path, time=clock)
    service.startService()

    def connect() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", service.port), timeout=40)
        connection.recv(1)
        return connection

    connections = [await deferToThread(connect) for _ in range(17)]
    await deferToThread(end, connections[0])
    clock.advance(59)
    connections.append(await deferToThread(connect))
    await deferToThread(end, connections[1])
    clock.advance(1)
    for each in connections[2:17]:
        await deferToThread(end, each)
    connections[17].setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            connections[17].recv(65536)
    for each in connections:
        each.close()
    await service.stopService()


def test_aPortThatOthersHave(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=f"sipapp: the manhole cannot be: .*{port}"):
            manhole(tmp_path, port).startService()


def test_anAddressThatOthersHave(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="sipapp: the manhole cannot be: "):
        manhole(tmp_path, address="192.0.2.1").startService()


def test_aKeyThatIsNone(tmp_path: Path) -> None:
    (tmp_path / "manhole_key").write_text("nothing\n")
    with pytest.raises(SystemExit, match="sipapp: the manhole cannot be: "):
        manhole(tmp_path).startService()


def test_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ManholeSettings(users={"alice": ("ssh-ed25519 AAAA", "keys")})
    assert settings.users == {"alice": ("ssh-ed25519 AAAA", str(tmp_path / "keys"))}
    with pytest.raises(ValueError, match="nobody could log in"):
        ManholeSettings(users={})
    with pytest.raises(ValueError, match="NUL"):
        ManholeSettings(users={"alice": ("a\0b",)})

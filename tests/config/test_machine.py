"""Tests of C{sipapp.config.machine}, on the machine they run on."""

from __future__ import annotations

import grp
import ipaddress
import os
import pwd
import socket
import tempfile
from pathlib import Path

import pytest

from sipapp.config import (
    ListenSettings,
    LocalMachine,
    ServerSettings,
    Settings,
    ownerOf,
    resolve,
)


def test_everyInterfaceIsListed() -> None:
    interfaces = LocalMachine().interfaces()
    assert {name for _, name in socket.if_nameindex()} == set(interfaces)
    assert "127.0.0.1" in interfaces["lo"]


def test_everyAddressCanBeBound() -> None:
    for addresses in LocalMachine().interfaces().values():
        for text in addresses:
            address = ipaddress.ip_address(text)
            if address.is_link_local:
                continue
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            with socket.socket(family, socket.SOCK_DGRAM) as bound:
                bound.bind((text, 0))


def test_readableFiles(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    server = ServerSettings()
    assert LocalMachine().whyUnreadable(str(file), server) == "No such file or directory"
    file.write_text("")
    assert LocalMachine().whyUnreadable(str(file), server) is None
    assert LocalMachine().whyUnreadable(str(tmp_path), server) == "Is a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbiddenFiles(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.touch(mode=0o000)
    assert LocalMachine().whyUnreadable(str(file), ServerSettings()) == "Permission denied"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_filesOfRoot() -> None:
    """What counts is who has to read them, in the end."""
    machine = LocalMachine()
    nobody, stranger = ServerSettings(user="nobody"), ServerSettings(user="nobody of this name")
    with tempfile.TemporaryDirectory(prefix="sipapp-") as name:
        directory = Path(name)
        file = directory / "key.pem"
        file.touch(mode=0o600)
        directory.chmod(0o711)
        assert machine.whyUnreadable(str(file), ServerSettings()) is None
        assert machine.whyUnreadable(str(file), stranger) is None
        assert machine.whyUnreadable(str(file), nobody) == "the user nobody may not"
        os.chown(file, pwd.getpwnam("nobody").pw_uid, -1)
        assert machine.whyUnreadable(str(file), nobody) is None
        directory.chmod(0o700)
        assert machine.whyUnreadable(str(file), nobody) == "the user nobody may not"


def test_usersAndGroups() -> None:
    machine = LocalMachine()
    assert machine.hasUser(pwd.getpwuid(0).pw_name)
    assert not machine.hasUser("nobody of this name")
    assert machine.hasGroup("root")
    assert not machine.hasGroup("nobody of this name")


def test_checkers() -> None:
    machine = LocalMachine()
    assert machine.whyUnfit("file:/etc/sipapp/passwords") is None
    assert machine.whyUnfit("ldap:example.com") == 'no plugin provides "ldap"'
    assert machine.whyUnfit("anonymous") == (
        '"anonymous" knows neither passwords nor digests, so it cannot check an answer'
    )


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o700])
def test_kept(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.touch()
    file.chmod(mode)
    assert LocalMachine().whyExposed(str(file)) is None
    assert LocalMachine().whyExposed(str(tmp_path / "missing")) is None


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (0o644, "everybody can read it: chmod o= {}"),
        (0o604, "everybody can read it: chmod o= {}"),
        (0o602, "everybody can change it: chmod o= {}"),
        (0o666, "everybody can change it: chmod o= {}"),
        (0o660, "its group can change it: chmod g-w {}"),
    ],
)
def test_exposed(tmp_path: Path, mode: int, reason: str) -> None:
    file = tmp_path / "secret"
    file.touch()
    file.chmod(mode)
    assert LocalMachine().whyExposed(str(file)) == reason.format(file)


def test_owner() -> None:
    me = pwd.getpwuid(0)
    group = grp.getgrnam("daemon").gr_gid
    assert ownerOf(ServerSettings()) is None
    assert ownerOf(ServerSettings(user=me.pw_name)) == (me.pw_uid, me.pw_gid)
    assert ownerOf(ServerSettings(user=me.pw_name, group="daemon")) == (me.pw_uid, group)


def test_itIsTheDefault() -> None:
    settings = Settings(file="x", listen=(ListenSettings(address="lo", transport="udp"),))
    assert resolve(settings).listeners[0].host == "127.0.0.1"

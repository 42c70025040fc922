"""Tests of C{sipapp.config.settings}."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sipapp.config import (
    ListenSettings,
    LocationSettings,
    PoolsSettings,
    ServerSettings,
    Settings,
    TLSSettings,
    tomlKey,
)
from sipapp.config.settings import usableCPUs


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("user", "user"),
        ("socketWorkers", "socket_workers"),
        ("tcpChildren", "tcp_children"),
        ("timerC", "timer_c"),
        ("udpMTU", "udp_mtu"),
        ("negativeTTL", "negative_ttl"),
        ("t1", "t1"),
    ],
)
def test_keysAreSnakeCase(name: str, key: str) -> None:
    assert tomlKey(name) == key


def test_settingsAreFrozen() -> None:
    name = "children"
    with pytest.raises(AttributeError):
        setattr(PoolsSettings(), name, 3)


def test_pathsAreAbsolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = os.getcwd()
    settings = Settings(file="x", server=ServerSettings(runDirectory="r"))
    tls = TLSSettings(certificate="tls/certificate.pem", ca="/ca.pem")
    monkeypatch.chdir("/")
    assert settings.server.runDirectory == f"{here}/r"
    assert settings.server.stateDirectory == f"{here}/run/state"
    assert settings.secretPath == f"{here}/run/state/secret"
    assert settings.locationPath == f"{here}/run/state/location"
    assert tls.certificate == tls.keyFile == f"{here}/tls/certificate.pem"
    assert tls.ca == "/ca.pem"


def test_givenPathsWin() -> None:
    settings = Settings(
        file="x",
        server=ServerSettings(secretFile="/secret"),
        location=LocationSettings(path="/location"),
    )
    assert (settings.secretPath, settings.locationPath) == ("/secret", "/location")
    assert TLSSettings(certificate="/c", privateKey="/k").keyFile == "/k"


def test_domainsAreLowerCase() -> None:
    assert ServerSettings(domains=("Example.COM",)).domains == ("example.com",)


def test_sharedPoolIsAsLargeAsChildrenUnlessToldOtherwise() -> None:
    assert PoolsSettings(children=3).sharedSize == 3
    assert PoolsSettings(children=3, tcpChildren=5).sharedSize == 5


@pytest.mark.parametrize(("cpus", "children"), [(1, 2), (2, 2), (5, 5), (8, 8), (64, 8)])
def test_defaultChildren(cpus: int, children: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cpus)))
    assert usableCPUs() == PoolsSettings().children == children


def test_oneOrSeveralAddressesAndTransports() -> None:
    one = ListenSettings(address="lo", transport="udp")
    assert (one.addresses, one.transports) == (("lo",), ("udp",))
    several = ListenSettings(address=("lo", "eth0"))
    assert (several.addresses, several.transports) == (("lo", "eth0"), ("udp", "tcp"))


def test_chainOfResources() -> None:
    assert ListenSettings(address="lo").chain == ("options", "registrar", "proxy")
    assert ListenSettings(address="lo", resources=("proxy",)).chain == ("proxy",)
    assert ListenSettings(address="lo", transport="http").chain == ()


def test_limitsHaveDefaults() -> None:
    assert ListenSettings(address="lo").bounds.headSize == 32_768

"""Tests of C{sipapp.config.settings}."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sipapp.config import (
    LocationSettings,
    PoolsSettings,
    ServerSettings,
    Settings,
)
from sipapp.config.settings import usableCPUs


def test_settingsAreFrozen() -> None:
    name = "children"
    with pytest.raises(AttributeError):
        setattr(PoolsSettings(), name, 3)


def test_pathsAreAbsolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = os.getcwd()
    settings = Settings(file="x", server=ServerSettings(runDirectory="r"))
    monkeypatch.chdir("/")
    assert settings.server.runDirectory == f"{here}/r"
    assert settings.server.stateDirectory == f"{here}/run/state"
    assert settings.secretPath == f"{here}/run/state/secret"
    assert settings.locationPath == f"{here}/run/state/location"


def test_givenPathsWin() -> None:
    settings = Settings(
        file="x",
        server=ServerSettings(secretFile="/secret"),
        location=LocationSettings(path="/location"),
    )
    assert (settings.secretPath, settings.locationPath) == ("/secret", "/location")


def test_domainsAreLowerCase() -> None:
    assert ServerSettings(domains=("Example.COM",)).domains == ("example.com",)


def test_sharedPoolIsAsLargeAsChildrenUnlessToldOtherwise() -> None:
    assert PoolsSettings(children=3).sharedSize == 3
    assert PoolsSettings(children=3, tcpChildren=5).sharedSize == 5


@pytest.mark.parametrize(("cpus", "children"), [(1, 2), (2, 2), (5, 5), (8, 8), (64, 8)])
def test_defaultChildren(cpus: int, children: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cpus)))
    assert usableCPUs() == PoolsSettings().children == children

"""The example of a resource in a package of its own: alone, and installed beside sipapp."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ServerStarter
from tests.resources.offering import Offering, Surroundings, makeRequest
from tests.support.configuration import Configuration
from tests.support.sipclient import UDPSocket

PACKAGE = Path(__file__).parents[2] / "docs" / "examples" / "screening"


@pytest.fixture
def screening(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, imported from where it lies."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    import sipapp_screening

    yield sipapp_screening
    del sys.modules["sipapp_screening"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put the package: nothing but what its setup.cfg names."""
    source = tmp_path_factory.mktemp("source") / "screening"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "--target", str(target), str(source)], check=True)
    return target


class TestAlone:
    def test_declined(self, screening: Any) -> None:
        settings = screening.ScreeningSettings(unwanted=("sip:alice@example.com",))
        offering = Offering([screening.Screening(settings, Surroundings())])
        offering.receive(makeRequest("INVITE"))
        assert (offering.answer.status, offering.answer.reason) == (603, "Not Today")
        assert offering.answer.to.tag

    def test_left(self, screening: Any) -> None:
        settings = screening.ScreeningSettings(unwanted=("sip:mallory@example.com",))
        offering = Offering([screening.Screening(settings, Surroundings())])
        offering.receive(makeRequest("INVITE"))
        offering.receive(makeRequest("MESSAGE", branch="2"))
        assert offering.statuses == [405, 405]


def test_installed(
    installed: Path, configuration: Configuration, startServer: ServerStarter
) -> None:
    """A real server finds it, reads its settings and asks it before the proxy."""
    configuration.table("resource.screening", unwanted=["sip:mallory@example.test"], reason="Never")
    configuration.listen("udp", resources=["screening", "options", "registrar", "proxy"])
    server = startServer(configuration, environment={"PYTHONPATH": str(installed)})
    with UDPSocket(server.endpoint("udp").address) as client:
        declined = client.ask("INVITE", "sip:bob@example.test", fromURI="sip:mallory@example.test")
        assert (declined.status, declined.start) == (603, "SIP/2.0 603 Never")
        assert client.ask("MESSAGE", "sip:bob@example.test").status in (404, 480)
    server.stop()

"""The harness measures real servers: a short load for each scenario."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.compare import sipp
from bench.compare.contender import Contender, Effort
from bench.compare.idle import compareIdle
from bench.compare.scenarios import SCENARIOS
from bench.compare.servers import PACKAGES, SERVERS, Wanted, program

SHORT = Effort(seconds=0.5, steps=1, step=0.3)


@pytest.fixture
def directory() -> Iterator[Path]:
    """Not that of the test, whose name is long: the path of a unix socket is short."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.slow
@pytest.mark.peer("sipp", "kamailio")
@pytest.mark.parametrize(
    ("server", "scenario", "transport"),
    [
        ("sipapp", "options", "udp"),
        ("sipapp", "call", "tcp"),
        ("sipapp", "challenge", "udp"),
        ("kamailio-stock", "call", "udp"),
        ("kamailio-stock", "challenge", "udp"),
        ("kamailio-tuned", "options", "tcp"),
    ],
)
def test_serverIsMeasured(directory: Path, server: str, scenario: str, transport: str) -> None:
    contender = Contender(
        server,
        scenario,
        Wanted(transport, 1, accounts=SCENARIOS[scenario].accounts),
        directory / server,
    )
    try:
        contender.prepare()
        contender.begin(SHORT)
        assert "0 of" in contender.account()
        row = contender.row(SHORT)
    finally:
        contender.end()
    assert row.key == (scenario, transport, 1, server)
    assert row.failed == 0
    assert row.cpu_us is not None and row.cpu_us > 1
    assert row.rss_mib is not None and row.rss_mib > 1
    if row.max_rate is not None:  # a busy machine may keep up with none
        assert row.p50_ms is not None and row.p99_ms is not None
        assert 0 < row.p50_ms <= row.p99_ms


@pytest.mark.slow
def test_idlePhones(directory: Path) -> None:
    said: list[str] = []
    (row,) = compareIdle("idle-5000", Wanted("tcp", 1, 20), ["sipapp"], 0.5, said.append)
    assert said == ["  sipapp: 20 connections"]
    assert row.failed == 0
    assert row.kib_per_connection is not None


def test_missingProgram(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Nothing is installed; it is said how to."""
    monkeypatch.setenv("PATH", str(directory))
    with pytest.raises(LookupError, match="apt-get install sip-tester"):
        program("sipp")


def test_scriptsAreThere() -> None:
    scripts = Path(sipp.__file__).with_name("sipp")
    for scenario in SCENARIOS.values():
        ElementTree.parse(scripts / f"{scenario.script}.xml")


def test_serversOfTheResults() -> None:
    assert set(SERVERS) == {"sipapp", "kamailio-stock", "kamailio-tuned"}
    assert set(PACKAGES) == {"kamailio", "sipp"}

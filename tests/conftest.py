"""Fixtures of the end-to-end tests, and what a missing peer program means."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import hypothesis
import pytest

from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration
from tests.support.server import Server

#: How much of a server's log a failure shows, in characters.
LOG_TAIL = 6000

# CI says the same of the same tree each time; everybody else looks further at every run.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("user", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "user")

# A shell that runs tests in the background has them ignore it, and so would all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_servers = pytest.StashKey[list[Server]]()


class ServerStarter(Protocol):
    """What the fixtures C{startServer} and C{startSharedServer} give."""

    def __call__(
        self,
        configuration: Configuration,
        *,
        awaitReady: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> Server:
        """
        @param awaitReady: false for a server that is not expected to get that far.
        @param environment: variables beyond those of the tests.
        """


def _require(program: str) -> str:
    path = shutil.which(program)
    if path is not None:
        return path
    reason = f"the program {program} is not installed"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}, and CI runs without no peer", pytrace=False)
    pytest.skip(reason)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("peer"):
        for program in marker.args:
            _require(program)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one test process run all tests that share a server: each would start one of its own."""
    for item in items:
        shares = isinstance(item, pytest.Function) and "startSharedServer" in item.fixturenames
        if shares and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of a failed test's servers beside the failure."""
    report = yield
    if report.failed:
        for node in item.listchain():
            for server in node.stash.get(_servers, []):
                log = server.output()[-LOG_TAIL:]
                report.sections.append(
                    (f"log of the server in {server.configuration.directory}", log)
                )
    return report


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Gives the path of a peer program. Without it the test is skipped, or fails in CI."""
    return _require


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """Whom the clients of the TLS tests trust."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def serverCertificate(authority: CertificateAuthority) -> tuple[Path, Path]:
    """Certificate and key for the loopback addresses and the domain of the tests."""
    return authority.issue("localhost", "example.test", "127.0.0.1", "::1")


@pytest.fixture
def configuration(
    tmp_path_factory: pytest.TempPathFactory, serverCertificate: tuple[Path, Path]
) -> Configuration:
    """An empty configuration: a test adds its endpoints."""
    # Not in the directory of the test, whose name is long: the path of a unix socket is short.
    return Configuration(tmp_path_factory.mktemp("server"), *serverCertificate)


@pytest.fixture(scope="module")
def sharedConfiguration(
    tmp_path_factory: pytest.TempPathFactory, serverCertificate: tuple[Path, Path]
) -> Configuration:
    """The same for a server that the tests of a module share."""
    return Configuration(tmp_path_factory.mktemp("server"), *serverCertificate)


def _starter(node: pytest.Item | pytest.Collector) -> Iterator[ServerStarter]:
    servers = node.stash.setdefault(_servers, [])

    def start(
        configuration: Configuration,
        *,
        awaitReady: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> Server:
        server = Server(configuration, environment)
        servers.append(server)
        return server.awaitReady() if awaitReady else server

    yield start
    for server in servers:
        server.end()
    servers.clear()


@pytest.fixture
def startServer(request: pytest.FixtureRequest) -> Iterator[ServerStarter]:
    """Starts servers and waits until they are ready; the end of the test is theirs."""
    yield from _starter(request.node)


@pytest.fixture(scope="module")
def startSharedServer(request: pytest.FixtureRequest) -> Iterator[ServerStarter]:
    """The same for the length of a module."""
    yield from _starter(request.node)

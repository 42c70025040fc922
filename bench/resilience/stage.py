"""The stage: a server in a directory of its own, and the rhythm of what happens to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration
from tests.support.server import Server


def makeConfiguration(directory: Path) -> Configuration:
    """
    @param directory: an empty one, for everything that the line writes.
    @return: a configuration without endpoints.
    """
    authority = directory / "authority"
    authority.mkdir()
    certificate, key = CertificateAuthority(authority).issue("localhost", "127.0.0.1")
    return Configuration(directory, certificate, key)


class Ended(Exception):
    """The server has ended, which no disturbance may cause."""


@contextmanager
def running(
    configuration: Configuration, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server that is ready, and gone afterwards.

    @param environment: variables beyond those of this process.
    @raise Ended: if it does not get ready.
    """
    server = Server(configuration, environment)
    try:
        try:
            server.awaitReady()
        except AssertionError as error:
            raise Ended("the server has not started") from error
        yield server
    finally:
        server.end()


def checkRuns(server: Server) -> None:
    status = server.program.status
    if status is not None:
        raise Ended(f"the server has ended with status {status}")


def every(period: float, seconds: float, action: Callable[[int], None]) -> int:
    """Do something in a steady rhythm, the first time after one period.

    @param action: is given the number of the time, from 0.
    @return: how often it was done.
    """
    begun = time.monotonic()
    count = 0
    while (count + 1) * period <= seconds:
        time.sleep(max(0.0, begun + (count + 1) * period - time.monotonic()))
        action(count)
        count += 1
    return count

"""A server to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import pytest_twisted

from tests.support.operated import Operated

Operate = Callable[..., Operated]


@pytest.fixture
def operate(tmp_path: Path) -> Iterator[Operate]:
    """Start one with namespaces of methods, by their names."""
    servers: list[Operated] = []

    def start(**namespaces: object) -> Operated:
        server = Operated(tmp_path, namespaces)
        server.door.startService()
        servers.append(server)
        return server

    yield start
    for each in servers:
        pytest_twisted.blockon(each.door.stopService())

"""Fixtures of the transport tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from pytest_twisted import async_yield_fixture

from tests.transport.webstage import Web
from tests.transport.workers import Site


@async_yield_fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A server without endpoints or workers yet; it is stopped at the end of the test."""
    made = Site(tmp_path)
    yield made
    await made.stop()


@async_yield_fixture
async def web() -> AsyncIterator[Web]:
    """HTTP endpoints, which end with the test."""
    made = Web()
    yield made
    await made.stop()

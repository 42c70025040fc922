"""Tests of C{sipapp.ground}: what others have of it is in those of servers."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sipapp.config import ServerSettings, Settings
from sipapp.ground import Ground


@contextmanager
def noRoom() -> Iterator[None]:
    """No file can grow, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_noSecretOnAFullDisk(tmp_path: Path) -> None:
    """It says which file, and leaves none that the next start would take for the secret."""
    server = ServerSettings(runDirectory=str(tmp_path / "run"), stateDirectory=str(tmp_path))
    settings = Settings(file="sipapp.toml", server=server)
    path = Path(settings.secretPath)
    ground = Ground(settings)
    with noRoom(), pytest.raises(OSError, match=re.escape(str(path))):
        ground.privilegedStartService()
    assert not path.exists()
    ground.privilegedStartService()
    assert len(ground.secret) == 32
    assert path.read_bytes() == ground.secret
    accounts = Path(settings.accountsPath)
    accounts.unlink()
    with noRoom(), pytest.raises(OSError, match=re.escape(str(accounts))):
        ground.privilegedStartService()
    # Nor a draft of it, with what SQLite has put beside that.
    assert not list(tmp_path.glob(f"*{accounts.name}*"))
    ground.stopService()

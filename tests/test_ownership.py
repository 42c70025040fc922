"""Tests of C{sipapp.ownership}."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sipapp.ownership import asOwner, makeOwned

OWNER = (pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
ROOT = (0, 0, 0)

onlyRoot = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives something away")


def owned(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_uid, status.st_gid


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that others may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="sipapp-") as name:
        os.chmod(name, 0o711)
        yield Path(name)


@onlyRoot
def test_asOwner() -> None:
    """Until it is done, and also if it fails."""
    assert asOwner(OWNER, lambda: (os.geteuid(), os.getegid())) == OWNER
    assert (os.getresuid(), os.getresgid()) == (ROOT, ROOT)
    with pytest.raises(PermissionError):
        asOwner(OWNER, partial(os.listdir, "/root"))
    assert (os.getresuid(), os.getresgid()) == (ROOT, ROOT)


def test_whoItIs() -> None:
    assert asOwner(None, os.geteuid) == os.geteuid()


@onlyRoot
def test_given(directory: Path) -> None:
    """In directories of root's: also one that is there already."""
    new, old = directory / "some" / "new", directory / "old"
    old.mkdir(mode=0o700)
    for each in (new, old):
        makeOwned(each, OWNER, partial(each.mkdir, parents=True, exist_ok=True))
        assert owned(each) == OWNER
    assert owned(new.parent) == (0, 0)


@onlyRoot
def test_madeByTheOwner(directory: Path) -> None:
    os.chown(directory, *OWNER)
    new = directory / "some" / "new"
    makeOwned(new, OWNER, partial(new.mkdir, parents=True))
    assert owned(new) == owned(new.parent) == OWNER


@onlyRoot
def test_linksOfTheOwner(directory: Path) -> None:
    """They do not make root give away what they lead to, or make something there."""
    victim, home = directory / "victim", directory / "home"
    for each in (victim, home):
        each.mkdir(mode=0o711)
    os.chown(home, *OWNER)
    link = home / "bus"
    link.symlink_to(victim)
    makeOwned(link, OWNER, partial(link.mkdir, exist_ok=True))
    assert owned(victim) == (0, 0)
    below = link / "below"
    with pytest.raises(PermissionError):
        makeOwned(below, OWNER, below.mkdir)
    assert list(victim.iterdir()) == []

"""The keys of the manhole."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.conch.ssh.keys import BadKeyError, Key

from sipapp.admin.manhole.keys import UserKeys, hostKey


def publicKey() -> tuple[Key, str]:
    key = Key(Ed25519PrivateKey.generate()).public()
    return key, key.toString("openssh", comment=b"alice@desk").decode()


def test_theHostKeyIsMadeOnce(tmp_path: Path) -> None:
    path = tmp_path / "manhole_key"
    key = hostKey(path)
    assert key.sshType() == b"ssh-ed25519"
    assert not key.isPublic()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    assert hostKey(path) == key


def test_noRoomForAHostKey(tmp_path: Path) -> None:
    """The next start makes one, as if this one had not been."""
    path = tmp_path / "manhole_key"
    unwritten = tmp_path / "manhole_key.new"
    unwritten.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        hostKey(path)
    assert not path.exists()
    unwritten.unlink()
    unwritten.write_text("half a key")
    assert hostKey(path) == hostKey(path)
    assert [each.name for each in tmp_path.iterdir()] == ["manhole_key"]


def test_aHostKeyThatIsNone(tmp_path: Path) -> None:
    path = tmp_path / "manhole_key"
    path.write_text("no key\n")
    with pytest.raises(BadKeyError):
        hostKey(path)
    with pytest.raises(OSError, match="no"):
        hostKey(tmp_path / "no" / "manhole_key")


def test_keysAndFilesOfThem(tmp_path: Path) -> None:
    (one, first), (two, second), (three, third) = publicKey(), publicKey(), publicKey()
    file = tmp_path / "keys"
    file.write_text(f"# of alice\n\n{second}\nnonsense\nssh-ed25519 AAAA\n  {third}\n")
    keys = UserKeys(lambda: {"alice": [first, str(file)], "bob": [str(tmp_path / "none")]})
    assert list(keys.getAuthorizedKeys(b"alice")) == [one, two, three]
    assert list(keys.getAuthorizedKeys(b"bob")) == []
    assert list(keys.getAuthorizedKeys(b"eve")) == []
    assert list(keys.getAuthorizedKeys(b"\xff")) == []
    file.unlink()
    assert list(keys.getAuthorizedKeys(b"alice")) == [one]

"""The keys of the manhole: the one that it shows, and those that it knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.conch.checkers import IAuthorizedKeysDB
from twisted.conch.ssh.keys import Key
from twisted.logger import Logger
from zope.interface import implementer

__all__ = ["UserKeys", "hostKey"]

_log = Logger()


def hostKey(path: Path) -> Key:
    """
    @return: the private key of the server; made, readable by its user alone, if there is none.
    @raise OSError: if it cannot be read or made.
    @raise twisted.conch.ssh.keys.BadKeyError: if it is no key.
    """
    try:
        there: Key = Key.fromString(path.read_bytes())
    except FileNotFoundError:
        return _makeHostKey(path)
    return there


def _makeHostKey(path: Path) -> Key:
    key = Key(Ed25519PrivateKey.generate())
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    # Half a key, for which there was no room, would be none for ever.
    whole = path.with_suffix(".new")
    with open(os.open(whole, flags, 0o600), "wb") as file:
        file.write(key.toString("openssh", subtype="v1"))
    whole.rename(path)
    return key


@implementer(IAuthorizedKeysDB)
class UserKeys:
    """The public keys of those who may log in."""

    def __init__(self, users: Callable[[], Mapping[str, Sequence[str]]]) -> None:
        """
        @param users: gives, for each user, keys and absolute paths of files of keys.
        """
        self._users = users

    def getAuthorizedKeys(self, username: bytes) -> Iterator[Key]:
        """See C{IAuthorizedKeysDB}. Files are read each time; what cannot be read is logged."""
        name = username.decode("utf-8", "replace")
        for each in self._users().get(name, ()):
            for line in _lines(each):
                try:
                    yield Key.fromString(line)
                except Exception as error:  # it may be any, for what is no key
                    _log.warn("{where}: no key of {user}: {why}", where=each, user=name, why=error)


def _lines(entry: str) -> list[bytes]:
    """
    @return: the keys of a file, or the one that this is.
    """
    if not entry.startswith("/"):
        return [entry.encode()]
    try:
        content = Path(entry).read_bytes()
    except OSError as error:
        _log.warn("{file}: {why}", file=entry, why=error.strerror)
        return []
    lines = (line.strip() for line in content.splitlines())
    return [line for line in lines if line and not line.startswith(b"#")]

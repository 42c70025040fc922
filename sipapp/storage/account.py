"""Who a user is: the account that a name and a password stand for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

import msgspec

from sipapp.rpc import ROLES, Role
from sipapp.sip.digest import HASHES, digestHA1

__all__ = ["ROLES", "Account", "AccountExists", "NoSuchAccount", "Role", "newAccount"]

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Account(msgspec.Struct, frozen=True):
    """A user of one realm.

    There is no password in it, but whoever knows a digest can answer challenges of its realm as
    well as one who knows the password. So it is in no representation that might be logged.

    @ivar username: the name in answers to a challenge. Case matters.
    @ivar realm: what the challenge is for: usually the domain. Case matters.
    @ivar digests: C{sipapp.sip.digest.digestHA1} for some or all of C{sipapp.sip.digest.HASHES}.
    @ivar role: what the user may do with the server itself; C{None} is nothing.
    """

    username: str
    realm: str
    digests: Mapping[str, str] = {}
    role: Role | None = None

    def ha1(self, algorithm: str) -> str | None:
        """
        @param algorithm: one of C{sipapp.sip.digest.ALGORITHMS}.
        @return: the digest to check an answer with; C{None} if there is none for this algorithm.
        """
        return self.digests.get(algorithm.removesuffix("-sess"))

    def __repr__(self) -> str:
        return f"<Account {self.username!r} of {self.realm!r}>"


def newAccount(username: str, realm: str, password: str, role: Role | None = None) -> Account:
    """Make the account of a user with a password, for all algorithms.

    Name and password are normalised to NFC, as clients do (RFC 7616 §4).

    @raise ValueError: if one of the texts cannot be what it should be.
    """
    username, password = (unicodedata.normalize("NFC", text) for text in (username, password))
    for what, text in (("user name", username), ("realm", realm), ("password", password)):
        if not text:
            raise ValueError(f"the {what} is empty")
        if _UNPRINTABLE.search(text):
            raise ValueError(f"the {what} holds what cannot be printed")
    if ":" in username:
        # RFC 7617 §2; and it would leave open where the realm begins in what is hashed.
        raise ValueError(f"the user name {username!r} has a colon in it")
    digests = {each: digestHA1(each, username, realm, password) for each in HASHES}
    return Account(username, realm, digests, role)


class AccountExists(Exception):
    """There is an account of this name in this realm."""

    def __init__(self, username: str, realm: str) -> None:
        super().__init__(f"there is a user {username!r} of {realm!r} already")


class NoSuchAccount(Exception):
    """There is no account of this name in this realm."""

    def __init__(self, username: str, realm: str) -> None:
        super().__init__(f"there is no user {username!r} of {realm!r}")

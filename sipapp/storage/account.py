"""Who a user is: the account that a name and a password stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

__all__ = ["ROLES", "Account", "AccountExists", "NoSuchAccount", "Role"]

Role = Literal["viewer", "operator", "admin"]
"""What somebody may do with the server itself, each more than the one before."""

ROLES: tuple[Role, ...] = get_args(Role)


class Account(msgspec.Struct, frozen=True):
    """A user of one realm.

    There is no password in it, but whoever knows a digest can answer challenges of its realm as
    well as one who knows the password. So it is in no representation that might be logged.

    @ivar username: the name in answers to a challenge. Case matters.
    @ivar realm: what the challenge is for: usually the domain. Case matters.
    @ivar digests: for the algorithms C{MD5}, C{SHA-256} and C{SHA-512-256}, or some of them, the
        hash of C{username:realm:password} in hexadecimal digits: H(A1) of RFC 7616 §3.4.2 before
        the nonces of a C{-sess} algorithm come to it.
    @ivar role: what the user may do with the server itself; C{None} is nothing.
    """

    username: str
    realm: str
    digests: Mapping[str, str] = {}
    role: Role | None = None

    def ha1(self, algorithm: str) -> str | None:
        """
        @param algorithm: one of the six; that of a session has the digest of the one without.
        @return: the digest to check an answer with; C{None} if there is none for this algorithm.
        """
        return self.digests.get(algorithm.removesuffix("-sess"))

    def __repr__(self) -> str:
        return f"<Account {self.username!r} of {self.realm!r}>"


class AccountExists(Exception):
    """There is an account of this name in this realm."""

    def __init__(self, account: Account) -> None:
        super().__init__(f"there is a user {account.username!r} of {account.realm!r} already")


class NoSuchAccount(Exception):
    """There is no account of this name in this realm."""

    def __init__(self, username: str, realm: str) -> None:
        super().__init__(f"there is no user {username!r} of {realm!r}")

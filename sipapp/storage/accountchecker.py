"""Checks credentials against an account store: directly, and for C{twisted.cred}."""

from __future__ import annotations

import secrets
import unicodedata
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, execute
from zope.interface import implementer

from sipapp.interfaces import IAccountStore
from sipapp.sip.digest import HASHES, digestHA1
from sipapp.storage.account import Account
from sipapp.storage.digestanswer import IDigestAnswer

if TYPE_CHECKING:
    from sipapp.sip.digest import Credentials

__all__ = ["AccountChecker", "whoAnswers", "whoKnows"]

_NOBODYS = secrets.token_hex(32)
"""A digest that no password has. What is said for an unknown user is compared with it, so that it
takes as long to refuse as a wrong password."""


def whoAnswers(
    store: IAccountStore, credentials: Credentials, method: str, body: bytes
) -> Account | None:
    """
    @return: the user who has answered a challenge; C{None} if the answer is wrong.
    @raise Exception: if the store cannot be read.
    """
    if credentials.userhash:
        account = store.findHashed(credentials.username.lower(), credentials.realm)
    else:
        account = store.find(credentials.username, credentials.realm)
    ha1 = None if account is None else account.ha1(credentials.algorithm)
    return account if credentials.matches(ha1 or _NOBODYS, method, body) else None


def whoKnows(store: IAccountStore, username: str, realm: str, password: str) -> Account | None:
    """
    @return: the user who has this password; C{None} if there is none.
    @raise Exception: if the store cannot be read.
    """
    username, password = (unicodedata.normalize("NFC", text) for text in (username, password))
    account = store.find(username, realm)
    digests = {HASHES[-1]: _NOBODYS} if account is None else account.digests
    algorithm = max(digests, key=HASHES.index)
    said = digestHA1(algorithm, username, realm, password)
    return account if compare_digest(said, digests[algorithm]) else None


@implementer(ICredentialsChecker)
class AccountChecker:
    """An account store, for C{twisted.cred}. An avatar's id is C{username@realm}, in UTF-8."""

    credentialInterfaces = (IDigestAnswer, IUsernamePassword)

    def __init__(self, store: IAccountStore, realm: str) -> None:
        """
        @param realm: of credentials that do not say: a name and a password.
        """
        self._store = store
        self._realm = realm

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes | tuple[()]]:
        return execute(self._avatarID, credentials)

    def _avatarID(self, credentials: Any) -> bytes | tuple[()]:
        if IDigestAnswer.providedBy(credentials):
            account = whoAnswers(
                self._store, credentials.credentials, credentials.method, credentials.body
            )
        else:
            username, password = (
                text.decode("utf-8", "surrogateescape")
                for text in (credentials.username, credentials.password)
            )
            account = whoKnows(self._store, username, self._realm, password)
        if account is None:
            raise UnauthorizedLogin("unknown user or wrong password")
        return f"{account.username}@{account.realm}".encode()

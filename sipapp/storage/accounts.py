"""Tells who somebody is: from accounts of our own, or by a checker that others wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernameHashedPassword
from twisted.cred.error import LoginFailed
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.interfaces import IAccounts, IAccountStore
from sipapp.sip.digest import HASHES, hashOf
from sipapp.storage.account import Account
from sipapp.storage.accountchecker import AccountChecker, whoAnswers
from sipapp.storage.digestanswer import DigestAnswer

if TYPE_CHECKING:
    from sipapp.sip.digest import Credentials

__all__ = ["CheckedAccounts", "Decided", "OwnAccounts"]

_log = Logger()

_PATIENCE = 10.0
"""Seconds that a checker has to answer in: less than a client waits for us (Timer F)."""

Decided = Callable[[Account | Exception | None], object]
"""What L{IAccounts.check} calls."""


@implementer(IAccounts)
class OwnAccounts:
    """Everybody who has an account in a store."""

    algorithms = frozenset(HASHES)

    def __init__(self, store: IAccountStore) -> None:
        self._store = store

    def check(self, credentials: Credentials, method: str, body: bytes, decided: Decided) -> None:
        outcome: Account | Exception | None
        try:
            outcome = whoAnswers(self._store, credentials, method, body)
        except Exception as error:
            outcome = error
        decided(outcome)

    def checker(self, realm: str) -> ICredentialsChecker:
        return AccountChecker(self._store, realm)

    def account(self, avatarID: Any, realm: str) -> Account | None:
        username = bytes(avatarID).decode("utf-8").removesuffix(f"@{realm}")
        return self._store.find(username, realm)

    def knows(self, username: str, realm: str) -> bool:
        return self._store.find(username, realm) is not None


@implementer(IAccounts)
class CheckedAccounts:
    """Everybody whom a checker of C{twisted.cred} lets in: one that takes
    C{IUsernameHashedPassword}, since it knows passwords, or C{IUsernameDigestHash}, since it knows
    digests by MD5.

    A checker knows nothing of realms: a user has the same password in all of them.
    """

    def __init__(self, checker: ICredentialsChecker, clock: IReactorTime) -> None:
        """
        @param clock: the reactor: what a checker does not say in time counts as unknown.
        """
        knowsPasswords = IUsernameHashedPassword in checker.credentialInterfaces
        self.algorithms = frozenset(HASHES) if knowsPasswords else frozenset(["MD5"])
        self._checker = checker
        self._clock = clock

    def check(self, credentials: Credentials, method: str, body: bytes, decided: Decided) -> None:
        if credentials.userhash:
            # Nobody can ask a checker whose name has this hash.
            decided(None)
            return
        answer = DigestAnswer(credentials, method, body)
        asked: Deferred[Any] = maybeDeferred(self._checker.requestAvatarId, answer)
        asked.addTimeout(_PATIENCE, self._clock)
        asked.addCallbacks(lambda _: _accountOf(answer), _refusal).addCallback(decided)
        asked.addErrback(lambda failure: _log.failure("Whoever asked for a user failed", failure))

    def checker(self, realm: str) -> ICredentialsChecker:
        return self._checker

    def account(self, avatarID: Any, realm: str) -> Account | None:
        # Who stays unnamed is nobody: that is an empty tuple (twisted.cred.checkers.ANONYMOUS).
        return Account(bytes(avatarID).decode("utf-8"), realm) if avatarID else None

    def knows(self, username: str, realm: str) -> bool:
        return False


def _accountOf(answer: DigestAnswer) -> Account | None:
    """
    @return: who has given an answer that a checker has let in; C{None} if it has not looked.
    """
    if answer.ha1 is None:
        return None
    credentials = answer.credentials
    digests = {hashOf(credentials.algorithm): answer.ha1}
    return Account(credentials.username, credentials.realm, digests)


def _refusal(failure: Failure) -> Exception | None:
    """
    @return: C{None} if a checker has said no; the exception if it could not say anything.
    """
    if failure.check(LoginFailed):
        return None
    error = failure.value
    return error if isinstance(error, Exception) else RuntimeError(str(error))

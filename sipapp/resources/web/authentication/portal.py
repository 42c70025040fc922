"""The way from credentials to an account, as C{twisted.cred} goes it: a portal, behind it the
checker of the accounts, and for an avatar the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from zope.interface import Interface, implementer

if TYPE_CHECKING:
    from sipapp.interfaces import IAccounts
    from sipapp.storage import Account

__all__ = ["AccountPortal"]

_PATIENCE = 10.0
"""Seconds that a checker has to answer in."""


class _IAccount(Interface):
    """What is asked for at the portal: a C{sipapp.storage.Account}."""


@implementer(IRealm)
class _Accounts:
    """A realm in the sense of C{twisted.cred}: its avatars are the accounts of a realm of HTTP."""

    def __init__(self, accounts: IAccounts, realm: str) -> None:
        self._accounts = accounts
        self._realm = realm

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> Any:
        account = self._accounts.account(avatarId, self._realm)
        if account is None:
            raise UnauthorizedLogin("no such user any more")
        return _IAccount, account, lambda: None


class AccountPortal:
    """Lets users of one realm in.

    @ivar takesPasswords: whether whoever keeps the accounts can check a name and a password.
    """

    def __init__(self, accounts: IAccounts, realm: str, clock: Any) -> None:
        """
        @param clock: the reactor: what a checker does not say in time is a failure.
        """
        checker = accounts.checker(realm)
        self.takesPasswords = IUsernamePassword in checker.credentialInterfaces
        self._portal = Portal(_Accounts(accounts, realm), [checker])
        self._clock = clock

    async def login(self, credentials: Any) -> Account | None:
        """
        @param credentials: for C{twisted.cred}.
        @return: whose they are; C{None} if they are wrong.
        @raise Exception: if nobody can tell now.
        """
        asked = self._portal.login(credentials, None, _IAccount)
        asked.addTimeout(_PATIENCE, self._clock)
        try:
            _, avatar, _ = await asked
        except LoginFailed:
            return None
        return cast("Account", avatar)

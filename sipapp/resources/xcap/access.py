"""Who may do what with which document (RFC 4825 §5.7, §8.1): the usage decides, once it is known
who asks. Those whose account has the role C{admin} may do everything that can be done."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred

from sipapp.storage import Account
from sipapp.xcap.errors import NotAllowed, XCAPError
from sipapp.xcap.names import canonicalXUI
from sipapp.xcap.operations import Target

__all__ = ["Access", "Authentication", "Unauthenticated"]


class Authentication(Protocol):
    """Tells who has sent a request: L{sipapp.resources.web.WebAuthentication}."""

    def authenticate(self, request: Any) -> Deferred[Account | None]:
        """
        @return: Deferred of who it is; of C{None} if that is not proven.
        """

    def challenge(self, request: Any) -> None:
        """Make the answer to a request one that asks for a proof."""


class Unauthenticated(Exception):
    """Nobody knows who has sent a request, and it matters."""


class Access:
    """Decides about requests."""

    def __init__(self, authentication: Authentication, domain: str) -> None:
        """
        @param domain: the one of users whose accounts do not name any.
        """
        self.authentication = authentication
        self._domain = domain

    async def check(self, request: Any, target: Target) -> None:
        """Let a request pass, or not.

        @raise Unauthenticated: if it has to be known who sends it.
        @raise XCAPError: if this is known, and is nobody who may do this.
        """
        name, usage = target.name, target.usage
        writes = request.method in (b"PUT", b"DELETE")
        may = usage.mayWrite if writes else usage.mayRead
        if not writes and may(None, name):
            return
        account = await self.authentication.authenticate(request)
        if account is None:
            raise Unauthenticated
        if account.role != "admin" and not may(self._userOf(account), name):
            raise NotAllowed(f"this is not yours to {'change' if writes else 'read'}")

    def _userOf(self, account: Account) -> str:
        """
        @return: the canonical XUI of who has an account.
        """
        try:
            return canonicalXUI(account.username, self._domain)
        except XCAPError:
            raise NotAllowed("there is no user of this name in SIP") from None

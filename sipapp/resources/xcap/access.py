"""Who may do what with which document (RFC 4825 §5.7, §8.1): the usage decides, once it is known
who asks. Those whose account has the role C{admin} may do everything that can be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from sipapp.resources.xcap.domains import Domains
from sipapp.storage import Account
from sipapp.xcap.errors import NotAllowed
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
    """Nobody knows who has sent a request, and it matters.

    @ivar authentication: where that can be proven.
    """

    def __init__(self, authentication: Authentication) -> None:
        super().__init__()
        self.authentication = authentication


class Access:
    """Decides about requests."""

    def __init__(self, domains: Domains, authentications: Mapping[str, Authentication]) -> None:
        """
        @param authentications: for each of the realms of the domains.
        """
        self._domains = domains
        self._authentications = authentications

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
        domain = self._domains.asked(name, (request.getHeader(b"Host") or b"").decode("latin-1"))
        authentication = self._authentications[self._domains.realmOf(domain)]
        account = await authentication.authenticate(request)
        if account is None:
            raise Unauthenticated(authentication)
        if account.role != "admin" and not may(self._domains.xui(account.username, domain), name):
            raise NotAllowed(f"this is not yours to {'change' if writes else 'read'}")

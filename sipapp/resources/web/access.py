"""Who may use a resource that shows or changes the server itself: users whose accounts have a role,
and networks that may look without one."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from msgspec import Meta
from twisted.web.http import FORBIDDEN

from sipapp.config import SettingsTable
from sipapp.config.values import Text, checkNetworks
from sipapp.resources.web.authentication import SchemeName, WebAuthentication
from sipapp.rpc import Caller, Door, Role, covers
from sipapp.sip import quote
from sipapp.sources import SourceTable

__all__ = ["Access", "AccessSettings"]

_Algorithm = Literal[
    "MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"
]


class AccessSettings(SettingsTable, frozen=True, kw_only=True):
    """What the settings of such a resource have in common: its own class is derived from this one.

    @ivar realm: that of the accounts; C{None} is the first of C{[server] domains}.
    @ivar sources: addresses and networks that may ask at all; none are all.
    @ivar viewers: addresses and networks whose requests are those of a viewer without a login.
    @ivar schemes: how users may prove who they are; C{basic} is over TLS only.
    @ivar algorithms: of digest authentication; they are offered strongest first.
    @ivar nonceLifetime: seconds that a client can go on with one challenge.
    """

    realm: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    sources: tuple[Text, ...] = ()
    viewers: tuple[Text, ...] = ()
    schemes: Annotated[tuple[SchemeName, ...], Meta(min_length=1)] = ("digest", "basic")
    algorithms: Annotated[tuple[_Algorithm, ...], Meta(min_length=1)] = ("SHA-256", "MD5")
    nonceLifetime: Annotated[float, Meta(ge=10, le=86_400)] = 300.0

    def __post_init__(self) -> None:
        if self.realm is not None:
            quote(self.realm)
        checkNetworks(self, "sources", "viewers")


class Access:
    """Decides who may come in, and answers those who may not::

    async def _answer(self, request):
        caller = await self._access.admit(request, "viewer", "web")
        if caller is None:
            return
    """

    def __init__(self, settings: AccessSettings, worker: Any) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}.
        @raise ValueError: if there is no realm, or no way to log in to it.
        """
        realm = settings.realm or worker.domain
        if realm is None:
            raise ValueError("realm: missing, and the server has no domain either")
        self._sources = _table(settings.sources)
        self._isOpen = not settings.sources
        self._viewers = _table(settings.viewers)
        self._authentication = WebAuthentication(
            worker,
            realm,
            settings.schemes,
            settings.algorithms,
            nonceLifetime=settings.nonceLifetime,
        )

    async def admit(self, request: Any, least: Role, door: Door) -> Caller | None:
        """Find out who has sent a request, and whether he may. Once for each request, or again
        with another C{least} for a caller without a name.

        @param request: a C{twisted.web.server.Request}, all of which has come.
        @param least: the role that it takes.
        @return: who it is; C{None} if that is nobody who may: then he has been told so, which ends
            the request.
        @raise Exception: if nobody can tell now.
        """
        source = request.getClientAddress().host
        if not self._isOpen and not self._sources.find(source):
            _refuse(request, FORBIDDEN, "this is not for your network")
            return None
        hasShown = request.requestHeaders.hasHeader(b"Authorization")
        if not hasShown and covers("viewer", least) and self._viewers.find(source):
            return Caller("", "viewer", source, door)
        account = await self._authentication.authenticate(request) if hasShown else None
        if account is None:
            self._authentication.challenge(request)
            _refuse(request, None, "this needs a proof of who asks for it")
            return None
        if account.role is None or not covers(account.role, least):
            _refuse(request, FORBIDDEN, f"this takes the role {least}, which your account has not")
            return None
        return Caller(account.username, account.role, source, door)


def _table(networks: Iterable[str]) -> SourceTable[bool]:
    return SourceTable((ip_network(each, strict=False), True) for each in networks)


def _refuse(request: Any, status: int | None, text: str) -> None:
    """
    @param status: C{None} leaves the one that is set already.
    """
    if status is not None:
        request.setResponseCode(status)
    body = f"{text}\n".encode()
    request.responseHeaders.setRawHeaders("Content-Type", ["text/plain; charset=utf-8"])
    request.responseHeaders.setRawHeaders("Content-Length", [str(len(body))])
    request.write(body)
    request.finish()

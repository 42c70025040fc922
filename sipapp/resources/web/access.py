"""Who may use a resource that shows or changes the server itself: users whose accounts have a role,
and networks that may look without one."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

from twisted.web.http import FORBIDDEN

from sipapp.resources.web.authentication import WebAuthentication
from sipapp.resources.web.settings import AccessSettings
from sipapp.rpc import Caller, Door, Role, covers
from sipapp.sources import SourceTable

__all__ = ["Access", "AccessSettings"]


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

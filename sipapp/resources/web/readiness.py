"""Tells a load balancer whether the server takes new work: C{/readyz}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import TimeoutError
from twisted.web.http import SERVICE_UNAVAILABLE
from twisted.web.resource import Resource
from zope.interface import implementer

from sipapp.interfaces import IWebResource
from sipapp.resources.maker import Settings
from sipapp.resources.web.later import answerLater
from sipapp.rpc import Caller, Fault

__all__ = ["Readiness"]

_PATIENCE = 2.0
"""Seconds that the parent may take to answer; that is long before a prober gives up."""


class _Page(Resource):
    """A line of text. It is for everybody, and so it does not say why."""

    isLeaf = True

    def __init__(self, worker: Any) -> None:
        super().__init__()
        self._administration = worker.administration
        self._reactor = worker.reactor

    def render_GET(self, request: Any) -> int:
        return answerLater(request, self._answer(request))

    async def _answer(self, request: Any) -> bytes:
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        if await self._isReady(request.getClientAddress().host):
            return b"ready\n"
        request.setResponseCode(SERVICE_UNAVAILABLE)
        return b"not ready\n"

    async def _isReady(self, source: str) -> bool:
        asked = self._administration.call("stats.ready", (), Caller("", "viewer", source, "web"))
        try:
            answer = await asked.addTimeout(_PATIENCE, self._reactor)
        except (Fault, TimeoutError):
            return False
        return bool(answer["ready"])


@implementer(IWebResource)
class Readiness:
    """Answers GET and HEAD of C{/readyz} with C{200} while the server as a whole serves: all pools
    have begun, each has a worker that is ready, and nobody wants it to drain or to stop. Otherwise
    with C{503}. C{sipappctl call stats.ready} says why."""

    path = "readyz"

    def __init__(self, settings: Settings, worker: Any) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}.
        """
        self._page = _Page(worker)

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def webResource(self) -> Resource:
        return self._page

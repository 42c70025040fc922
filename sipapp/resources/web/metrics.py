"""Shows what the server has counted to Prometheus: C{/metrics}."""

from __future__ import annotations

from typing import Any

from twisted.web.http import SERVICE_UNAVAILABLE
from twisted.web.resource import Resource
from zope.interface import implementer

from sipapp.interfaces import IWebResource
from sipapp.resources.web.access import Access
from sipapp.resources.web.later import answerLater
from sipapp.resources.web.settings import MetricsSettings
from sipapp.rpc import Fault

__all__ = ["Metrics"]

_TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


class _Page(Resource):
    """The page, made anew for each request."""

    isLeaf = True

    def __init__(self, access: Access, administration: Any) -> None:
        super().__init__()
        self._access = access
        self._administration = administration

    def render_GET(self, request: Any) -> int:
        return answerLater(request, self._answer(request))

    async def _answer(self, request: Any) -> bytes | None:
        caller = await self._access.admit(request, "viewer", "web")
        if caller is None:
            return None
        kind = _TEXT_FORMAT
        try:
            page: str = await self._administration.call("stats.metrics", (), caller)
        except Fault as fault:
            request.setResponseCode(SERVICE_UNAVAILABLE)
            kind, page = "text/plain; charset=utf-8", f"{fault.text}\n"
        request.responseHeaders.setRawHeaders("Content-Type", [kind])
        request.responseHeaders.setRawHeaders("Cache-Control", ["no-store"])
        return page.encode()


@implementer(IWebResource)
class Metrics:
    """Answers viewers. Usually that is Prometheus, which C{viewers} admits by its address."""

    def __init__(self, settings: MetricsSettings, worker: Any) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}.
        @raise ValueError: if nobody could log in.
        """
        self.path = settings.path
        self._page = _Page(Access(settings, worker), worker.administration)

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def webResource(self) -> Resource:
        return self._page

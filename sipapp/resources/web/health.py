"""Tells a load balancer or a supervisor that this endpoint is served: C{/healthz}."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import IResource as ITwistedWebResource
from twisted.web.static import Data
from zope.interface import implementer

from sipapp.interfaces import IWebResource
from sipapp.resources.maker import ResourceMaker, Settings

__all__ = ["Health", "healthMaker"]


@implementer(IWebResource)
class Health:
    """Answers GET and HEAD of C{/healthz} with C{200} and the line C{ok}.

    A worker answers only while it is Ready, so an answer says that its pool serves.
    """

    path = "healthz"

    def __init__(self, settings: Settings, worker: Any) -> None:
        self._page = Data(b"ok\n", "text/plain; charset=utf-8")

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def webResource(self) -> ITwistedWebResource:
        return self._page


healthMaker = ResourceMaker("health", "web", Settings, Health)

"""Tells a load balancer or a supervisor that this endpoint is served: C{/healthz}."""

from __future__ import annotations

from typing import Any

from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from zope.interface import implementer

from sipapp.interfaces import IWebResource
from sipapp.resources.maker import Settings

__all__ = ["Health"]


class _Page(Resource):
    """A line of text."""

    isLeaf = True

    def render_GET(self, request: IRequest) -> bytes:
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return b"ok\n"


@implementer(IWebResource)
class Health:
    """Answers GET and HEAD of C{/healthz} with C{200} and the line C{ok}.

    A worker answers only while it is Ready, so an answer says that its pool serves.
    """

    path = "healthz"

    def __init__(self, settings: Settings, worker: Any) -> None:
        self._page = _Page()

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def webResource(self) -> Resource:
        return self._page

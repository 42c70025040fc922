"""The methods of the server as a web resource: C{/RPC2}."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.web.http import NOT_FOUND
from twisted.web.resource import Resource
from zope.interface import implementer

from sipapp.interfaces import IWebResource, IXMLRPCMethods
from sipapp.resources.web.access import Access
from sipapp.resources.web.later import answerLater
from sipapp.resources.xmlrpc.catalogue import Catalogue
from sipapp.resources.xmlrpc.exchange import respond
from sipapp.resources.xmlrpc.settings import XMLRPCSettings

__all__ = ["XMLRPC"]


class _Door(Resource):
    """Takes calls. There is nothing below it."""

    isLeaf = True

    def __init__(self, catalogue: Catalogue, access: Access) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._access = access

    def render_POST(self, request: Any) -> Any:
        if any(request.postpath):
            request.setResponseCode(NOT_FOUND)
            request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
            return b"There is nothing here.\n"
        return answerLater(request, respond(request, self._catalogue, self._access))


@implementer(IWebResource)
class XMLRPC:
    """Serves the methods of the server and of plugins by XML-RPC and JSON-RPC 2.0."""

    def __init__(
        self, settings: XMLRPCSettings, worker: Any, plugins: Iterable[IXMLRPCMethods]
    ) -> None:
        """
        @raise ValueError: if there is no way to log in, or a plugin is in the way of another.
        """
        self.path = settings.path
        namespaces: dict[str, object] = {}
        for each in plugins:
            if each.namespace in (*namespaces, "system"):
                raise ValueError(f"two have methods {each.namespace!r}")
            namespaces[each.namespace] = each.make(worker)
        self._catalogue = Catalogue(worker.administration, namespaces)
        self._door = _Door(self._catalogue, Access(settings, worker))

    async def start(self) -> None:
        await self._catalogue.load()

    def stop(self) -> None:
        pass

    def webResource(self) -> Resource:
        return self._door

"""The methods over HTTP, and the plain way to declare methods of one's own, as Twisted plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from twisted.plugin import IPlugin
from zope.interface import implementer

from sipapp.interfaces import IXMLRPCMethods
from sipapp.resources.maker import ResourceMaker, imported
from sipapp.resources.xmlrpc.settings import XMLRPCSettings

__all__ = ["MethodsMaker", "makeXMLRPCMaker"]


@implementer(IPlugin, IXMLRPCMethods)
@dataclass(frozen=True)
class MethodsMaker:
    """An L{IXMLRPCMethods} put together from its parts.

    >>> maker = MethodsMaker("presence", Presence)
    """

    namespace: str
    factory: Callable[[Any], object]

    def make(self, worker: Any) -> object:
        return self.factory(worker)


def makeXMLRPCMaker(plugins: Callable[[], Iterable[IXMLRPCMethods]]) -> ResourceMaker:
    """
    @param plugins: finds what others have to call.
    """
    factory = imported("sipapp.resources.xmlrpc.resource:XMLRPC")

    def make(settings: XMLRPCSettings, worker: Any) -> Any:
        return factory(settings, worker, plugins())

    return ResourceMaker("xmlrpc", "web", XMLRPCSettings, make)

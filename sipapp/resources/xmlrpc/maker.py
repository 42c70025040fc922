"""The plain way to declare methods of one's own as a Twisted plugin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.plugin import IPlugin
from zope.interface import implementer

from sipapp.interfaces import IXMLRPCMethods

__all__ = ["MethodsMaker"]


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

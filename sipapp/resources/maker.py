"""The plain way to declare a resource as a Twisted plugin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from twisted.plugin import IPlugin
from zope.interface import implementer

from sipapp.config import SettingsTable
from sipapp.interfaces import IResourceMaker

__all__ = ["ResourceMaker", "Settings", "imported"]

Settings = SettingsTable
"""Base class for the settings of a resource: a field for each key of its table, in camelCase where
the file has snake_case. A resource without settings uses it as it is."""


@implementer(IPlugin, IResourceMaker)
@dataclass(frozen=True)
class ResourceMaker:
    """An L{IResourceMaker} put together from its parts.

    >>> maker = ResourceMaker("echo", "sip", Settings, lambda settings, worker: Echo(worker))
    """

    name: str
    kind: str
    settings: type[Settings]
    factory: Callable[[Any, Any], Any]

    def make(self, settings: Any, worker: Any) -> Any:
        return self.factory(settings, worker)


def imported(name: str) -> Callable[..., Any]:
    """Put off the import of a resource until the first one is made. Every worker knows all plugins,
    and serves with few: so it starts without what the others are made of.

    @param name: of a factory, as C{package.module:name}.
    @return: what calls it, for L{ResourceMaker}.
    """

    def make(*arguments: Any) -> Any:
        return resolve_name(name)(*arguments)

    return make

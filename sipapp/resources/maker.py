"""The plain way to declare a resource as a Twisted plugin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from twisted.plugin import IPlugin
from zope.interface import implementer

from sipapp.interfaces import IResourceMaker

__all__ = ["ResourceMaker", "Settings"]


def _key(attribute: str) -> str:
    """The TOML key of an attribute: C{minExpires} is C{min_expires}."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in attribute)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_key):
    """Base class for the settings of a resource: one field for each key of its table.

    Attributes are written in camelCase, and the keys of the configuration in snake_case. A
    resource without settings uses this class as it is.
    """


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

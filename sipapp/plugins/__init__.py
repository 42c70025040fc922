"""Resources as plugins: the built-in ones, and those of every other installed package; and methods
to call by XML-RPC.

A package adds a resource with a module C{sipapp/plugins/NAME.py}, or C{twisted/plugins/NAME.py} as
Twisted's own plugins, without an C{__init__.py} beside or above it, that holds an
L{sipapp.interfaces.IResourceMaker}; and methods with one that holds an
L{sipapp.interfaces.IXMLRPCMethods}.
"""

import sys
from collections.abc import Iterator
from typing import Any

from twisted.plugin import getPlugins, pluginPackagePaths

import twisted.plugins
from sipapp.interfaces import IResourceMaker, IXMLRPCMethods

__path__.extend(pluginPackagePaths(__name__))

__all__ = ["methodPlugins", "resourceMakers", "resourceTypes"]


def resourceMakers() -> dict[str, Any]:
    """Every L{IResourceMaker} that is installed, by name."""
    return {maker.name: maker for maker in _plugins(IResourceMaker)}


def resourceTypes() -> dict[str, tuple[str, type]]:
    """Kind and settings class of every resource, by name, as the configuration wants them."""
    return {name: (maker.kind, maker.settings) for name, maker in resourceMakers().items()}


def methodPlugins() -> Iterator[IXMLRPCMethods]:
    """Every L{IXMLRPCMethods} that is installed."""
    return _plugins(IXMLRPCMethods)


def _plugins(interface: Any) -> Iterator[Any]:
    for package in (twisted.plugins, sys.modules[__name__]):
        yield from getPlugins(interface, package)

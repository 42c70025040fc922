"""Resources as plugins: the built-in ones, and those of every other installed package.

A package adds a resource with a module C{sipapp/plugins/NAME.py}, or C{twisted/plugins/NAME.py} as
Twisted's own plugins, without an C{__init__.py} beside or above it, that holds an
L{sipapp.interfaces.IResourceMaker}.
"""

import sys
from typing import Any

from twisted.plugin import getPlugins, pluginPackagePaths

import twisted.plugins
from sipapp.interfaces import IResourceMaker

__path__.extend(pluginPackagePaths(__name__))

__all__ = ["resourceMakers", "resourceTypes"]


def resourceMakers() -> dict[str, Any]:
    """Every L{IResourceMaker} that is installed, by name."""
    packages = (twisted.plugins, sys.modules[__name__])
    return {
        maker.name: maker for package in packages for maker in getPlugins(IResourceMaker, package)
    }


def resourceTypes() -> dict[str, tuple[str, type]]:
    """Kind and settings class of every resource, by name, as the configuration wants them."""
    return {name: (maker.kind, maker.settings) for name, maker in resourceMakers().items()}

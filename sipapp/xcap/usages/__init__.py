"""Application usages as plugins: the built-in ones, and those of every other installed package.

A package adds one with a module C{sipapp/xcap/usages/NAME.py}, or C{twisted/plugins/NAME.py} as
Twisted's own plugins, without an C{__init__.py} beside or above it, that holds an
L{sipapp.interfaces.IApplicationUsage}. See L{sipapp.xcap.registry}.
"""

from twisted.plugin import pluginPackagePaths

__path__.extend(pluginPackagePaths(__name__))

__all__ = []

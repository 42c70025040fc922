"""Resources as plugins: the built-in ones, and those of every other installed package.

A package adds a resource with a module C{sipapp/plugins/NAME.py}, without an C{__init__.py}
beside or above it, that holds an L{sipapp.interfaces.IResourceMaker}.
"""

from twisted.plugin import pluginPackagePaths

__path__.extend(pluginPackagePaths(__name__))
__all__: list[str] = []

"""The methods that a server is operated with: the same from every door, and they run in the parent.

A namespace is a class whose methods bear L{method}. C{sipapp.operations} puts the namespaces
together, L{Methods} calls them, and L{Workforce} is what they ask the workers through.
"""

from sipapp.rpc import Caller, Secret, Stream, method
from sipapp.rpc.methods import Methods

from .workforce import Workforce

__all__ = ["Caller", "Methods", "Secret", "Stream", "Workforce", "method"]

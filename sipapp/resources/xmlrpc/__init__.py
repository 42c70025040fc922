"""The methods that a server is operated with, over HTTP: XML-RPC and JSON-RPC 2.0."""

from sipapp.resources.xmlrpc.maker import MethodsMaker, makeXMLRPCMaker
from sipapp.resources.xmlrpc.settings import XMLRPCSettings

__all__ = ["MethodsMaker", "XMLRPCSettings", "makeXMLRPCMaker"]

"""Which URIs name this server (RFC 3261 §16.4, §16.5)."""

from __future__ import annotations

from collections.abc import Collection

from sipapp.sip import SIPURI, normalHost
from sipapp.transport.endpoints import Endpoints

__all__ = ["Locality"]


class Locality:
    """The domains that a server is responsible for, and its addresses."""

    def __init__(self, domains: Collection[str], endpoints: Endpoints) -> None:
        """
        @param domains: in lower case. @param endpoints: all that it has for SIP.
        """
        self._domains = domains
        self._endpoints = endpoints

    def isLocal(self, uri: SIPURI) -> bool:
        """
        @return: whether its host is a domain, with no port or one of those that are listened at, or
            whether it is a listen or advertised address.
        """
        host = uri.host
        if host not in self._domains:
            host = normalHost(host)
        if host in self._domains and (uri.port is None or uri.port in self._endpoints.ports):
            return True
        # RFC 3261 §19.1.2
        secure = uri.scheme == "sips" or uri.transport == "tls"
        return self._endpoints.isOurs(host, uri.port or (5061 if secure else 5060))

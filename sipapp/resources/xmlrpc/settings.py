"""The settings of the methods over HTTP."""

from __future__ import annotations

from sipapp.resources.web.settings import AccessSettings, Segment

__all__ = ["XMLRPCSettings"]


class XMLRPCSettings(AccessSettings, frozen=True, kw_only=True):
    """C{[resource.xmlrpc]}; the other settings are those of L{AccessSettings}.

    @ivar path: the one segment of the path of the URI that calls are posted to.
    """

    path: Segment = "RPC2"

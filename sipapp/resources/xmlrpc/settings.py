"""The settings of the methods over HTTP."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sipapp.resources.web.access import AccessSettings

__all__ = ["XMLRPCSettings"]


class XMLRPCSettings(AccessSettings, frozen=True, kw_only=True):
    """C{[resource.xmlrpc]}; the other settings are those of L{AccessSettings}.

    @ivar path: the one segment of the path of the URI that calls are posted to.
    """

    path: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]+$", max_length=200)] = "RPC2"

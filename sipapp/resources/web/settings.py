"""The settings of resources that show or change the server itself. Nothing here needs HTTP: every
worker reads the settings of all."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sipapp.config import SettingsTable
from sipapp.config.values import Text, checkNetworks
from sipapp.sip import quote
from sipapp.sip.digest import AlgorithmName

__all__ = [
    "AccessSettings",
    "MetricsSettings",
    "SchemeName",
    "Segment",
    "StatusSettings",
]

SchemeName = Literal["digest", "basic"]
"""How somebody may prove who he is over HTTP."""

Segment = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]+$", max_length=200)]
"""One segment of a path."""


class AccessSettings(SettingsTable, frozen=True, kw_only=True):
    """What the settings of such a resource have in common: its own class is derived from this one.

    @ivar realm: that of the accounts; C{None} is the first of C{[server] domains}.
    @ivar sources: addresses and networks that may ask at all; none are all.
    @ivar viewers: addresses and networks whose requests are those of a viewer without a login.
    @ivar schemes: how users may prove who they are; C{basic} is over TLS only.
    @ivar algorithms: of digest authentication; they are offered strongest first.
    @ivar nonceLifetime: seconds that a client can go on with one challenge.
    """

    realm: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    sources: tuple[Text, ...] = ()
    viewers: tuple[Text, ...] = ()
    schemes: Annotated[tuple[SchemeName, ...], Meta(min_length=1)] = ("digest", "basic")
    algorithms: Annotated[tuple[AlgorithmName, ...], Meta(min_length=1)] = ("SHA-256", "MD5")
    nonceLifetime: Annotated[float, Meta(ge=10, le=86_400)] = 300.0

    def __post_init__(self) -> None:
        if self.realm is not None:
            quote(self.realm)
        checkNetworks(self, "sources", "viewers")


class MetricsSettings(AccessSettings, frozen=True, kw_only=True):
    """C{[resource.metrics]}; the other settings are those of L{AccessSettings}.

    @ivar path: the one segment of its path.
    """

    path: Segment = "metrics"


class StatusSettings(AccessSettings, frozen=True, kw_only=True):
    """C{[resource.status]}.

    @ivar path: the first segment of its path.
    """

    path: Segment = "status"

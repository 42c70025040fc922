"""The settings of the XCAP server."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sipapp.resources.maker import Settings
from sipapp.resources.web.settings import SchemeName
from sipapp.sip import quote
from sipapp.sip.digest import AlgorithmName
from sipapp.xcap.registry import NoSuchUsage, applicationUsages

__all__ = ["XCAPSettings"]

_Text = Annotated[str, Meta(min_length=1, max_length=200)]


class XCAPSettings(Settings, frozen=True, kw_only=True):
    """C{[resource.xcap]}.

    @ivar path: the first segment of the path of all URIs below the XCAP root; nothing if the root
        is all of the endpoint.
    @ivar domain: the one of users that are called by their name alone; C{None} is the first of
        C{[server] domains}.
    @ivar realms: the realm of a domain, where it is not the domain itself: what its users log in
        to. Domains of the same realm have the same accounts.
    @ivar schemes: how users may prove who they are; C{basic} is over TLS only.
    @ivar algorithms: of digest authentication; they are offered strongest first.
    @ivar nonceLifetime: seconds that a client can go on with one challenge.
    @ivar usages: the AUIDs of the application usages that are served; C{None} is all that are
        installed.
    @ivar documentSize: the most bytes that a document may have.
    @ivar documentsPerUser: how many documents one user may have.
    """

    path: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]*$", max_length=200)] = "xcap-root"
    domain: _Text | None = None
    realms: dict[str, _Text] = {}
    schemes: Annotated[tuple[SchemeName, ...], Meta(min_length=1)] = ("digest", "basic")
    algorithms: Annotated[tuple[AlgorithmName, ...], Meta(min_length=1)] = ("SHA-256", "MD5")
    nonceLifetime: Annotated[float, Meta(ge=10, le=86_400)] = 300.0
    usages: Annotated[tuple[_Text, ...], Meta(min_length=1)] | None = None
    documentSize: Annotated[int, Meta(ge=256, le=1 << 24)] = 65_536
    documentsPerUser: Annotated[int, Meta(ge=1, le=1_000_000)] = 100

    def __post_init__(self) -> None:
        for realm in self.realms.values():
            quote(realm)
        if self.usages is not None:
            try:
                applicationUsages(self.usages)
            except NoSuchUsage as error:
                raise ValueError(f"usages: {error}") from None

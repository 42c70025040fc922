"""The settings of authentication."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sipapp.resources.maker import Settings
from sipapp.sip import SIPError, parseURI, quote
from sipapp.sip.digest import AlgorithmName

__all__ = ["ANYBODY", "AuthenticateSettings"]

ANYBODY = "*"
"""Stands for every address in L{AuthenticateSettings.identities}."""

Realm = Annotated[str, Meta(min_length=1, max_length=200)]


class AuthenticateSettings(Settings, frozen=True, kw_only=True):
    """C{[resource.authenticate]}.

    @ivar realms: the realm of a domain, where it is not the domain itself. Domains of the same
        realm have the same users.
    @ivar algorithms: those to offer; they are offered strongest first (RFC 8760 §2.3).
    @ivar qop: what a proof may cover: the request line, or the body besides.
    @ivar nonceLifetime: seconds that a phone can go on with one challenge.
    @ivar identities: the addresses that a user, C{name@realm}, may write into From and To besides
        his own, and that nobody may who has not proven to be him; C{"*"} is any.
    """

    realms: dict[str, Realm] = {}
    algorithms: Annotated[tuple[AlgorithmName, ...], Meta(min_length=1)] = ("SHA-256", "MD5")
    qop: Annotated[tuple[Literal["auth", "auth-int"], ...], Meta(min_length=1)] = ("auth",)
    nonceLifetime: Annotated[float, Meta(ge=10, le=86_400)] = 300.0
    identities: dict[str, tuple[str, ...]] = {}

    def __post_init__(self) -> None:
        for realm in self.realms.values():
            quote(realm)
        for user, addresses in self.identities.items():
            if "@" not in user:
                raise ValueError(f"identities: {user!r} is not a name, an @ and a realm")
            for address in addresses:
                if address != ANYBODY:
                    _check(address)


def _check(address: str) -> None:
    try:
        parseURI(address)
    except SIPError as error:
        raise ValueError(f"identities: {address!r}: {error.detail}") from None

"""The settings of C{[trusted]}: whom the server believes what it cannot check."""

from __future__ import annotations

from msgspec.structs import force_setattr

from sipapp.config.values import SettingsTable, Text, checkNetworks


class TrustedSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[trusted]}: peers by what cannot be put into a message.

    @ivar addresses: addresses and networks that are trusted, over any transport.
    @ivar domains: SIP domains, lower-case, that are trusted over TLS, when the peer has proven with
        its certificate to be one of them (RFC 5922).
    """

    addresses: tuple[Text, ...] = ()
    domains: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        checkNetworks(self, "addresses")
        domains = tuple(domain.lower().removesuffix(".") for domain in self.domains)
        force_setattr(self, "domains", domains)

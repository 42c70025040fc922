"""The settings of TLS: C{[listen.tls]} for the connections that come in, C{[sip.tls]} for those
that the server opens. See C{sipapp.config.settings} for what all settings have in common.
"""

from __future__ import annotations

from typing import Literal

from sipapp.config.values import SettingsTable, Text, makeAbsolute


class CertificateSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[[listen.tls.certificates]]}: one more certificate.

    @ivar certificate: file with the certificate and the chain below the root, PEM.
    @ivar privateKey: file with its key, PEM; C{None} when it is in the certificate's file.
    """

    certificate: Text
    privateKey: Text | None = None

    def __post_init__(self) -> None:
        makeAbsolute(self, "certificate", "privateKey")

    @property
    def files(self) -> tuple[str, str]:
        """The files that the certificate and its key are in."""
        return self.certificate, self.privateKey or self.certificate


class TLSSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[listen.tls]}: for the transports C{tls} and C{https}.

    @ivar certificate: as of L{CertificateSettings}. It is for whoever asks for no other.
    @ivar privateKey: as of L{CertificateSettings}.
    @ivar certificates: further ones, for clients that ask for a name which they are for.
    @ivar ca: file with the certificates that vouch for clients, PEM.
    @ivar verifyClient: whether a client must show a certificate that C{ca} vouches for.
    @ivar minimumVersion: the oldest TLS version spoken.
    @ivar ciphers: those of TLS 1.2, in the language of C{openssl ciphers}; C{None} are those with
        forward secrecy and authenticated encryption.
    """

    certificate: Text
    privateKey: Text | None = None
    certificates: tuple[CertificateSettings, ...] = ()
    ca: Text | None = None
    verifyClient: Literal["none", "optional", "required"] = "none"
    minimumVersion: Literal["1.2", "1.3"] = "1.2"
    ciphers: Text | None = None

    def __post_init__(self) -> None:
        makeAbsolute(self, "certificate", "privateKey", "ca")

    @property
    def shown(self) -> tuple[tuple[str, str], ...]:
        """The files of each certificate and its key, the first one first."""
        own = self.certificate, self.privateKey or self.certificate
        return own, *(each.files for each in self.certificates)


class ClientTLSSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[sip.tls]}: for the TLS connections that the server opens itself.

    @ivar ca: file with the certificates that vouch for other servers, PEM; C{None} is the
        system's store.
    @ivar verify: whether a server's certificate must be good, and for its domain (RFC 5922 §7.3).
    @ivar certificate: file with what to show to a server that asks, PEM; C{None} is nothing.
    @ivar privateKey: file with its key, PEM; C{None} when it is in the certificate's file.
    """

    ca: Text | None = None
    verify: bool = True
    certificate: Text | None = None
    privateKey: Text | None = None

    def __post_init__(self) -> None:
        makeAbsolute(self, "certificate", "privateKey", "ca")

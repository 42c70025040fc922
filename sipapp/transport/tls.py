"""TLS for the connections that come in, and for those that we open (RFC 3261 §26.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
)
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions, TLSVersion
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.transport.identities import domainsOf, isFor, normalDomain, serverNames
from sipapp.transport.pem import (
    Credentials,
    TLSError,
    readAuthorities,
    readCredentials,
    stateOf,
)
from sipapp.transport.records import familyOf

__all__ = [
    "CIPHERS",
    "ClientTLS",
    "ServerTLS",
    "TLSError",
    "WrongPeer",
    "handshakeFailure",
    "peerCertificate",
]

_VERSIONS = {"1.2": TLSVersion.TLSv1_2, "1.3": TLSVersion.TLSv1_3}

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2, forward secrecy and authenticated encryption only (RFC 9325 §4.2). TLS 1.3 has
nothing else."""

ClientMode = Literal["none", "optional", "required"]


class WrongPeer(Exception):
    """Who was connected to is not who was meant. The text says who it is instead."""


def _options(
    shown: Credentials | None,
    trust: object | None,
    isRequired: bool = True,
    minimumVersion: Literal["1.2", "1.3"] = "1.2",
    ciphers: str = CIPHERS,
    **more: Any,
) -> CertificateOptions:
    """
    @param trust: who vouches for peers; C{None} asks them for no certificate, or takes any.
    @param isRequired: whether a peer must have one.
    @raise TLSError: if OpenSSL does not like what is to be shown.
    """
    if trust is not None:
        more["trustRoot"] = trust
    if shown is not None:
        more |= {"certificate": shown.certificate, "privateKey": shown.key}
        more["extraCertChain"] = shown.chain
    try:
        options = CertificateOptions(
            raiseMinimumTo=_VERSIONS[minimumVersion],
            acceptableCiphers=AcceptableCiphers.fromOpenSSLCipherString(ciphers),
            **more,
        )
        options.requireCertificate = isRequired
        # Made here and kept by the options, so that what is wrong is found before a peer comes.
        options.getContext()
    except ValueError as error:
        raise TLSError(f"{ciphers}: no ciphers that can be used") from error
    except SSL.Error as error:
        place = "TLS" if shown is None else shown.file
        raise TLSError(f"{place}: {_reasons(error)}") from error
    return options


@implementer(IOpenSSLServerConnectionCreator)
class ServerTLS:
    """What a TLS endpoint shows and asks for, from files that can be read again.

    @ivar files: the files. @ivar state: which versions of them were read last.
    """

    def __init__(
        self,
        shown: Sequence[tuple[str, str]],
        caFile: str | None = None,
        verifyClient: ClientMode = "none",
        minimumVersion: Literal["1.2", "1.3"] = "1.2",
        ciphers: str = CIPHERS,
    ) -> None:
        """
        @param shown: the files of each certificate (followed by those between it and the root) and
            of its key. A client gets the first that is for the name it asks for; the very first
            if there is none, or if it does not ask (RFC 6066 §3, RFC 5922 §7.8).
        @param caFile: who vouches for clients; C{None} is the system's store.
        @param ciphers: for TLS 1.2, as C{openssl ciphers} understands it.
        @raise TLSError: if they cannot be used.
        """
        self._shown = tuple(shown)
        self._caFile = None if verifyClient == "none" else caFile
        self._verifyClient = verifyClient
        self._minimumVersion = minimumVersion
        self._ciphers = ciphers
        named = {path for pair in self._shown for path in (*pair, self._caFile) if path is not None}
        self.files = tuple(sorted(named))
        self._byName: dict[str, SSL.Context] = {}
        self.load()

    def load(self) -> str:
        """Read the files. Connections that come from now on use what is in them.

        @return: what was read, for the log.
        @raise TLSError: if it cannot be used; then all stays as it is.
        """
        self.state = stateOf(self.files)
        trust = None if self._verifyClient == "none" else readAuthorities(self._caFile)
        credentials = [readCredentials(*pair) for pair in self._shown]
        isRequired = self._verifyClient == "required"
        policy = (trust, isRequired, self._minimumVersion, self._ciphers)
        options = _options(credentials[0], *policy, contextForServerName=self._contextFor)
        contexts = [options.getContext()]
        contexts += [_options(each, *policy).getContext() for each in credentials[1:]]
        byName: dict[str, SSL.Context] = {}
        for each, context in zip(credentials, contexts, strict=True):
            for name in serverNames(each.certificate):
                byName.setdefault(name, context)
        self._options, self._byName = options, byName
        return ", ".join(map(str, credentials))

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """See C{IOpenSSLServerConnectionCreator}."""
        return self._options.serverConnectionForTLS(protocol)

    def _contextFor(self, serverName: bytes | None) -> SSL.Context | None:
        """
        @param serverName: what a client asks for.
        @return: C{None} for what it gets anyway.
        """
        if serverName is None:
            return None
        name = normalDomain(serverName.decode("latin-1"))
        return self._byName.get(name) or self._byName.get(f"*.{name.partition('.')[2]}")


class ClientTLS:
    """How to open TLS connections: whom to believe, and what to show, from files that can be read
    again.

    @ivar files: the files. @ivar state: which versions of them were read last.
    """

    def __init__(
        self,
        caFile: str | None = None,
        verify: bool = True,
        certificateFile: str | None = None,
        keyFile: str | None = None,
    ) -> None:
        """
        @param caFile: who vouches for servers; C{None} is the system's store.
        @param verify: false takes whatever certificate a server shows: for tests.
        @param certificateFile: what to show to a server that asks.
        @raise TLSError: if a file cannot be used.
        """
        self._verify = verify
        self._caFile = caFile if verify else None
        self._shown = None
        if certificateFile is not None:
            self._shown = certificateFile, keyFile or certificateFile
        named = {path for path in (*(self._shown or ()), self._caFile) if path is not None}
        self.files = tuple(sorted(named))
        self.load()

    def load(self) -> str:
        """Read the files. Connections that are opened from now on use what is in them.

        @return: what was read, for the log.
        @raise TLSError: if it cannot be used; then all stays as it is.
        """
        self.state = stateOf(self.files)
        trust = readAuthorities(self._caFile) if self._verify else None
        shown = None if self._shown is None else readCredentials(*self._shown)
        self._options = _options(shown, trust)
        return ", ".join(self.files)

    def connectionTo(self, name: str) -> IOpenSSLClientConnectionCreator:
        """What one connection is made with.

        @param name: the domain, or address, that is meant: the one of the URI that is being
            followed, and not what DNS made of it (RFC 5922 §4).
        """
        return _ConnectionTo(self._options, name)

    def awaited(self, name: str) -> frozenset[str]:
        """
        @param name: as for L{connectionTo}.
        @return: the domain that L{identify} is going to insist on.
        """
        if not self._verify or familyOf(name):
            return frozenset()
        return frozenset([normalDomain(name)])

    def identify(self, certificate: x509.Certificate | None, name: str) -> frozenset[str]:
        """Look whether the server that has been connected to is the one that was meant.

        @param certificate: that of L{peerCertificate}.
        @param name: as for L{connectionTo}.
        @return: the domains that it has proven to be.
        @raise WrongPeer: if it is another (RFC 5922 §7.3).
        """
        if not self._verify:
            return frozenset()
        if certificate is None:
            raise WrongPeer("has no certificate that can be read")
        if not isFor(certificate, name):
            others = ", ".join(sorted(domainsOf(certificate))) or "no SIP domain"
            raise WrongPeer(f"has a certificate of {others} and not of {name!a}")
        return domainsOf(certificate)


@implementer(IOpenSSLClientConnectionCreator)
class _ConnectionTo:
    """Asks the server for the certificate of a name (RFC 6066 §3, which has no place for an
    address)."""

    def __init__(self, options: CertificateOptions, name: str) -> None:
        self._options = options
        self._name = name

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        connection = self._options.clientConnectionForTLS(protocol)
        if not familyOf(self._name):
            connection.set_tlsext_host_name(self._name.removesuffix(".").encode("ascii"))
        return connection


def peerCertificate(transport: Any) -> x509.Certificate | None:
    """
    @param transport: of a connection whose handshake is complete.
    @return: what the peer has shown, if it was asked to: its chain has been found good, unless the
        connection is one that takes any.
    """
    shown = transport.getPeerCertificate()
    try:
        return None if shown is None else shown.to_cryptography()
    except ValueError:
        return None


def handshakeFailure(reason: Failure | None) -> str | None:
    """
    @param reason: why a connection was lost before its handshake was complete.
    @return: what OpenSSL has against it; C{None} if that is not why.
    """
    error = None if reason is None else reason.value
    return _reasons(error) if isinstance(error, SSL.Error) else None


def _reasons(error: SSL.Error) -> str:
    """What OpenSSL says, in its own words."""
    details = error.args[0] if error.args else None
    if not isinstance(details, list):
        return "OpenSSL does not say why"
    return ", ".join(str(detail[-1]) for detail in details)

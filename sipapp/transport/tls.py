"""TLS contexts: for the connections that come in, and for those that we open (RFC 3261 §26.3)."""

from __future__ import annotations

from typing import Literal

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import (
    IAddress,
    IOpenSSLClientConnectionCreator,
    IOpenSSLContextFactory,
    IProtocol,
)
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    TLSVersion,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOFactory

_END = b"-----END CERTIFICATE-----"

_VERSIONS = {"1.2": TLSVersion.TLSv1_2, "1.3": TLSVersion.TLSv1_3}

ClientMode = Literal["none", "optional", "required"]


class TLSError(Exception):
    """Certificates or keys that cannot be used. The text names the file and the reason."""


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise TLSError(f"{path}: {error.strerror}") from error


def _certificates(path: str) -> list[bytes]:
    """The certificates in a PEM file, which may hold a key as well."""
    found = [
        part[part.index(b"-----BEGIN CERTIFICATE-----") :] + _END
        for part in _read(path).split(_END)
        if b"-----BEGIN CERTIFICATE-----" in part
    ]
    if not found:
        raise TLSError(f"{path}: there is no certificate in it")
    return found


def _authorities(path: str | None) -> object:
    if path is None:
        return platformTrust()
    try:
        return trustRootFromCertificates([Certificate.loadPEM(one) for one in _certificates(path)])
    except (crypto.Error, SSL.Error, ValueError) as error:
        raise TLSError(f"{path}: not a certificate: {error}") from error


def serverContext(
    certificateFile: str,
    keyFile: str,
    caFile: str | None = None,
    verifyClient: ClientMode = "none",
    minimumVersion: Literal["1.2", "1.3"] = "1.2",
) -> IOpenSSLContextFactory:
    """What a TLS endpoint shows and asks for. Ciphers are Twisted's defaults: forward secrecy and
    authenticated encryption only.

    @param certificateFile: its certificate, followed by those between it and the root.
    @param caFile: who vouches for clients; C{None} is the system's store.
    @raise TLSError: if they cannot be read, or do not belong together.
    """
    trust = {} if verifyClient == "none" else {"trustRoot": _authorities(caFile)}
    options = CertificateOptions(
        raiseMinimumTo=_VERSIONS[minimumVersion],
        **trust,  # type: ignore[arg-type]
    )
    # Made here and kept by the options, so that what is wrong is found before a client comes.
    context = options.getContext()
    if verifyClient == "optional":
        # With a trust root, Twisted insists on a certificate.
        context.set_verify(SSL.VERIFY_PEER, lambda connection, peer, error, depth, ok: bool(ok))
    _certificates(certificateFile)
    _read(keyFile)
    try:
        context.use_certificate_chain_file(certificateFile)
    except SSL.Error as error:
        raise TLSError(f"{certificateFile}: not a certificate: {error}") from error
    try:
        context.use_privatekey_file(keyFile)
        context.check_privatekey()
    except SSL.Error as error:
        raise TLSError(f"{keyFile}: not the key of {certificateFile}: {error}") from error
    return options


class ClientTLS:
    """How to open TLS connections: whom to believe, and what to show."""

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
        self._trust = _authorities(caFile) if verify else None
        self._own: PrivateCertificate | None = None
        if certificateFile is not None:
            pem = _certificates(certificateFile)[0] + b"\n" + _read(keyFile or certificateFile)
            try:
                self._own = PrivateCertificate.loadPEM(pem)
            except (crypto.Error, SSL.Error, ValueError) as error:
                raise TLSError(f"{certificateFile}: cannot be used: {error}") from error
        self._unverified: CertificateOptions | None = None

    def context(self, name: str) -> IOpenSSLContextFactory | IOpenSSLClientConnectionCreator:
        """For one connection.

        @param name: the domain, or address, that the certificate must be for: the one of the
            URI that is being followed, and not what DNS made of it (RFC 5922 §7.2).
        """
        if self._verify:
            return optionsForClientTLS(name, self._trust, self._own)  # type: ignore[arg-type]
        if self._unverified is None:
            own = self._own
            self._unverified = CertificateOptions(
                privateKey=None if own is None else own.privateKey.original,
                certificate=None if own is None else own.original,
                raiseMinimumTo=TLSVersion.TLSv1_2,
            )
        return self._unverified


class TLSFactory(TLSMemoryBIOFactory):
    """Twisted's, but a connection that the wrapped factory refuses is closed."""

    def buildProtocol(self, addr: IAddress | None) -> IProtocol | None:  # type: ignore[override]
        inner = self.wrappedFactory.buildProtocol(addr)
        return None if inner is None else self.protocol(self, inner)

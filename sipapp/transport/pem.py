"""The files that TLS needs: certificates, keys, and those that vouch for others, all PEM."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from OpenSSL import crypto
from twisted.internet.ssl import Certificate, platformTrust, trustRootFromCertificates

__all__ = ["Credentials", "FileState", "TLSError", "readAuthorities", "readCredentials", "stateOf"]

FileState = tuple[tuple[int, int, int] | None, ...]
"""What tells versions of some files apart; C{None} for one that is not there."""


class TLSError(Exception):
    """Certificates or keys that cannot be used. The text names the file and the reason."""


class Credentials(NamedTuple):
    """What one side of a connection shows, and its proof.

    @ivar file: where the certificate is from.
    @ivar chain: those between it and the root.
    """

    file: str
    certificate: x509.Certificate
    chain: list[x509.Certificate]
    key: PrivateKeyTypes

    def __str__(self) -> str:
        return f"{self.file} (valid until {self.certificate.not_valid_after_utc:%Y-%m-%d})"


def readCredentials(certificateFile: str, keyFile: str) -> Credentials:
    """
    @param certificateFile: a certificate, followed by those between it and the root.
    @param keyFile: its key, which may be in the same file.
    @raise TLSError: if they cannot be read, or do not belong together.
    """
    own, *chain = _readCertificates(certificateFile)
    try:
        key = serialization.load_pem_private_key(_read(keyFile), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # A TypeError says that it is encrypted.
        raise TLSError(f"{keyFile}: not a key that can be used: {error}") from error
    if key.public_key() != own.public_key():
        raise TLSError(f"{keyFile}: not the key of {certificateFile}")
    return Credentials(certificateFile, own, chain, key)


def readAuthorities(path: str | None) -> object:
    """Those who vouch for others, as Twisted wants them.

    @param path: C{None} is the system's store.
    @raise TLSError: if they cannot be read.
    """
    if path is None:
        return platformTrust()
    found = map(crypto.X509.from_cryptography, _readCertificates(path))
    return trustRootFromCertificates([Certificate(each) for each in found])


def stateOf(files: Iterable[str]) -> FileState:
    """Look which versions of some files are there now."""
    return tuple(map(_stateOf, files))


def _stateOf(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise TLSError(f"{path}: {error.strerror}") from error


def _readCertificates(path: str) -> list[x509.Certificate]:
    """The certificates in a file, which may hold a key as well: one at least."""
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError as error:
        raise TLSError(f"{path}: no certificates that can be used: {error}") from error

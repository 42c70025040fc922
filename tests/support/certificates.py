"""A certificate authority for the length of a test session."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=2)
ANY_SIDE = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


def _name(commonName: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, commonName)])


def _generalName(text: str) -> x509.GeneralName:
    if text.startswith("sip:"):
        return x509.UniformResourceIdentifier(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _builder(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePublicKey,
    lifetime: datetime.timedelta = LIFETIME,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + lifetime)
    )


class CertificateAuthority:
    """Signs certificates. C{file} is what the other side has to trust."""

    NAME = "sipapp tests"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        certificate = (
            _builder(self.NAME, self.NAME, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.file = directory / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        name: str,
        *alternatives: str,
        file: str | None = None,
        usages: Sequence[x509.ObjectIdentifier] = ANY_SIDE,
        lifetime: datetime.timedelta = LIFETIME,
    ) -> tuple[Path, Path]:
        """Sign a certificate.

        @param alternatives: further host names, IP addresses and SIP URIs that it is for.
        @param file: what its files are called, if not like the name. Those there are replaced.
        @param usages: the sides of a connection that it is for.
        @param lifetime: how long it is valid from now on.
        @return: the files of the certificate and of its private key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_generalName(text) for text in (name, *alternatives)]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(name, self.NAME, key.public_key(), lifetime)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        certificateFile = self.directory / f"{file or name}.pem"
        certificateFile.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        keyFile = self.directory / f"{file or name}.key"
        keyFile.touch(mode=0o600)
        keyFile.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificateFile, keyFile

    def clientContext(self) -> ssl.SSLContext:
        """
        @return: the settings of a TLS client that trusts this authority and nobody else.
        """
        return ssl.create_default_context(cafile=str(self.file))

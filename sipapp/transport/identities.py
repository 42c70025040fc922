"""Whom a certificate is for: SIP domain identities (RFC 5922).

A certificate names SIP domains as URIs, C{sip:example.com}, in its subjectAltName. One that names
none is for the DNS names that it has there, and only one without any subjectAltName for its common
name (§7.1). Two identities are the same if the whole names are: C{*.example.com} is nobody but
itself (§7.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

from cryptography import x509
from cryptography.x509.oid import NameOID

from sipapp.sip import SIPURI, SIPError, parseURI
from sipapp.transport.records import familyOf

__all__ = ["domainsOf", "isFor", "normalDomain", "serverNames"]

_LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_isName = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII).fullmatch


def domainsOf(certificate: x509.Certificate) -> frozenset[str]:
    """The SIP domains that a certificate is for, lower-case (RFC 5922 §7.1). That it is good has
    to be known."""
    alternatives = _alternatives(certificate)
    if alternatives is None:
        return _commonNames(certificate)
    return _sipDomains(alternatives) or _dnsNames(alternatives)


def isFor(certificate: x509.Certificate, name: str) -> bool:
    """Whether a certificate is for a domain, or for a numeric address: of these RFC 5922 says
    nothing, and what holds for the web is done (RFC 2818 §3.1)."""
    if not familyOf(name):
        return normalDomain(name) in domainsOf(certificate)
    alternatives = _alternatives(certificate) or ()
    addresses = [each.value for each in alternatives if isinstance(each, x509.IPAddress)]
    return ip_address(name) in addresses


def serverNames(certificate: x509.Certificate) -> frozenset[str]:
    """The names of servers that a client may want this certificate of: all that it has, wildcards
    included, since what they are worth is for the client to judge."""
    alternatives = _alternatives(certificate)
    if alternatives is None:
        return _commonNames(certificate)
    texts = _texts(alternatives, x509.DNSName)
    wildcards = {
        each for each in map(normalDomain, texts) if each.startswith("*.") and _isName(each[2:])
    }
    return _sipDomains(alternatives) | _dnsNames(alternatives) | wildcards


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    """
    @return: C{None} if there is none; one with nothing in it if it cannot be understood.
    """
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return x509.SubjectAlternativeName([])


def _texts(
    alternatives: Iterable[x509.GeneralName],
    kind: type[x509.DNSName] | type[x509.UniformResourceIdentifier],
) -> list[str]:
    return [each.value for each in alternatives if isinstance(each, kind)]


def _sipDomains(alternatives: Iterable[x509.GeneralName]) -> frozenset[str]:
    """A URI with a user is that of a person, and C{sips} is no scheme for an identity."""
    found = set()
    for text in _texts(alternatives, x509.UniformResourceIdentifier):
        try:
            uri = parseURI(text)
        except SIPError:
            continue
        if isinstance(uri, SIPURI) and uri.scheme == "sip" and uri.user is None:
            found.add(normalDomain(uri.host))
    return frozenset(found)


def _dnsNames(alternatives: Iterable[x509.GeneralName]) -> frozenset[str]:
    return frozenset(filter(_isName, map(normalDomain, _texts(alternatives, x509.DNSName))))


def _commonNames(certificate: x509.Certificate) -> frozenset[str]:
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return frozenset()
    texts = [each.value for each in names if isinstance(each.value, str)]
    return frozenset(filter(_isName, map(normalDomain, texts)))


def normalDomain(name: str) -> str:
    """A domain as it is compared here (RFC 5922 §7.2)."""
    return name.lower().removesuffix(".")

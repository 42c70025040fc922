"""L{sipapp.transport.identities}: the rules of RFC 5922 §7.1 and §7.2, one by one."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from sipapp.transport.identities import domainsOf, isFor, serverNames

_KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(
    *alternatives: str, names: Iterable[str] = (), raw: bytes | None = None
) -> x509.Certificate:
    """
    @param alternatives: the values of subjectAltName, each after its kind: C{uri:}, C{dns:},
        C{mail:}, C{ip:}. Without any there is none.
    @param names: common names.
    @param raw: what stands in the place of subjectAltName.
    """
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each) for each in names])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(_KEY.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now)
    )
    if alternatives:
        made = x509.SubjectAlternativeName([_alternative(each) for each in alternatives])
        builder = builder.add_extension(made, critical=False)
    if raw is not None:
        oid = x509.SubjectAlternativeName.oid
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, raw), critical=False)
    return builder.sign(_KEY, hashes.SHA256())


def _alternative(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    match kind:
        case "uri":
            return x509.UniformResourceIdentifier(value)
        case "dns":
            return x509.DNSName(value)
        case "ip":
            return x509.IPAddress(ip_address(value))
    return x509.RFC822Name(value)


@pytest.mark.parametrize(
    ("alternatives", "domains"),
    [
        (["uri:sip:example.com"], {"example.com"}),
        (["uri:SIP:Example.COM"], {"example.com"}),
        (["uri:sip:example.com", "uri:sip:example.net"], {"example.com", "example.net"}),
        (["uri:sip:example.com:5061;transport=tls"], {"example.com"}),
        (["uri:sip:example.com."], {"example.com"}),
        # Another scheme, and a person.
        (["uri:sips:example.com"], set()),
        (["uri:https://example.com"], set()),
        (["uri:tel:+1234"], set()),
        (["uri:sip:alice@example.com"], set()),
        (["uri:sip:example.com@"], set()),
        (["uri:sip:"], set()),
        # DNS names count if no SIP domain is there.
        (["dns:Example.com", "dns:example.net."], {"example.com", "example.net"}),
        (["dns:example.com", "uri:sip:example.net"], {"example.net"}),
        (["dns:example.com", "uri:sip:alice@example.net"], {"example.com"}),
        (["dns:example.com", "uri:sips:example.net"], {"example.com"}),
        # Nothing else does.
        (["mail:alice@example.com", "ip:192.0.2.1"], set()),
        # No wildcards, and nothing that is no name.
        (["dns:*.example.com"], set()),
        (["dns:sip.*.example.com", "dns:.example.com", "dns:*"], set()),
        (["uri:sip:*.example.com"], set()),
        (["dns:example.com\0.evil.example", "dns:exa mple.com", "dns:"], set()),
        (["uri:sip:example.com\0.evil.example"], set()),
    ],
)
def test_alternatives(alternatives: list[str], domains: set[str]) -> None:
    made = certificate(*alternatives, names=["cn.example.com"])
    assert domainsOf(made) == domains


@pytest.mark.parametrize(
    ("names", "domains"),
    [
        (["example.com"], {"example.com"}),
        (["Example.COM."], {"example.com"}),
        (["*.example.com"], set()),
        (["Alice Example"], set()),
        (["example.com\0.evil.example"], set()),
        ([], set()),
    ],
)
def test_commonNames(names: list[str], domains: set[str]) -> None:
    """They count where there is no subjectAltName at all."""
    assert domainsOf(certificate(names=names)) == domains
    assert domainsOf(certificate("mail:a@example.com", names=names)) == set()


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"\x30\x03\x82\x01\xff", b"\x30\x00"])
def test_whatCannotBeUnderstood(raw: bytes) -> None:
    """A subjectAltName with a mistake proves nothing, and does not make the common name count."""
    made = certificate(names=["example.com"], raw=raw)
    assert domainsOf(made) == frozenset()
    assert serverNames(made) == frozenset()
    assert not isFor(made, "example.com")
    assert not isFor(made, "192.0.2.1")


_GOOD = x509.SubjectAlternativeName(
    [
        x509.UniformResourceIdentifier("sip:example.com"),
        x509.DNSName("example.com"),
        x509.IPAddress(ip_address("192.0.2.1")),
        x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])),
        x509.RegisteredID(NameOID.COMMON_NAME),
    ]
).public_bytes()


@given(st.binary(max_size=40), st.integers(0, len(_GOOD)), st.integers(0, 4))
def test_anything(noise: bytes, at: int, instead: int) -> None:
    """Whoever signs certificates can write whatever they like into them."""
    made = certificate(names=["example.com"], raw=_GOOD[:at] + noise + _GOOD[at + instead :])
    domainsOf(made)
    serverNames(made)
    isFor(made, "192.0.2.1")


@pytest.mark.parametrize(
    ("name", "isIt"),
    [
        ("example.com", True),
        ("EXAMPLE.com", True),
        ("example.com.", True),
        ("sip.example.com", False),
        ("com", False),
        ("xexample.com", False),
        ("", False),
    ],
)
def test_isForADomain(name: str, isIt: bool) -> None:
    """§7.2: the whole name, in any case."""
    assert isFor(certificate("uri:sip:example.com"), name) is isIt


def test_isForNoWildcard() -> None:
    made = certificate("dns:*.example.com")
    assert not isFor(made, "sip.example.com")
    assert not isFor(made, "*.example.com")


def test_isForAnAddress() -> None:
    made = certificate("ip:192.0.2.1", "ip:2001:db8::1", "dns:192.0.2.2", names=["192.0.2.3"])
    assert isFor(made, "192.0.2.1")
    assert isFor(made, "2001:DB8:0::1")
    assert not isFor(made, "192.0.2.2")
    assert not isFor(made, "192.0.2.3")
    assert not isFor(certificate(names=["192.0.2.3"]), "192.0.2.3")


def test_serverNames() -> None:
    """Whatever a client may ask for by name."""
    made = certificate(
        "uri:sip:example.com",
        "uri:sip:alice@example.org",
        "dns:sip.example.com",
        "dns:*.Wild.example.com",
        "dns:*.*.example.com",
        "ip:192.0.2.1",
        names=["cn.example.com"],
    )
    assert serverNames(made) == {"example.com", "sip.example.com", "*.wild.example.com"}
    assert serverNames(certificate(names=["cn.example.com"])) == {"cn.example.com"}

"""What is hashed, and how."""

from __future__ import annotations

import hashlib

import pytest

from sipapp.sip.digest import ALGORITHMS, HASHES, digestHA1, hashOf
from sipapp.sip.digest.algorithms import canonicalAlgorithm, response


def test_eachAlgorithmHasItsSession() -> None:
    assert {hashOf(name) for name in ALGORITHMS} == set(HASHES)
    assert [hashOf(name) for name in HASHES] == list(HASHES)
    assert hashOf("SHA-256-sess") == "SHA-256"
    with pytest.raises(KeyError):
        hashOf("SHA-1")


def test_anAlgorithmMayBeWrittenInAnyCase() -> None:
    assert canonicalAlgorithm("sha-512-256-SESS") == "SHA-512-256-sess"
    assert canonicalAlgorithm(None) == "MD5"
    assert canonicalAlgorithm("AKAv1-MD5") == "AKAv1-MD5"


def test_theHA1OfASessionIsThatWithout() -> None:
    for name in ALGORITHMS:
        assert digestHA1(name, "u", "r", "p") == digestHA1(hashOf(name), "u", "r", "p")


def test_bytesAreHashedAsTheyCame() -> None:
    latin = b"J\xe4s".decode("utf-8", "surrogateescape")
    assert digestHA1("MD5", latin, "r", "p") == hashlib.md5(b"J\xe4s:r:p").hexdigest()


def _h(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_aSessionTakesTheNoncesIntoTheKey() -> None:
    ha1 = digestHA1("SHA-256", "u", "r", "p")
    expected = _h(f"{_h(f'{ha1}:n:c')}:n:00000001:c:auth:{_h('REGISTER:sip:r')}")
    got = response("SHA-256-sess", ha1, "n", "00000001", "c", "auth", "REGISTER", "sip:r", b"")
    assert got == expected


def test_authIntCoversTheBody() -> None:
    expected = _h(f"ha1:n:00000001:c:auth-int:{_h('INVITE:sip:r:' + _h('v=0'))}")
    got = response("SHA-256", "ha1", "n", "00000001", "c", "auth-int", "INVITE", "sip:r", b"v=0")
    assert got == expected


def test_withoutQopThereIsNeitherCountNorCnonce() -> None:
    """RFC 2617 §3.2.2.1. The figure is that of the examples of RFC 2069."""
    ha1 = digestHA1("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life")
    got = response(
        "MD5",
        ha1,
        "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "",
        "",
        None,
        "GET",
        "/dir/index.html",
        b"",
    )
    assert got == "670fd8c2df070c60b045671b8b24ff02"

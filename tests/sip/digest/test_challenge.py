"""Challenges."""

from __future__ import annotations

import pytest

from sipapp.sip import MalformedHeader
from sipapp.sip.digest import Challenge, parseChallenge

RFC7616 = (
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256,'
    ' nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",'
    ' opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true'
)
RFC3261 = (
    'Digest realm="atlanta.com", domain="sip:ss1.carrier.com", qop="auth,auth-int",'
    ' nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=MD5'
)


def test_thatOfRFC7616() -> None:
    challenge = parseChallenge(RFC7616)
    assert challenge == Challenge(
        realm="api@example.org",
        nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        algorithm="SHA-512-256",
        qop=("auth",),
        opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS",
        userhash=True,
    )
    assert parseChallenge(challenge.toText()) == challenge


def test_thatOfRFC3261() -> None:
    challenge = parseChallenge(RFC3261)
    assert challenge.qop == ("auth", "auth-int")
    assert challenge.opaque == ""
    assert not challenge.stale
    assert parseChallenge(challenge.toText()) == challenge


def test_whatIsQuoted() -> None:
    """RFC 7616 §3.3: algorithm, stale and userhash must not be, qop must be."""
    text = Challenge("r", "n", "SHA-256", ("auth", "auth-int"), True, "o", True).toText()
    assert text == (
        'Digest realm="r", nonce="n", opaque="o", qop="auth,auth-int",'
        " algorithm=SHA-256, stale=true, userhash=true"
    )
    assert parseChallenge(text).stale


def test_thatOfAServerBeforeQop() -> None:
    challenge = parseChallenge('Digest realm="r", nonce="n"')
    assert challenge == Challenge("r", "n", "MD5", ())
    assert challenge.toText() == 'Digest realm="r", nonce="n", algorithm=MD5'


@pytest.mark.parametrize("text", ['Digest realm="r"', 'Digest nonce="n"', 'Basic realm="r"'])
def test_whatIsMissing(text: str) -> None:
    with pytest.raises(MalformedHeader):
        parseChallenge(text)


def test_blanksInQop() -> None:
    assert parseChallenge('Digest realm="r", nonce="n", qop=" AUTH , ,x"').qop == ("auth", "x")

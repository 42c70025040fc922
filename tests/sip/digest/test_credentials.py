"""Credentials, and what is said to a challenge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import MalformedHeader
from sipapp.sip.digest import (
    ALGORITHMS,
    Challenge,
    Credentials,
    answerTo,
    digestHA1,
    parseCredentials,
)
from tests.sip.digest.examples import EXAMPLES, RFC2617, SHA512_256, Example

RFC2617_TEXT = (
    'Digest username="Mufasa", realm="testrealm@host.com",'
    ' nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, nc=00000001,'
    ' cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1",'
    ' opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
LEAST = 'username="u", realm="r", nonce="n", uri="sip:r", response="0"'


def ha1Of(example: Example) -> str:
    challenge = example.challenge
    return digestHA1(challenge.algorithm, example.username, challenge.realm, example.password)


@pytest.mark.parametrize("example", EXAMPLES)
def test_theExamplesOfTheRFCs(example: Example) -> None:
    text = answerTo(
        example.challenge, example.username, example.password, "GET", example.uri, example.cnonce
    )
    credentials = parseCredentials(text)
    assert credentials.response == example.response
    assert credentials.username == example.shown
    assert credentials.opaque == example.challenge.opaque
    assert (credentials.nc, credentials.qop) == (1, "auth")
    assert credentials.isFor(example.username)
    assert not credentials.isFor("Simba")
    assert credentials.matches(ha1Of(example), "GET")
    assert not credentials.matches(ha1Of(example), "POST")
    assert not credentials.matches(digestHA1("MD5", "Simba", "r", "p"), "GET")
    assert parseCredentials(credentials.toText()) == credentials


def test_asTheRFCWritesThem() -> None:
    credentials = parseCredentials(RFC2617_TEXT)
    assert credentials == Credentials(
        username="Mufasa",
        realm="testrealm@host.com",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        uri="/dir/index.html",
        response="6629fae49393a05397450978507c4ef1",
        algorithm="MD5",
        cnonce="0a4f113b",
        ncText="00000001",
        nc=1,
        qop="auth",
        opaque="5ccc069c403ebaf9f0171e9517f40e41",
    )
    assert credentials.matches(ha1Of(RFC2617), "GET")
    assert credentials._replace(response=credentials.response.upper()).matches(
        ha1Of(RFC2617), "GET"
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("qop", [(), ("auth",), ("auth-int",), ("auth-int", "auth")])
def test_whatIsAnsweredMatches(algorithm: str, qop: tuple[str, ...]) -> None:
    challenge = Challenge('a "realm"', "nonce", algorithm, qop)
    text = answerTo(challenge, "alice", "pass:word", "INVITE", "sip:b@r", "c", 0x1F, b"v=0")
    credentials = parseCredentials(text)
    ha1 = digestHA1(algorithm, "alice", 'a "realm"', "pass:word")
    assert credentials.matches(ha1, "INVITE", b"v=0")
    assert credentials.matches(ha1, "INVITE", b"") == (qop != ("auth-int",))
    assert not credentials._replace(nonce="other").matches(ha1, "INVITE", b"v=0")
    assert not credentials._replace(uri="sip:c@r").matches(ha1, "INVITE", b"v=0")
    assert credentials.nc == (31 if qop else 0)
    # RFC 7616 §3.4: algorithm, qop and nc are not quoted.
    assert ("nc=0000001f" in text) == bool(qop)
    assert f"algorithm={algorithm}" in text


def test_aClientMayChooseQop() -> None:
    challenge = Challenge("r", "n", qop=("auth", "auth-int"))
    text = answerTo(challenge, "u", "p", "INVITE", "sip:r", "c", body=b"v=0", qop="auth-int")
    assert parseCredentials(text).matches(digestHA1("MD5", "u", "r", "p"), "INVITE", b"v=0")


def test_whatCannotBeAnswered() -> None:
    with pytest.raises(ValueError, match="algorithm"):
        answerTo(Challenge("r", "n", "AKAv1-MD5"), "u", "p", "INVITE", "sip:r", "c")
    with pytest.raises(ValueError, match="nothing known"):
        answerTo(Challenge("r", "n", qop=("token",)), "u", "p", "INVITE", "sip:r", "c")


def test_whatCannotBeComputedMatchesNothing() -> None:
    odd = parseCredentials(f"Digest {LEAST}, algorithm=SHA-1")
    assert odd.algorithm == "SHA-1"
    assert not odd.matches("ha1", "INVITE")
    assert not parseCredentials(f"Digest {LEAST}, qop=x, nc=1, cnonce=c").matches("ha1", "INVITE")
    assert not parseCredentials(f"Digest {LEAST}").matches("ha1", "INVITE")


def test_anythingMayStandForAResponse() -> None:
    hostile = b"\xff".decode("utf-8", "surrogateescape")
    text = f"Digest {LEAST}".replace('"0"', f'"{hostile}\u212a"')
    assert not parseCredentials(text).matches("ha1", "INVITE")


def test_theServerProvesItselfToo() -> None:
    """RFC 7616 §3.5: as the client does, but for the method."""
    credentials = parseCredentials(RFC2617_TEXT)
    ha1 = ha1Of(RFC2617)
    assert credentials.rspauth(ha1) == credentials.expected(ha1, "")
    integrity = credentials._replace(qop="auth-int")
    assert integrity.rspauth(ha1, b"body") != integrity.rspauth(ha1, b"")


def test_aNameThatIsNotASCII() -> None:
    """RFC 7616 §3.9.2: the client that cannot hash it."""
    challenge = SHA512_256.challenge._replace(userhash=False)
    text = answerTo(
        challenge, "Jäsøn Doe", SHA512_256.password, "GET", SHA512_256.uri, SHA512_256.cnonce
    )
    assert text.startswith("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm=")
    credentials = parseCredentials(text)
    assert credentials.username == "Jäsøn Doe"
    assert credentials.response == SHA512_256.response
    assert credentials.matches(ha1Of(SHA512_256), "GET")


@pytest.mark.parametrize(
    "text",
    [
        "username*=UTF-8''u, username=u",
        "username*=UTF-8''u, userhash=true",
        "username*=ISO-8859-1''u",
        "username*=UTF-8'u",
        "username*=u",
        "",
    ],
)
def test_whichNameIsMeantMustBeClear(text: str) -> None:
    rest = LEAST.replace('username="u", ', "")
    with pytest.raises(MalformedHeader):
        parseCredentials(f"Digest {rest}, {text}")


@pytest.mark.parametrize("name", ["username", "realm", "nonce", "uri", "response"])
def test_whatMustBeThere(name: str) -> None:
    parts = [part for part in LEAST.split(", ") if not part.startswith(f"{name}=")]
    with pytest.raises(MalformedHeader, match=name):
        parseCredentials(f"Digest {', '.join(parts)}")


@pytest.mark.parametrize(
    "text",
    ["qop=auth", "qop=auth, nc=1", "qop=auth, cnonce=c", "nc=x", "nc=000000001", 'nc=""', "nc=-1"],
)
def test_aCountMustBeOne(text: str) -> None:
    with pytest.raises(MalformedHeader):
        parseCredentials(f"Digest {LEAST}, {text}")


def test_aCountIsHashedAsItIsWritten() -> None:
    """Some phones leave out the zeros."""
    credentials = parseCredentials(f"Digest {LEAST}, qop=AUTH, nc=1F, cnonce=c")
    assert (credentials.nc, credentials.ncText, credentials.qop) == (31, "1F", "auth")


@given(st.binary(max_size=80).map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_noTextIsTooHostile(text: str) -> None:
    for whole in (text, f"Digest {LEAST}, {text}", f"Digest {LEAST}, x={text}"):
        try:
            credentials = parseCredentials(whole)
        except MalformedHeader:
            continue
        assert not credentials.matches("ha1", "INVITE", b"")

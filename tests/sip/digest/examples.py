"""The examples of RFC 7616 §3.9, and that of RFC 2617 §3.5."""

from __future__ import annotations

from typing import NamedTuple

from sipapp.sip.digest import Challenge


class Example(NamedTuple):
    """A challenge, who answers it, and how."""

    challenge: Challenge
    username: str
    password: str
    uri: str
    cnonce: str
    response: str
    shown: str
    """The user name as the credentials show it."""


_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
_OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def _mufasa(algorithm: str, response: str) -> Example:
    challenge = Challenge(
        realm="http-auth@example.org",
        nonce=_NONCE,
        algorithm=algorithm,
        qop=("auth", "auth-int"),
        opaque=_OPAQUE,
    )
    return Example(
        challenge, "Mufasa", "Circle of Life", "/dir/index.html", _CNONCE, response, "Mufasa"
    )


MD5 = _mufasa("MD5", "8ca523f5e9506fed4657c9700eebdbec")
SHA256 = _mufasa("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")

# The figures of the RFC are those of SHA-512 cut short; erratum 4897 has these.
SHA512_256 = Example(
    Challenge(
        realm="api@example.org",
        nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        algorithm="SHA-512-256",
        opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS",
        userhash=True,
    ),
    "Jäsøn Doe",
    "Secret, or not?",
    "/doe.json",
    "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
    "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
)

RFC2617 = Example(
    Challenge(
        realm="testrealm@host.com",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        qop=("auth", "auth-int"),
        opaque="5ccc069c403ebaf9f0171e9517f40e41",
    ),
    "Mufasa",
    "Circle Of Life",
    "/dir/index.html",
    "0a4f113b",
    "6629fae49393a05397450978507c4ef1",
    "Mufasa",
)

EXAMPLES = (MD5, SHA256, SHA512_256, RFC2617)

"""The hash algorithms of digest authentication, and the three hashes that make a response.

C{HA1} stands for the user and the password, C{HA2} for the request, and the response ties the two
to a nonce (RFC 7616 §3.4.1)::

    HA1      = H(username ":" realm ":" password)
    HA2      = H(method ":" uri)                     for auth-int also ":" H(body)
    response = H(HA1 ":" nonce ":" nc ":" cnonce ":" qop ":" HA2)

With a C{-sess} algorithm C{H(HA1 ":" nonce ":" cnonce)} takes the place of HA1 (§3.4.2), so what
an account has to hold is the same. Without qop, as RFC 2069 had it and RFC 2617 still allows, the
response is C{H(HA1 ":" nonce ":" HA2)}.

Texts are hashed as the bytes that they were received as.
"""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

__all__ = [
    "ALGORITHMS",
    "HASHES",
    "AlgorithmName",
    "canonicalAlgorithm",
    "digestHA1",
    "hashOf",
    "response",
]

HASHES = ("MD5", "SHA-256", "SHA-512-256")
"""The algorithms that there is an HA1 for, weakest first."""

AlgorithmName = Literal[
    "MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess", "SHA-512-256-sess"
]
"""One of L{ALGORITHMS}."""

ALGORITHMS: tuple[str, ...] = get_args(AlgorithmName)
"""The values of C{algorithm} that this server can use, as they are written."""

_CANONICAL = {name.lower(): name for name in ALGORITHMS}
_HASH_OF = {name: name.removesuffix("-sess") for name in ALGORITHMS}

# These are names, keys and proofs, so nothing depends on MD5 being free of collisions. To copy a
# hash of nothing takes half as long as to ask OpenSSL for it.
_BLANK: dict[str, hashlib._Hash] = {
    "MD5": hashlib.md5(usedforsecurity=False),
    "SHA-256": hashlib.sha256(),
    "SHA-512-256": hashlib.new("sha512_256"),
}
_BLANK |= {name: _BLANK[hash_] for name, hash_ in _HASH_OF.items()}


def canonicalAlgorithm(text: str | None) -> str:
    """
    @param text: the value of C{algorithm}; C{None} where there is none, which means MD5.
    @return: the same as it stands in L{ALGORITHMS}; one that is not there as it came.
    """
    return "MD5" if text is None else _CANONICAL.get(text.lower(), text)


def hashOf(algorithm: str) -> str:
    """
    @param algorithm: one of L{ALGORITHMS}.
    @return: the one of L{HASHES} whose HA1 it needs.
    @raise KeyError: for any other.
    """
    return _HASH_OF[algorithm]


def hexDigest(algorithm: str, data: bytes) -> str:
    """
    @param algorithm: one of L{ALGORITHMS}.
    @return: the hash in lower-case hexadecimal digits.
    """
    hasher = _BLANK[algorithm].copy()
    hasher.update(data)
    return hasher.hexdigest()


def _hashText(algorithm: str, text: str) -> str:
    return hexDigest(algorithm, text.encode("utf-8", "surrogateescape"))


def digestHA1(algorithm: str, username: str, realm: str, password: str) -> str:
    """
    @param algorithm: one of L{ALGORITHMS}; with and without C{-sess} it is the same.
    @return: the HA1 that stands for this user and password in this realm.
    @raise KeyError: for an algorithm that is unknown.
    """
    return _hashText(algorithm, f"{username}:{realm}:{password}")


def userHash(algorithm: str, username: str, realm: str) -> str:
    """
    @return: what stands in the place of a user name that is not to be read (RFC 7616 §3.4.4).
    """
    return _hashText(algorithm, f"{username}:{realm}")


def response(
    algorithm: str,
    ha1: str,
    nonce: str,
    nc: str,
    cnonce: str,
    qop: str | None,
    method: str,
    uri: str,
    body: bytes,
) -> str:
    """Compute the response to a challenge (RFC 7616 §3.4.1).

    @param algorithm: one of L{ALGORITHMS}.
    @param ha1: L{digestHA1} of the user.
    @param nc: the nonce count as it is written; counts nothing without qop.
    @param qop: C{"auth"}, C{"auth-int"} or C{None}.
    @param method: empty for the proof that a server gives of itself (§3.5).
    @param body: what auth-int covers besides.
    """
    if algorithm[-5:] == "-sess":
        ha1 = _hashText(algorithm, f"{ha1}:{nonce}:{cnonce}")
    if qop is None:
        return _hashText(algorithm, f"{ha1}:{nonce}:{_hashText(algorithm, f'{method}:{uri}')}")
    what = f"{method}:{uri}"
    if qop == "auth-int":
        what = f"{what}:{hexDigest(algorithm, body)}"
    return _hashText(algorithm, f"{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{_hashText(algorithm, what)}")

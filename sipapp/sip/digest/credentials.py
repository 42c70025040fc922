"""Credentials: Authorization (RFC 3261 §20.7) and Proxy-Authorization (§20.28)."""

from __future__ import annotations

from hmac import compare_digest
from typing import NamedTuple

from sipapp.sip.digest.algorithms import ALGORITHMS, canonicalAlgorithm, response, userHash
from sipapp.sip.digest.parameters import (
    formatParameters,
    isDigest,
    isTrue,
    parseNonceCount,
    parseParameters,
    required,
)
from sipapp.sip.errors import MalformedHeader, clip
from sipapp.sip.grammar import escape, unescape

__all__ = ["Credentials", "Identity", "isDigest", "parseCredentials"]

_QOPS = (None, "auth", "auth-int")

# RFC 5987 §3.2.1: attr-char.
_ATTR_CHARS = frozenset(
    b"!#$&+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)


class Identity(NamedTuple):
    """Who somebody has proven to be.

    @ivar username: the name of the account.
    @ivar realm: where that name is known, usually a domain.
    """

    username: str
    realm: str

    def __str__(self) -> str:
        return f"{self.username}@{self.realm}"


class Credentials(NamedTuple):
    """What a client proves to know (RFC 7616 §3.4).

    @ivar username: the user's name, or a hash of it: see L{userhash}.
    @ivar realm: the realm of the challenge.
    @ivar nonce: the nonce of the challenge.
    @ivar uri: the request's own address, as the client saw it. A proxy on the way may have changed
        the Request-URI since.
    @ivar response: the proof, in hexadecimal digits.
    @ivar algorithm: one of L{sipapp.sip.digest.ALGORITHMS}, or another as it came.
    @ivar cnonce: what the client has added to the nonce; empty if it has not.
    @ivar ncText: the nonce count as it is written: what is hashed.
    @ivar nc: the nonce count; 0 if there is none.
    @ivar qop: what the proof covers: C{"auth"}, C{"auth-int"}; C{None} from a client before RFC
        2617. Another is as it came.
    @ivar opaque: as in the challenge.
    @ivar userhash: whether L{username} is a hash (§3.4.4).
    """

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    cnonce: str = ""
    ncText: str = ""
    nc: int = 0
    qop: str | None = None
    opaque: str | None = None
    userhash: bool = False

    @property
    def isComputable(self) -> bool:
        """Whether algorithm and qop are known here. If not, nothing L{matches}."""
        return self.algorithm in ALGORITHMS and self.qop in _QOPS

    def expected(self, ha1: str, method: str, body: bytes = b"") -> str:
        """
        @param ha1: L{digestHA1} of the user, for this algorithm.
        @return: the response that the right password makes.
        """
        return response(
            self.algorithm,
            ha1,
            self.nonce,
            self.ncText,
            self.cnonce,
            self.qop,
            method,
            self.uri,
            body,
        )

    def matches(self, ha1: str, method: str, body: bytes = b"") -> bool:
        """Tell whether these credentials prove the password. It takes as long if they do not.

        @param ha1: L{digestHA1} of the user, for the hash of L{algorithm}.
        @param method: of the request.
        @param body: of the request; for C{auth-int}.
        """
        if not self.isComputable:
            return False
        expected = self.expected(ha1, method, body)
        # What was received may have characters that no response has.
        return compare_digest(
            self.response.lower().encode("utf-8", "surrogateescape"), expected.encode("ascii")
        )

    def isFor(self, username: str) -> bool:
        """Tell whether these are the credentials of a user, also if the name is hashed.

        @raise KeyError: if it is hashed in a way unknown here.
        """
        if self.userhash:
            return userHash(self.algorithm, username, self.realm) == self.username.lower()
        return self.username == username

    def rspauth(self, ha1: str, body: bytes = b"") -> str:
        """
        @param body: of the response, for C{auth-int}.
        @return: the proof that the server knows the password too (RFC 7616 §3.5).
        """
        return self.expected(ha1, "", body)

    def toText(self) -> str:
        """
        @return: the value of the header field.
        @raise ValueError: if something in it cannot be written, such as a line break.
        """
        extended = ""
        quoted = [("username", self.username)]
        if not self.username.isascii():
            # RFC 7616 §3.4: what is not ASCII does not fit into quotes.
            extended = f"username*=UTF-8''{escape(self.username, _ATTR_CHARS)}, "
            quoted.clear()
        quoted += [
            ("realm", self.realm),
            ("nonce", self.nonce),
            ("uri", self.uri),
            ("response", self.response),
        ]
        if self.cnonce:
            quoted.append(("cnonce", self.cnonce))
        if self.opaque is not None:
            quoted.append(("opaque", self.opaque))
        tokens = [("algorithm", self.algorithm)]
        if self.qop is not None:
            tokens += [("qop", self.qop), ("nc", self.ncText)]
        if self.userhash:
            tokens.append(("userhash", "true"))
        return f"Digest {extended}{formatParameters(quoted, tokens)}"


def parseCredentials(text: str) -> Credentials:
    """
    @param text: one value: these header fields are no lists in SIP (RFC 3261 §7.3.1).
    @raise MalformedHeader: if it is malformed, lacks what every response has, or is of another
        scheme (L{isDigest}).
    """
    params = parseParameters(text)
    ncText, nc = parseNonceCount(params)
    qop = params.get("qop")
    if qop is not None:
        qop = qop.lower()
        if not ncText or "cnonce" not in params:
            raise MalformedHeader("qop without nc or cnonce")
    return Credentials(
        username=_username(params),
        realm=required(params, "realm"),
        nonce=required(params, "nonce"),
        uri=required(params, "uri"),
        response=required(params, "response"),
        algorithm=canonicalAlgorithm(params.get("algorithm")),
        cnonce=params.get("cnonce", ""),
        ncText=ncText,
        nc=nc,
        qop=qop,
        opaque=params.get("opaque"),
        userhash=isTrue(params, "userhash"),
    )


def _username(params: dict[str, str]) -> str:
    """The user name, in either of its forms (RFC 7616 §3.4)."""
    extended = params.get("username*")
    if extended is None:
        return required(params, "username")
    if "username" in params or isTrue(params, "userhash"):
        raise MalformedHeader("more than one user name")
    charset, _, rest = extended.partition("'")
    _, quote, name = rest.partition("'")
    if charset.lower() != "utf-8" or not quote:
        raise MalformedHeader(f"{clip(extended)} is not a user name")
    return unescape(name)

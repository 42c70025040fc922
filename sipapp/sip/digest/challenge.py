"""Challenges: WWW-Authenticate (RFC 3261 §20.44) and Proxy-Authenticate (§20.27)."""

from __future__ import annotations

from typing import NamedTuple

from sipapp.sip.digest.algorithms import canonicalAlgorithm
from sipapp.sip.digest.parameters import formatParameters, isTrue, parseParameters, required
from sipapp.sip.grammar import WHITESPACE

__all__ = ["Challenge", "parseChallenge"]


class Challenge(NamedTuple):
    """What a server wants proven (RFC 7616 §3.3).

    @ivar realm: which user name and password are meant.
    @ivar nonce: what the proof is to be tied to.
    @ivar algorithm: how it is to be computed, see L{sipapp.sip.digest.ALGORITHMS}. One that is not
        there is as it came: such a challenge cannot be answered.
    @ivar qop: what it may cover: C{"auth"}, C{"auth-int"}; none is a server before RFC 2617.
    @ivar stale: the password was right and only the nonce was not.
    @ivar opaque: what the client gives back as it is.
    @ivar userhash: whether the user name may be hashed (§3.4.4).
    """

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ("auth",)
    stale: bool = False
    opaque: str | None = None
    userhash: bool = False

    def toText(self) -> str:
        """
        @return: the value of the header field.
        @raise ValueError: if something in it cannot be written, such as a line break.
        """
        quoted = [("realm", self.realm), ("nonce", self.nonce)]
        if self.opaque is not None:
            quoted.append(("opaque", self.opaque))
        if self.qop:
            quoted.append(("qop", ",".join(self.qop)))
        tokens = [("algorithm", self.algorithm)]
        if self.stale:
            tokens.append(("stale", "true"))
        if self.userhash:
            tokens.append(("userhash", "true"))
        return f"Digest {formatParameters(quoted, tokens)}"


def parseChallenge(text: str) -> Challenge:
    """
    @param text: one value: these header fields are no lists in SIP (RFC 3261 §7.3.1).
    @raise MalformedHeader: if it is malformed, without realm or nonce, or of another scheme.
    """
    params = parseParameters(text)
    qop = tuple([part.strip(WHITESPACE).lower() for part in params.get("qop", "").split(",")])
    return Challenge(
        realm=required(params, "realm"),
        nonce=required(params, "nonce"),
        algorithm=canonicalAlgorithm(params.get("algorithm")),
        qop=tuple([part for part in qop if part]),
        stale=isTrue(params, "stale"),
        opaque=params.get("opaque"),
        userhash=isTrue(params, "userhash"),
    )

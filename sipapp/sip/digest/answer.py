"""What a client says to a challenge (RFC 3261 §22.1, RFC 7616 §3.4)."""

from __future__ import annotations

from sipapp.sip.digest.algorithms import ALGORITHMS, digestHA1, userHash
from sipapp.sip.digest.challenge import Challenge
from sipapp.sip.digest.credentials import Credentials

__all__ = ["answerTo"]


def answerTo(
    challenge: Challenge,
    username: str,
    password: str,
    method: str,
    uri: str,
    cnonce: str,
    count: int = 1,
    body: bytes = b"",
    qop: str | None = None,
) -> str:
    """
    @param challenge: of several, the first whose algorithm is known (RFC 8760 §2.4).
    @param uri: the Request-URI.
    @param cnonce: something that nobody can foresee; tokens of the standard library do.
    @param count: how many requests this nonce has been used for, with this one.
    @param body: what C{auth-int} covers.
    @param qop: the one to use; C{None} is C{auth}, if the challenge allows, or what it does allow.
    @return: the value of Authorization or Proxy-Authorization.
    @raise ValueError: if the algorithm, or all that qop may be, is unknown.
    """
    algorithm = challenge.algorithm
    if algorithm not in ALGORITHMS:
        raise ValueError(f"{algorithm!a} is an unknown algorithm")
    if qop is None and challenge.qop:
        known = [each for each in ("auth", "auth-int") if each in challenge.qop]
        if not known:
            raise ValueError(f"{challenge.qop!a} is nothing known")
        qop = known[0]
    isSession = algorithm.endswith("-sess")
    blank = Credentials(
        username=username,
        realm=challenge.realm,
        nonce=challenge.nonce,
        uri=uri,
        response="",
        algorithm=algorithm,
        cnonce="" if qop is None and not isSession else cnonce,
        ncText="" if qop is None else f"{count:08x}",
        nc=0 if qop is None else count,
        qop=qop,
        opaque=challenge.opaque,
    )
    ha1 = digestHA1(algorithm, username, challenge.realm, password)
    answer = blank._replace(response=blank.expected(ha1, method, body))
    if challenge.userhash:
        name = userHash(algorithm, username, challenge.realm)
        answer = answer._replace(username=name, userhash=True)
    return answer.toText()

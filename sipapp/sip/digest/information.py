"""Authentication-Info: what a server tells a client whose credentials were good (RFC 3261 §20.6,
RFC 7616 §3.5)."""

from __future__ import annotations

from typing import NamedTuple

from sipapp.sip.digest.parameters import formatParameters, parseNonceCount, parseParameters

__all__ = ["AuthenticationInfo", "parseAuthenticationInfo"]


class AuthenticationInfo(NamedTuple):
    """
    @ivar nextnonce: the nonce to use from now on, its counts beginning at 1; C{None} goes on.
    @ivar rspauth: the server's proof that it knows the password too; C{None} gives none. The
        three others are what it is computed with, as in the credentials.
    """

    nextnonce: str | None = None
    rspauth: str | None = None
    qop: str | None = None
    cnonce: str | None = None
    nc: str | None = None

    def toText(self) -> str:
        """
        @return: the value of the header field.
        @raise ValueError: if something in it cannot be written.
        """
        quoted = (("nextnonce", self.nextnonce), ("rspauth", self.rspauth), ("cnonce", self.cnonce))
        tokens = (("qop", self.qop), ("nc", self.nc))
        return formatParameters(
            [(name, value) for name, value in quoted if value is not None],
            [(name, value) for name, value in tokens if value is not None],
        )


def parseAuthenticationInfo(text: str) -> AuthenticationInfo:
    """
    @raise MalformedHeader: if it is malformed.
    """
    params = parseParameters(text, scheme=False)
    return AuthenticationInfo(
        nextnonce=params.get("nextnonce"),
        rspauth=params.get("rspauth"),
        qop=params.get("qop"),
        cnonce=params.get("cnonce"),
        nc=parseNonceCount(params)[0] or None,
    )

"""The answer to a digest challenge, as C{twisted.cred} knows credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.cred.credentials import ICredentials, IUsernameDigestHash, IUsernameHashedPassword
from zope.interface import Attribute, implementer

from sipapp.sip.digest import digestHA1

if TYPE_CHECKING:
    from sipapp.sip.digest import Credentials

__all__ = ["DigestAnswer", "IDigestAnswer"]


class IDigestAnswer(ICredentials):
    """The answer to a challenge of RFC 7616, over SIP or HTTP, by whichever algorithm."""

    credentials = Attribute("C{sipapp.sip.digest.Credentials}: what was answered.")
    method = Attribute("str: of the request that it came with.")
    body = Attribute("bytes: of that request.")


@implementer(IDigestAnswer, IUsernameHashedPassword, IUsernameDigestHash)
class DigestAnswer:
    """An L{IDigestAnswer}, also for checkers that know nothing of it but have passwords; or
    digests of C{username:realm:password} as in an C{.htdigest} file, which are by MD5 and fit no
    answer by another algorithm.

    @ivar username: the name in it, in UTF-8.
    @ivar ha1: the digest that has made it; C{None} until it has been checked and was right.
    """

    def __init__(self, credentials: Credentials, method: str, body: bytes = b"") -> None:
        self.credentials = credentials
        self.method = method
        self.body = body
        self.username = credentials.username.encode("utf-8", "surrogateescape")
        self.ha1: str | None = None

    def checkPassword(self, password: bytes) -> bool:
        credentials = self.credentials
        if not credentials.isComputable:
            return False
        text = password.decode("utf-8", "surrogateescape")
        ha1 = digestHA1(credentials.algorithm, credentials.username, credentials.realm, text)
        return self._check(ha1)

    def checkHash(self, digestHash: bytes) -> bool:
        return self._check(digestHash.decode("ascii", "replace").lower())

    def _check(self, ha1: str) -> bool:
        isRight = self.credentials.matches(ha1, self.method, self.body)
        if isRight:
            self.ha1 = ha1
        return isRight

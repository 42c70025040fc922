"""The Digest scheme (RFC 7616), with the algorithms, nonces and counts of SIP."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from sipapp.resources.sip.authenticate.challenges import offered
from sipapp.resources.web.authentication.portal import AccountPortal
from sipapp.resources.web.authentication.scheme import Fault
from sipapp.sip import SIPError
from sipapp.sip.digest import (
    AuthenticationInfo,
    Challenge,
    Credentials,
    Nonces,
    isDigest,
    parseCredentials,
)
from sipapp.storage import DigestAnswer

if TYPE_CHECKING:
    from sipapp.storage import Account

__all__ = ["DigestScheme"]

_AUTHORITY = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


class DigestScheme:
    """A L{sipapp.resources.web.authentication.scheme.Scheme}.

    A nonce is for all that a client does while it lasts, on all of its connections and all workers;
    each of its counts is for one request. Where a client comes from makes no difference: TCP has
    shown that it is there.
    """

    def __init__(
        self,
        worker: Any,
        portal: AccountPortal,
        realm: str,
        algorithms: Collection[str],
        qop: tuple[str, ...],
        nonceLifetime: float,
    ) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}. The others are as for
            L{sipapp.resources.web.authentication.WebAuthentication}.
        @raise ValueError: if the accounts can be checked with none of the algorithms.
        """
        self._portal = portal
        self._realm = realm
        self._algorithms = offered(algorithms, worker.accounts.algorithms)
        self._qop = qop
        self._counts = worker.nonceCounts
        # Another key than for SIP: what is sent there, on UDP even, is no nonce here.
        key = worker.identifiers.derivedKey("web nonces", self._counts.salt)
        self._nonces = Nonces(key, nonceLifetime)
        self._seconds = worker.reactor.seconds

    def isFor(self, request: Any, text: str) -> bool:
        return isDigest(text)

    def challenges(self, request: Any, stale: bool) -> list[str]:
        nonce = self._mint()
        # RFC 7616 §3.3: names and passwords are in UTF-8. SIP has no such parameter.
        return [
            f"{Challenge(self._realm, nonce, algorithm, self._qop, stale).toText()}, charset=UTF-8"
            for algorithm in self._algorithms
        ]

    async def prove(self, request: Any, text: str) -> Account | Fault | None:
        try:
            shown = parseCredentials(text)
        except SIPError:
            return None
        expiry = self._nonces.expiry(shown.nonce)
        if expiry is None or not self._isAnswer(shown):
            return None
        if _target(shown.uri) != _target(request.uri.decode("utf-8", "surrogateescape")):
            return "misdirected"
        if self._seconds() >= expiry:
            # Whether the password is right can wait until it is proven anew.
            return "stale"
        answer = DigestAnswer(shown, request.method.decode("ascii"), _bodyOf(request))
        account = await self._portal.login(answer)
        # A checker of others' making that has compared nothing has nothing to say.
        ha1 = account and (answer.ha1 or account.ha1(shown.algorithm))
        if not account or not ha1:
            return "wrong"
        # Without qop the count is not part of the proof: anybody could have written it.
        count = shown.nc if shown.qop else 0
        counted: Deferred[bool] = Deferred()
        self._counts.use(shown.nonce, count, expiry, counted.callback)
        if not await counted:
            return "stale"
        self._inform(request, shown, ha1, expiry)
        return account

    def _isAnswer(self, shown: Credentials) -> bool:
        """Tell whether credentials are in one of the ways that are offered; those without qop are
        of a client before RFC 2617."""
        return (
            shown.realm == self._realm
            and shown.algorithm in self._algorithms
            and (shown.qop is None or shown.qop in self._qop)
        )

    def _inform(self, request: Any, shown: Credentials, ha1: str, expiry: float) -> None:
        """Tell a client that this server knows the password too, and in time what to go on with
        (§3.5). A session goes on with the key made from its first nonce (§3.4.2), so it is given no
        other; and the proof for C{auth-int} would need a body that nobody has written yet."""
        isAging = expiry - self._seconds() < self._nonces.lifetime / 2
        information = AuthenticationInfo(
            nextnonce=self._mint() if isAging and not shown.algorithm.endswith("-sess") else None,
            rspauth=shown.rspauth(ha1) if shown.qop == "auth" else None,
            qop=shown.qop,
            cnonce=shown.cnonce or None,
            nc=shown.ncText or None,
        )
        if information.nextnonce or information.rspauth:
            request.setHeader("Authentication-Info", information.toText())

    def _mint(self) -> str:
        return self._nonces.mint(self._seconds())


def _target(uri: str) -> str:
    """A request target without what says where to connect to, which proxies write into it and take
    out of it (RFC 9112 §3.2.2)."""
    authority = _AUTHORITY.match(uri)
    if authority is None:
        return uri
    rest = uri[authority.end() :]
    return rest if rest.startswith("/") else f"/{rest}"


def _bodyOf(request: Any) -> bytes:
    body: bytes = request.content.read()
    request.content.seek(0)
    return body

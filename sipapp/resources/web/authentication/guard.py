"""Authentication of HTTP requests (RFC 9110 §11), for a web resource to call upon::

user = await authentication.authenticate(request)
if user is None:
    authentication.challenge(request)
    return b"Who are you?"
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred
from twisted.web.http import BAD_REQUEST, UNAUTHORIZED

from sipapp.resources.web.authentication.basic import BasicScheme
from sipapp.resources.web.authentication.digest import DigestScheme
from sipapp.resources.web.authentication.portal import AccountPortal
from sipapp.resources.web.authentication.scheme import Fault, Scheme
from sipapp.resources.web.settings import SchemeName

if TYPE_CHECKING:
    from sipapp.storage import Account

__all__ = ["SchemeName", "WebAuthentication"]


class WebAuthentication:
    """Tells who has sent a request, and asks who does not say."""

    def __init__(
        self,
        worker: Any,
        realm: str,
        schemes: Collection[SchemeName] = ("digest", "basic"),
        algorithms: Collection[str] = ("SHA-256", "MD5"),
        qop: tuple[str, ...] = ("auth",),
        nonceLifetime: float = 300.0,
    ) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}.
        @param realm: whose users they are: that of their accounts.
        @param schemes: those to offer. Basic is offered, and taken, over TLS only.
        @param algorithms: of Digest; they are offered strongest first (RFC 7616 §3.7).
        @param qop: what a proof may cover: the request line, C{"auth"}, or the body besides,
            C{"auth-int"}.
        @param nonceLifetime: seconds that a client can go on with one challenge.
        @raise ValueError: if the accounts can be checked in none of these ways.
        """
        self._bans = worker.bans
        portal = AccountPortal(worker.accounts, realm, worker.reactor)
        self._schemes: list[Scheme] = []
        if "digest" in schemes:
            self._schemes.append(
                DigestScheme(worker, portal, realm, algorithms, qop, nonceLifetime)
            )
        if "basic" in schemes and portal.takesPasswords:
            self._schemes.append(BasicScheme(portal, realm))
        if not self._schemes:
            raise ValueError("schemes: the accounts can be checked by none of them")
        # What was wrong with a request, for its answer.
        self._faults: WeakKeyDictionary[Any, Fault] = WeakKeyDictionary()

    def authenticate(self, request: Any) -> Deferred[Account | None]:
        """Find out who has sent a request, all of which has come. Once for each: no proof is good
        twice. Who is who he says is told so in the header fields of the answer.

        @param request: a C{twisted.web.server.Request}.
        @return: Deferred of the C{sipapp.storage.Account}, of which username, realm and role are
            what counts; or of C{None} for who proves nothing. It fails if nobody can tell now.
        """
        return Deferred.fromCoroutine(self._authenticate(request))

    def challenge(self, request: Any) -> None:
        """Make the answer to a request one that asks for a proof: set its status, 401, and the
        challenges. What it says besides is left to the caller.

        If there is a proof, but of a request for something else, that is said instead, with 400
        (RFC 7616 §3.4.6).
        """
        fault = self._faults.pop(request, None)
        if fault == "misdirected":
            request.setResponseCode(BAD_REQUEST)
            return
        challenges = [
            text
            for scheme in self._schemes
            for text in scheme.challenges(request, stale=fault == "stale")
        ]
        request.setResponseCode(UNAUTHORIZED)
        request.responseHeaders.setRawHeaders("WWW-Authenticate", challenges)

    async def _authenticate(self, request: Any) -> Account | None:
        fields = request.requestHeaders.getRawHeaders(b"Authorization", ())
        # It is no list: who sends several leaves open who it is (RFC 9110 §11.6.2).
        if len(fields) != 1:
            return None
        text = fields[0].decode("utf-8", "surrogateescape")
        outcome: Account | Fault | None = None
        for scheme in self._schemes:
            if scheme.isFor(request, text):
                outcome = await scheme.prove(request, text)
                break
        if outcome is None:
            return None
        address = request.getClientAddress().host
        if not isinstance(outcome, str):
            self._bans.vouch(address)
            return outcome
        if outcome == "wrong":
            self._bans.offence(address, "authentication", True)
        self._faults[request] = outcome
        return None

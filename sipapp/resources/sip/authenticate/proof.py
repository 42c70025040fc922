"""What is asked, one after the other, of a request that shows credentials with a fresh nonce.

::

    accounts --> identities --> nonce counts --> the next resource
       |             |               |
    401/407         403        401/407, stale

The accounts may answer at once or later, the nonce counts answer at the end of the turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from sipapp.resources.sip.authenticate.demand import Demand
from sipapp.resources.sip.authenticate.shown import takeOut
from sipapp.resources.sip.dispatch import TAKEN
from sipapp.sip import Response
from sipapp.sip.digest import AuthenticationInfo, Credentials, Identity
from sipapp.transaction import ServerTransaction

if TYPE_CHECKING:
    from sipapp.resources.sip.authenticate.resource import Authenticate

__all__ = ["Proof"]


class Proof:
    """One request, and the credentials that it shows."""

    __slots__ = (
        "_account",
        "_authenticate",
        "_demand",
        "_expiry",
        "_lines",
        "_shown",
        "_transaction",
    )

    def __init__(
        self,
        authenticate: Authenticate,
        transaction: ServerTransaction,
        demand: Demand,
        shown: Credentials,
        expiry: float,
        lines: list[str],
    ) -> None:
        """
        @param expiry: when the nonce ends.
        @param lines: those that are not for others.
        """
        self._authenticate = authenticate
        self._transaction = transaction
        self._demand = demand
        self._shown = shown
        self._expiry = expiry
        self._lines = lines
        self._account: Any = None

    def judge(self) -> Deferred[Any]:
        """
        @return: Deferred of what L{sipapp.interfaces.ISIPResource.offer} is to give.
        """
        request = self._transaction.request
        checked: Deferred[Any] = Deferred()
        accounts = self._authenticate.accounts
        accounts.check(self._shown, request.method, request.body, checked.callback)
        return checked.addCallback(self._checked).addCallback(self._decided)

    def _checked(self, account: Any) -> Any:
        """
        @param account: L{sipapp.storage.Account}, C{None} if nobody's, or an exception.
        """
        if isinstance(account, Exception):
            raise account
        authenticate = self._authenticate
        request = self._transaction.request
        flow: Any = request.flow
        address = flow.remote[0]
        # A datagram may come from anywhere; its nonce has been sent to one place only.
        proven = flow.reliable or authenticate.nonces.wasSentTo(self._shown.nonce, address)
        if account is None:
            authenticate.refused += 1
            authenticate.bans.offence(address, "authentication", proven)
            return authenticate.challenge(request, self._demand)
        if proven:
            authenticate.bans.vouch(address)
        identity = Identity(account.username, self._demand.realm)
        if not authenticate.identities.agree(identity, request):
            return request.respond(403, toTag=authenticate.toTag(request))
        self._account = account
        # Without qop the count is not part of the proof: anybody could have written it.
        count = self._shown.nc if self._shown.qop else 0
        counted: Deferred[bool] = Deferred()
        authenticate.counts.use(self._shown.nonce, count, self._expiry, counted.callback)
        return counted.addCallback(self._counted, identity)

    def _counted(self, isFirst: bool, identity: Identity) -> Response | None:
        """The store has said whether this proof has been used before, here or elsewhere."""
        authenticate = self._authenticate
        request = self._transaction.request
        if not isFirst:
            return authenticate.challenge(request, self._demand, stale=True)
        takeOut(request, self._lines)
        authenticate.accepted += 1
        request.authenticated = identity
        if self._mayGoOn() and authenticate.isAging(self._expiry):
            self._transaction.amend = self._renew
        return None

    def _mayGoOn(self) -> bool:
        """Tell whether the phone can be given another nonce along with the answer. A proxy has no
        header field for that; and a session goes on with the key made from its first nonce
        (RFC 7616 §3.4.2), which is known to nobody here when the nonce is another."""
        return not (self._demand.isProxy or self._shown.algorithm.endswith("-sess"))

    def _decided(self, outcome: Response | None) -> Any:
        # Whoever has sent it may have given it up in the meantime (§9.2).
        return TAKEN if self._transaction.isFinal else outcome

    def _renew(self, response: Response) -> None:
        """Give the phone its next nonce in time, so that it need not be asked for it (§22.4)."""
        if not 200 <= response.status < 300:
            return
        shown = self._shown
        information = AuthenticationInfo(
            nextnonce=self._authenticate.mint(self._transaction.request),
            rspauth=shown.rspauth(self._account.ha1(shown.algorithm), response.body),
            qop=shown.qop,
            cnonce=shown.cnonce or None,
            nc=shown.ncText or None,
        )
        response.append("Authentication-Info", information.toText())

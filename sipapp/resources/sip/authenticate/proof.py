"""What is asked, one after the other, of a request that shows credentials with a fresh nonce.

::

    accounts --> identities --> nonce counts --> the next resource
       |             |               |
    401/407         403        401/407, stale

The accounts may answer at once or later, the nonce counts answer at the end of the turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sipapp.resources.sip.authenticate.demand import Demand
from sipapp.resources.sip.authenticate.shown import Shown, takeOut
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
        "_judged",
        "_ours",
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
        ours: Sequence[Shown],
    ) -> None:
        """
        @param shown: the credentials to judge.
        @param expiry: when their nonce ends.
        @param ours: all that are not for others.
        """
        self._authenticate = authenticate
        self._transaction = transaction
        self._demand = demand
        self._shown = shown
        self._expiry = expiry
        self._ours = ours
        self._account: Any = None
        self._judged: Deferred[Any] = Deferred()

    def judge(self) -> Deferred[Any]:
        """
        @return: Deferred of what L{sipapp.interfaces.ISIPResource.offer} is to give.
        """
        request = self._transaction.request
        accounts = self._authenticate.accounts
        accounts.check(self._shown, request.method, request.body, self._checked)
        return self._judged

    def _checked(self, account: Any) -> None:
        """
        @param account: L{sipapp.storage.Account}, C{None} if nobody's, or an exception.
        """
        try:
            if isinstance(account, Exception):
                raise account
            outcome = self._objectionTo(account)
            if outcome is not None:
                self._decide(outcome)
                return
            # Without qop the count is not part of the proof: anybody could have written it.
            count = self._shown.nc if self._shown.qop else 0
            counts = self._authenticate.counts
            counts.use(self._shown.nonce, count, self._expiry, self._counted)
        except Exception:
            self._judged.errback(Failure())

    def _objectionTo(self, account: Any) -> Response | None:
        """
        @return: the answer to who has not proven to be who the request says.
        """
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
        return None

    def _counted(self, isFirst: bool) -> None:
        """The store has said whether this proof has been used before, here or elsewhere."""
        try:
            if isFirst:
                self._accept()
                self._decide(None)
            else:
                request = self._transaction.request
                self._decide(self._authenticate.challenge(request, self._demand, stale=True))
        except Exception:
            self._judged.errback(Failure())

    def _accept(self) -> None:
        authenticate = self._authenticate
        request = self._transaction.request
        takeOut(request, self._ours)
        authenticate.accepted += 1
        request.authenticated = Identity(self._account.username, self._demand.realm)
        if self._mayGoOn() and authenticate.isAging(self._expiry):
            self._transaction.amend = self._renew

    def _decide(self, outcome: Response | None) -> None:
        # Whoever has sent it may have given it up in the meantime (§9.2).
        self._judged.callback(TAKEN if self._transaction.isFinal else outcome)

    def _mayGoOn(self) -> bool:
        """Tell whether the phone can be given another nonce along with the answer. A proxy has no
        header field for that; and a session goes on with the key made from its first nonce
        (RFC 7616 §3.4.2), which is known to nobody here when the nonce is another."""
        return not (self._demand.isProxy or self._shown.algorithm.endswith("-sess"))

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

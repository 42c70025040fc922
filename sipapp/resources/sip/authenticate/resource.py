"""Authentication as a resource: it stands before those that do something for a user.

::

    offer --> demand --> shown --> Proof --> the next resource
                |          |
                |          +--- 401/407: nothing, or with a nonce that has ended
                +--- nothing to prove: the next resource

A request that shows nothing is answered without a transaction, as RFC 3261 §26.3.2.4 wants it: a
stranger costs a hash and an answer, and is told once for each time that he asks.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from sipapp.resources.maker import ResourceMaker
from sipapp.resources.sip.authenticate.challenges import Challenges, offered
from sipapp.resources.sip.authenticate.demand import NEVER_ASKED, Demand, Demands
from sipapp.resources.sip.authenticate.identities import Identities
from sipapp.resources.sip.authenticate.proof import Proof
from sipapp.resources.sip.authenticate.settings import AuthenticateSettings
from sipapp.resources.sip.authenticate.shown import (
    Shown,
    credentialsIn,
    oursAmong,
    takeOut,
)
from sipapp.resources.sip.resource import SIPResource
from sipapp.sip import Request, Response, SIPError
from sipapp.sip.digest import Credentials, Nonces
from sipapp.transaction import ServerTransaction

__all__ = ["Authenticate", "authenticateMaker"]


class _AllBut:
    """Every method but some."""

    def __init__(self, excepted: Container[str]) -> None:
        self._excepted = excepted

    def __contains__(self, method: object) -> bool:
        return method not in self._excepted


class Authenticate(SIPResource):
    """Lets pass what has nothing to prove, and what has proven it: then the request's
    C{authenticated} says who has sent it.

    @ivar accepted: proofs that were good. @ivar refused: those that were not.

    @ivar accounts: the L{sipapp.interfaces.IAccounts}.
    @ivar bans: the L{sipapp.interfaces.IBans}.
    @ivar counts: the L{sipapp.interfaces.INonceCounts}.
    @ivar identities: whose an address is.
    @ivar nonces: what challenges are made with.
    @ivar toTag: mints the tags of the answers given here.
    """

    stateless = _AllBut(NEVER_ASKED)

    def __init__(self, settings: AuthenticateSettings, worker: Any) -> None:
        """
        @raise ValueError: if the accounts can be checked with none of the algorithms.
        """
        self.accounts = worker.accounts
        self.bans = worker.bans
        self.counts = worker.nonceCounts
        self.toTag = worker.identifiers.toTag
        self._ourTags = f"{worker.identifiers.code}."
        key = worker.identifiers.derivedKey("nonces", self.counts.salt)
        self.nonces = Nonces(key, settings.nonceLifetime)
        self.identities = Identities(worker, settings.realms, settings.identities)
        self._demands = Demands(worker, self.identities)
        self._algorithms = offered(settings.algorithms, self.accounts.algorithms)
        self._challenges = Challenges(self._algorithms, settings.qop)
        self._seconds = worker.reactor.seconds
        self._challenged = 0
        self.accepted = 0
        self.refused = 0
        # After this time nobody sends a request again that came while its nonce was good.
        self._repeated = 64 * worker.timers.t1

    @property
    def tallies(self) -> dict[str, int]:
        return {
            "challenged": self._challenged,
            "accepted": self.accepted,
            "refused": self.refused,
        }

    def answer(self, request: Request) -> Response | None:
        """Challenge a request that proves nothing, and did not when it came for the first time."""
        shown = credentialsIn(request)
        if shown and self._mayHaveBeenGood(oursAmong(shown, self.nonces)):
            return None
        try:
            demand = self._demands.of(request)
        except SIPError:
            return None
        if demand is None:
            return None
        # Who knows nothing but a nonce of another time has not got the password wrong.
        stale = any(each.credentials.realm == demand.realm for each in shown)
        return self.challenge(request, demand, stale)

    def offer(self, transaction: ServerTransaction) -> Any:
        request = transaction.request
        ours = oursAmong(credentialsIn(request), self.nonces)
        try:
            demand = self._demands.of(request)
        except SIPError as error:
            return request.refuse(error, self.toTag(request))
        if demand is None:
            if ours:
                takeOut(request, ours)
            return None
        for _, shown in ours:
            # The first that will do, if there are several (RFC 8760 §2.4).
            if shown.realm == demand.realm and self._isAnswer(shown):
                break
        else:
            return self.challenge(request, demand)
        expiry = self.nonces.expiry(shown.nonce) or 0.0
        if self._seconds() >= expiry:
            # Whether the password is right can wait until it is proven anew.
            return self.challenge(request, demand, stale=True)
        return Proof(self, transaction, demand, shown, expiry, ours).judge()

    def ack(self, request: Request) -> bool:
        """The ACK to a challenge that was sent without a transaction ends here. Others go on, and
        are not asked for anything; but the proof that they repeat is not for others."""
        to = request.lines[request.names.index("to")]
        if self._ourTags in to and request.to.tag == self.toTag(request):
            return True
        ours = oursAmong(credentialsIn(request), self.nonces)
        if ours:
            takeOut(request, ours)
        return False

    def _mayHaveBeenGood(self, ours: Iterable[Shown]) -> bool:
        """Tell whether one of these has been, when the request came for the first time."""
        since = self._seconds() - self._repeated
        return any((self.nonces.expiry(shown.nonce) or 0.0) > since for _, shown in ours)

    def _isAnswer(self, shown: Credentials) -> bool:
        """Tell whether credentials are in one of the ways that are offered."""
        return shown.algorithm in self._algorithms and shown.isComputable

    def challenge(self, request: Request, demand: Demand, stale: bool = False) -> Response:
        """
        @param stale: whether only the nonce was at fault.
        @return: the answer that asks for a proof.
        """
        self._challenged += 1
        tag = self.toTag(request)
        return self._challenges.answer(request, demand, self.mint(request), tag, stale)

    def mint(self, request: Request) -> str:
        """
        @return: a nonce for whoever has sent the request.
        """
        flow: Any = request.flow
        return self.nonces.mint(self._seconds(), flow.remote[0])

    def isAging(self, expiry: float) -> bool:
        """Tell whether a nonce is in the second half of its life."""
        left: float = expiry - self._seconds()
        return left < self.nonces.lifetime / 2


authenticateMaker = ResourceMaker("authenticate", "sip", AuthenticateSettings, Authenticate)

"""Who has to prove what (RFC 3261 §22.1 to §22.3).

A request claims to come from the user in its From. If that is an address in a domain of ours, or
one that a user of ours has besides, it has to be proven; who claims to be from elsewhere is not
asked, since nobody here knows a password of his, and is treated as a stranger by the resources that
follow. A REGISTER is about the user in its To.

Not asked is also who sends

 - ACK, which nobody can answer, and CANCEL, which cannot be sent again with credentials (§22.1);
 - what comes from a trusted peer, which vouches for its users;
 - what belongs to a dialog that this server has set up: it has been asked then, and the proof is in
   the Route. That holds only for what a dialog is for. Whoever has ever been called has such a
   Route, and phones do not all look closely at what else comes with one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sipapp.resources.sip.authenticate.identities import Identities
from sipapp.resources.sip.proxy import tokens
from sipapp.resources.sip.proxy.routing import isInDialog
from sipapp.sip import SIPURI, Request

__all__ = ["NEVER_ASKED", "Demand", "Demands"]

NEVER_ASKED = frozenset({"ACK", "CANCEL"})

_OF_DIALOGS = frozenset(
    {"BYE", "INFO", "INVITE", "NOTIFY", "PRACK", "REFER", "SUBSCRIBE", "UPDATE"}
)
"""What is sent within dialogs (RFC 3261 §12.2, RFC 3262, 3311, 3515, 6086, 6665). A phone answers
481 to one of those whose dialog it does not know."""


class Demand(NamedTuple):
    """What a request has to prove.

    @ivar realm: where the user is known.
    @ivar isProxy: whether it is asked for as by a proxy, with 407, because the request is not for
        this server itself.
    """

    realm: str
    isProxy: bool


class Demands:
    """
    @param worker: the L{sipapp.interfaces.IWorker}.
    """

    def __init__(self, worker: Any, identities: Identities) -> None:
        self._worker = worker
        self._realmOf = identities.realmOf

    def of(self, request: Request) -> Demand | None:
        """
        @return: what the request has to prove, C{None} if nothing.
        @raise SIPError: if From, To, Request-URI or Route cannot be read.
        """
        method = request.method
        if method in NEVER_ASKED or self._worker.isTrusted(request.flow):
            return None
        realm = self._realmOf(request.to.uri) if method == "REGISTER" else None
        if realm is None:
            realm = self._realmOf(request.fromHeader.uri)
        if realm is None:
            return None
        if self._isForThisServer(request):
            return Demand(realm, False)
        return None if self._isInDialogOfOurs(request) else Demand(realm, True)

    def _isForThisServer(self, request: Request) -> bool:
        uri = request.uri
        if not isinstance(uri, SIPURI):
            return False
        isDomain = uri.port is None and uri.host in self._worker.domains
        if not isDomain and not self._worker.isLocal(uri):
            return False
        return request.method == "REGISTER" or uri.user is None

    def _isInDialogOfOurs(self, request: Request) -> bool:
        """Whether a Route of ours proves it. What somebody else's Route says does not count."""
        if "route" not in request.names or request.method not in _OF_DIALOGS:
            return False
        if not isInDialog(request):
            return False
        for route in request.routes:
            uri = route.uri
            if not isinstance(uri, SIPURI) or not self._worker.isLocal(uri):
                return False
            if (
                uri.user
                and tokens.read(self._worker.identifiers, uri.user, request.callID) is not None
            ):
                return True
        return False

"""Who may have a request forwarded to a place that is not ours.

A server that forwards anything for anyone is an open relay: the cost of the calls and the blame for
the attacks that go through it are its owner's. So a request leaves for a foreign place only if
it belongs to a dialog that this server has set up, or comes from a trusted peer, from a user who
has proven to be one, or from a phone that is registered here and says so in its From. Nothing else
that a peer writes counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred

from sipapp.location import Binding
from sipapp.sip import SIPURI, Request, SIPError, parseURI

__all__ = ["RelayPolicy"]


class RelayPolicy:
    """
    @param worker: the L{sipapp.interfaces.IWorker}.
    @param registered: whether users, and phones that are registered, may call foreign domains.
    """

    def __init__(self, worker: Any, registered: bool) -> None:
        self._worker = worker
        self._registered = registered

    def permits(self, request: Request) -> bool | Deferred[bool]:
        """Whether the request may go to a foreign place. The proof that a dialog is ours is not
        looked at here: L{sipapp.resources.sip.proxy.routing} has."""
        flow = request.flow
        if self._worker.isTrusted(flow):
            return True
        if not self._registered:
            return False
        if request.authenticated is not None:
            return True
        caller = request.fromHeader.uri
        if not isinstance(caller, SIPURI) or not self._worker.isLocal(caller):
            return False
        location = self._worker.location
        aor = caller.aor()
        bindings = location.lookupNow(aor)
        if bindings is not None:
            return _isFrom(flow, bindings)
        found: Deferred[tuple[Binding, ...]] = location.lookup(aor)
        return found.addCallback(lambda late: _isFrom(flow, late))


def _isFrom(flow: Any, bindings: Iterable[Binding]) -> bool:
    """Whether the flow is one that a binding was made over, or comes from a binding's address."""
    for binding in bindings:
        if binding.flow and binding.flow == flow.token:
            return True
        try:
            contact = parseURI(binding.contact)
        except SIPError:
            continue
        if not isinstance(contact, SIPURI) or contact.host != flow.remote[0] or binding.path:
            continue
        # A connection comes from any port; a phone sends datagrams from where it listens.
        if flow.reliable or (contact.port or 5060) == flow.remote[1]:
            return True
    return False
